//! Whether a person wrote a message, or a program that must not be answered (RFC 3834).

use super::headers::{Headers, Mailbox};

/// The kind of program that sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Automatic {
    /// The desk itself.
    Own,
    /// A mail server that reports undelivered mail.
    Bounce,
    /// An absence notice, or a program that answers automatically.
    AutoReply,
    /// A program that reports on its own, such as a monitoring system (`Auto-Submitted: auto-generated`).
    Program,
    /// A mailing list, or bulk mail. A person may have written it.
    List,
}

/// Fields that only automatic replies have.
const AUTO_REPLY_FIELDS: [&str; 5] =
    ["x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-mail-autoreply"];

/// How mail programs begin the subject of a notice of absence.
const ABSENCE: [&str; 9] = [
    "automatic reply:",
    "out of office",
    "respuesta automática",
    "fuera de la oficina",
    "resposta automática",
    "réponse automatique",
    "automatische antwort",
    "risposta automatica",
    "autoreply:",
];

fn is_notice_of_absence(subject: &str) -> bool {
    let subject = subject.to_lowercase();
    ABSENCE.iter().any(|beginning| subject.starts_with(beginning))
}

/// The kind of program that sent it, if it was not a person.
pub fn automatic(
    headers: &Headers<'_>,
    from: Option<&Mailbox>,
    message_id: Option<&str>,
    own_domain: Option<&str>,
    own_address: Option<&str>,
) -> Option<Automatic> {
    let fields = headers.fields();
    let values = |name: &'static str| {
        let named = fields.iter().filter(move |field| field.name == name);
        named.map(|field| field.value.to_ascii_lowercase())
    };
    let is = |name, words: &[&str]| values(name).any(|value| words.iter().any(|word| first(&value) == *word));
    let has = |name| values(name).next().is_some();

    let by_id = message_id.zip(own_domain).is_some_and(|(id, domain)| is_own(id, domain));
    let by_address = from.zip(own_address).is_some_and(|(from, own)| from.address == own.to_lowercase());
    if by_id || by_address {
        return Some(Automatic::Own);
    }
    let local = from.and_then(|from| from.address.split('@').next()).unwrap_or_default();
    if is("content-type", &["multipart/report"])
        || values("return-path").any(|value| value.split_whitespace().collect::<String>() == "<>")
        || has("x-failed-recipients")
        || matches!(local, "mailer-daemon" | "postmaster")
    {
        return Some(Automatic::Bounce);
    }
    let answers = |value: &String| !matches!(first(value), "" | "no" | "auto-generated");
    if values("auto-submitted").any(|value| answers(&value))
        || is("precedence", &["auto_reply"])
        || AUTO_REPLY_FIELDS.iter().any(|name| has(name))
    {
        return Some(Automatic::AutoReply);
    }
    let suppresses = values("x-auto-response-suppress").any(|value| suppresses_answers(&value));
    if is("auto-submitted", &["auto-generated"]) {
        // Exchange marks its notices of absence in the same way, and they name the message that they answer.
        let is_reply = is_notice_of_absence(&headers.subject()) || suppresses && has("in-reply-to");
        return Some(if is_reply { Automatic::AutoReply } else { Automatic::Program });
    }
    if suppresses {
        return Some(Automatic::AutoReply);
    }
    if is("precedence", &["bulk", "junk", "list"]) || has("list-id") || has("list-unsubscribe") {
        return Some(Automatic::List);
    }
    None
}

/// Whether it is a Message-ID that the desk makes: a UUID of version 7 at its domain. The domain alone is not
/// sufficient, since people write from the same one, and mail programs make UUIDs of version 4.
fn is_own(message_id: &str, own_domain: &str) -> bool {
    let Some((local, domain)) = message_id.rsplit_once('@') else { return false };
    let groups: Vec<&str> = local.split('-').collect();
    let is_uuid = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_uuid && groups[2].starts_with('7') && domain.eq_ignore_ascii_case(own_domain)
}

