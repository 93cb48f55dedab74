//! What an author adds below the signature: `P.D. La bandeja dos está rota.`

use super::authors;
use super::lines::trim;

/// The fewest words of a sentence without `P.D.`.
const FEWEST_WORDS: usize = 4;

/// Stems of the notices that organizations put below a signature.
const NOTICES: &[&str] = &[
    "confidencial",
    "confidential",
    "confidentiel",
    "vertraulich",
    "riservat",
    "privileg",
    "destinatari",
    "recipient",
    "disclaimer",
    "este mensaje",
    "este correo",
    "esta mensagem",
    "this message",
    "this e-mail",
    "this email",
    "ce message",
    "diese nachricht",
    "questo messaggio",
    "medio ambiente",
    "environment",
    "antes de imprimir",
    "before printing",
    "planeta",
    "datos personales",
    "habeas data",
    "horario de",
];

/// The line with which the words begin in a signature, without its delimiter; below an empty line.
pub fn start(signature: &[&str]) -> Option<usize> {
    let is_below_empty = |at: usize| at >= 2 && trim(signature[at - 1]).is_empty();
    (2..signature.len()).filter(|at| is_below_empty(*at)).find(|at| {
        let end = signature[*at..].iter().position(|line| trim(line).is_empty());
        let paragraph = &signature[*at..end.map_or(signature.len(), |end| at + end)];
        is_marked(paragraph) || is_prose(paragraph)
    })
}

/// `P.D. …`, `PS: …`, `Nota: …`
fn is_marked(paragraph: &[&str]) -> bool {
    let Some(first) = paragraph.first().map(|line| trim(line).to_lowercase()) else { return false };
    let begins =
        |mark: &str| first.strip_prefix(mark).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    let marked = ["p.d", "pd", "p.s", "ps", "p. d", "p. s", "posdata", "postdata", "postscript"]
        .iter()
        .any(|mark| begins(mark));
    marked || begins("nota") && first.contains(':') && !is_notice(paragraph)
}

fn is_notice(paragraph: &[&str]) -> bool {
    let words = paragraph.join(" ").to_lowercase();
    NOTICES.iter().any(|notice| words.contains(notice))
}

/// A sentence of an author: no name, position, address, motto or notice.
fn is_prose(paragraph: &[&str]) -> bool {
    let text = paragraph.join(" ");
    let text = trim(&text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let low = |word: &&&str| word.starts_with(char::is_lowercase);
    let quoted = text.starts_with(['"', '«', '“', '*', '\'', '(']);
    text.ends_with(['.', '?', '!'])
        && words.len() >= FEWEST_WORDS
        && words.iter().filter(low).count() * 2 > words.len()
        && !quoted
        && !text.contains("://")
        && !text.contains("www.")
        && !words.iter().any(|word| authors::is_address(word))
        && !is_notice(paragraph)
}
