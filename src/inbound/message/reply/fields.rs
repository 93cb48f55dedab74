//! Lines of the form `Name: value` that repeat the header of a message.

use super::lines::{Line, beginning, trim};

/// The kinds of header fields that programs repeat above a quotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    From,
    /// `Enviado el`, in words that only mail programs use.
    Sent,
    /// `Fecha`, as a memorandum has too.
    Date,
    To,
    Copy,
    Subject,
    Other,
    /// A field of the source of a message, which programs do not repeat: `Received`.
    Source,
}

const NAMES: &[(Kind, &[&str])] = &[
    (
        Kind::From,
        &[
            "de",
            "from",
            "von",
            "da",
            "van",
            "fra",
            "från",
            "od",
            "remitente",
            "remetente",
            "mittente",
            "expéditeur",
            "absender",
            "от",
            "发件人",
        ],
    ),
    (
        Kind::Sent,
        &[
            "enviado",
            "enviado el",
            "enviado em",
            "enviada",
            "enviada em",
            "enviados",
            "enviado a las",
            "sent",
            "sent at",
            "sent on",
            "gesendet",
            "gesendet am",
            "envoyé",
            "envoyé le",
            "envoyé à",
            "inviato",
            "inviato il",
            "inviata",
            "verzonden",
            "sendt",
            "skickat",
            "wysłano",
            "fecha de envío",
            "data de envio",
            "date d'envoi",
            "发送时间",
        ],
    ),
    (Kind::Date, &["fecha", "date", "data", "datum", "dato", "data/hora", "fecha y hora", "дата"]),
    (
        Kind::To,
        &[
            "para",
            "to",
            "an",
            "à",
            "a",
            "aan",
            "til",
            "till",
            "do",
            "destinatario",
            "destinataire",
            "кому",
            "收件人",
        ],
    ),
    (
        Kind::Copy,
        &["cc", "c.c.", "cco", "bcc", "con copia", "com cópia", "copie", "copie à", "kopie", "kopi", "dw"],
    ),
    (
        Kind::Subject,
        &[
            "asunto",
            "subject",
            "betreff",
            "objet",
            "assunto",
            "oggetto",
            "onderwerp",
            "emne",
            "ämne",
            "temat",
            "тема",
            "主题",
        ],
    ),
    (
        Kind::Other,
        &[
            "responder a",
            "responder para",
            "reply-to",
            "reply to",
            "antwort an",
            "répondre à",
            "rispondi a",
            "importancia",
            "importance",
            "importância",
            "importanza",
            "wichtigkeit",
            "prioridad",
            "prioridade",
            "priority",
            "priorität",
            "priorité",
            "adjuntos",
            "datos adjuntos",
            "archivos adjuntos",
            "attachments",
            "anexos",
            "anlagen",
            "pièces jointes",
            "allegati",
            "organización",
            "organization",
            "sent by",
            "enviado por",
            "mailed-by",
            "signed-by",
            "categories",
            "categorías",
            "sensitivity",
        ],
    ),
    (
        Kind::Source,
        &[
            "received",
            "return-path",
            "delivered-to",
            "message-id",
            "dkim-signature",
            "arc-seal",
            "authentication-results",
            "received-spf",
            "mime-version",
            "content-type",
            "x-mailer",
            "x-originating-ip",
            "x-spam-status",
            "in-reply-to",
            "references",
            "user-agent",
            "content-transfer-encoding",
        ],
    ),
];

/// A line that is a header field.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    pub kind: Kind,
    pub value: &'a str,
}

/// The longest name, in bytes.
const LONGEST_NAME: usize = 30;

/// The field of this line: `De: Ana`, `*De:* Ana`, `• De : Ana`.
pub fn read<'a>(line: &Line<'a>) -> Option<Field<'a>> {
    if line.words.len() < 2 {
        return None;
    }
    let decoration = |c: char| matches!(c, '*' | '_' | '•' | '·' | '-' | '|' | ' ' | '\t' | '\u{a0}');
    let words = beginning(line.words).trim_start_matches(decoration);
    let colon =
        words.bytes().take(LONGEST_NAME).position(|byte| byte == b':').or_else(|| words.find('：'))?;
    if colon == 0 || colon > LONGEST_NAME {
        return None;
    }
    let (name, rest) = words.split_at(colon);
    let value = trim(rest.trim_start_matches([':', '：'])).trim_matches(['*', '_', ' ']);
    let kind = kind(&name.trim_end_matches(decoration).replace('’', "'").to_lowercase())?;
    Some(Field { kind, value })
}

fn kind(name: &str) -> Option<Kind> {
    let named = NAMES.iter().find(|(_, names)| names.contains(&name));
    named.map(|(kind, _)| *kind).or_else(|| name.starts_with("x-").then_some(Kind::Source))
}