/// Whether it requests that no automatic answers are sent, not only no receipts.
fn suppresses_answers(value: &str) -> bool {
    value.split(',').any(|word| matches!(word.trim(), "all" | "oof" | "autoreply"))
}

/// The value without its parameters.
fn first(value: &str) -> &str {
    value.split([';', ' ', '(', ',']).next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<Automatic> {
        let headers = Headers::read(header.as_bytes()).unwrap();
        let (from, id) = (headers.from(), headers.message_id());
        automatic(&headers, from.as_ref(), id.as_deref(), Some("mesa.gov.co"), Some("soporte@mesa.gov.co"))
    }

    #[test]
    fn a_machine_is_known_by_its_header() {
        for (header, expected) in [
            ("From: a@x.co\r\nAuto-Submitted: no\r\n", None),
            ("From: a@x.co\r\nAuto-Submitted:\r\n", None),
            ("From: a@x.co\r\nX-Auto-Response-Suppress: None\r\nPrecedence: first-class\r\n", None),
            ("From: a@x.co\r\nX-Auto-Response-Suppress: DR, RN, NRN\r\n", None),
            ("From: a@x.co\r\nX-Auto-Response-Suppress: All\r\n", Some(Automatic::AutoReply)),
            ("From: a@x.co\r\nAuto-Submitted: auto-replied; owner-email=x\r\n", Some(Automatic::AutoReply)),
            ("From: a@x.co\r\nX-Auto-Response-Suppress: DR, OOF\r\n", Some(Automatic::AutoReply)),
            ("From: a@x.co\r\nPrecedence: Bulk\r\n", Some(Automatic::List)),
            (
                "From: a@x.co\r\nAuto-Submitted: auto-generated\r\nPrecedence: bulk\r\n",
                Some(Automatic::Program),
            ),
            ("From: a@x.co\r\nAuto-Submitted: Auto-Generated (UPS)\r\n", Some(Automatic::Program)),
            (
                "From: a@x.co\r\nAuto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nIn-Reply-To: <1@x>\r\n",
                Some(Automatic::AutoReply),
            ),
            (
                "From: a@x.co\r\nAuto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n",
                Some(Automatic::Program),
            ),
            (
                "From: a@x.co\r\nAuto-Submitted: auto-generated\r\nSubject: Respuesta automática: Sin red\r\n",
                Some(Automatic::AutoReply),
            ),
            ("From: a@x.co\r\nX-Autoresponder: yes\r\n", Some(Automatic::AutoReply)),
            ("From: a@x.co\r\nAuto-Submitted: auto-notified\r\n", Some(Automatic::AutoReply)),
            ("From: a@x.co\r\nList-Id: <todos.x.co>\r\n", Some(Automatic::List)),
            ("Return-Path: < >\r\nFrom: a@x.co\r\n", Some(Automatic::Bounce)),
            ("From: MAILER-DAEMON@x.co\r\n", Some(Automatic::Bounce)),
            (
                "From: a@x.co\r\nContent-Type: multipart/report; report-type=delivery-status\r\n",
                Some(Automatic::Bounce),
            ),
            (
                "From: a@x.co\r\nMessage-ID: <019ab0c1-5d00-7c3e-8e5e-0242ac120002@MESA.gov.co>\r\n",
                Some(Automatic::Own),
            ),
            (
                "From: a@mesa.gov.co\r\nMessage-ID: <019ab0c1-5d00-4c3e-8e5e-0242ac120002@mesa.gov.co>\r\n",
                None,
            ),
            ("From: a@mesa.gov.co\r\nMessage-ID: <019ab0c1-5d00-7c3e-8e5e-0242ac120002@x.co>\r\n", None),
            ("From: Soporte <soporte@mesa.gov.co>\r\nAuto-Submitted: no\r\n", Some(Automatic::Own)),
        ] {
            assert_eq!(read(header), expected, "{header}");
        }
    }
}
