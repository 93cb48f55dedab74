//! Lines that programs draw above a quotation or above a message that is forwarded: `-----Mensaje original-----`.

use super::lines::{Line, is_dash};

/// What is below a separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// A quotation.
    Original,
    /// A message that the author passes on: it belongs to the words of the author.
    Forwarded,
}

const ORIGINAL: &[&str] = &[
    "mensaje original",
    "correo original",
    "cita original",
    "mensaje de respuesta",
    "original message",
    "original mail",
    "original email",
    "original appointment",
    "reply message",
    "mensagem original",
    "message d'origine",
    "message original",
    "message initial",
    "mail original",
    "courriel original",
    "ursprüngliche nachricht",
    "ursprungliche nachricht",
    "ursprüngliche mail",
    "originalnachricht",
    "original-nachricht",
    "originalmeldung",
    "antwort nachricht",
    "messaggio originale",
    "messaggio di origine",
    "oorspronkelijk bericht",
    "origineel bericht",
    "oprindelig meddelelse",
    "opprinnelig melding",
    "ursprungligt meddelande",
    "originalmeddelande",
    "wiadomość oryginalna",
    "oryginalna wiadomość",
    "исходное сообщение",
    "原始邮件",
];

const FORWARDED: &[&str] = &[
    "forwarded message",
    "forwarded mail",
    "forwarded by",
    "mensaje reenviado",
    "correo reenviado",
    "reenviado por",
    "mensagem encaminhada",
    "mensagem reencaminhada",
    "message transféré",
    "message réexpédié",
    "message transmis",
    "weitergeleitete nachricht",
    "weitergeleitete mail",
    "messaggio inoltrato",
    "doorgestuurd bericht",
    "videresendt meddelelse",
    "vidarebefordrat meddelande",
    "wiadomość przekazana",
];

/// Of Apple, without dashes.
const BEGINS_FORWARDED: &[&str] = &[
    "begin forwarded message",
    "inicio del mensaje reenviado",
    "início da mensagem encaminhada",
    "início da mensagem reencaminhada",
    "início de mensagem reencaminhada",
    "début du message transféré",
    "début du message réexpédié",
    "anfang der weitergeleiteten nachricht",
    "anfang der weitergeleiteten e-mail",
    "inizio messaggio inoltrato",
    "inizio del messaggio inoltrato",
];

/// The longest line that is one, in bytes.
const LONGEST: usize = 120;

pub fn read(line: &Line) -> Option<Separator> {
    let words = line.words;
    if words.len() > LONGEST || words.len() < 8 || line.is_quoted() {
        return None;
    }
    let drawn = |c: char| is_dash(c) || matches!(c, '_' | '*' | '=' | '~' | '#' | '<' | '>' | ' ' | '|');
    let inner = words.trim_matches(drawn);
    let above = words.len() - words.trim_start_matches(drawn).len();
    let below = words.len() - words.trim_end_matches(drawn).len();
    if above == 0 && !inner.ends_with([':', '：']) {
        return None;
    }
    let phrase = inner.trim_end_matches([':', '：', ' ']).replace('’', "'").to_lowercase();
    if above >= 2 && below >= 2 {
        let begins = |names: &[&str]| names.iter().any(|name| phrase == *name);
        if begins(ORIGINAL) || phrase.contains("above this line") || phrase.contains("encima de esta línea")
        {
            return Some(Separator::Original);
        }
        let forwarded = FORWARDED.iter().any(|name| phrase.starts_with(name));
        if forwarded {
            return Some(Separator::Forwarded);
        }
    }
    BEGINS_FORWARDED.contains(&phrase.as_str()).then_some(Separator::Forwarded)
}
