//! Words with which an author introduces a message of another, which then belongs to the words of the author.

use super::lines::{self, Line, is_rule};
use super::separators;

/// Whether the author introduces what follows: `Me llegó este correo:`.
pub fn announces(lines: &[Line], at: usize) -> bool {
    const WORDS: &[&str] = &[
        "reenv",
        "encaminh",
        "siguiente correo",
        "siguiente mensaje",
        "correo sospechoso",
        "mensaje sospechoso",
        "phishing",
        "correo que me",
        "mensaje que me",
        "correo falso",
        "me llegó est",
        "me llegó un correo",
        "me llegó un mensaje",
        "recibí est",
        "recibí un correo",
        "recibí un mensaje",
        "suspicious",
        "following email",
        "following e-mail",
        "following message",
        "forwarded",
        "forwarding",
        "got this email",
        "got this e-mail",
        "got this message",
        "received this",
    ];
    const CLOSINGS: &[&str] = &["atentamente", "cordialmente", "saludos", "gracias", "regards", "att"];
    let above = lines[..at]
        .iter()
        .rev()
        .take(8)
        .find(|line| !line.words.is_empty() && !is_rule(line.words) && separators::read(line).is_none());
    let Some(line) = above.filter(|line| !line.is_quoted()) else { return false };
    let lower = line.beginning().to_lowercase();
    let closes = CLOSINGS.iter().any(|closing| lower.starts_with(closing));
    let introduces = line.words.ends_with([':', '：']) && lower.split_whitespace().count() >= 2;
    !closes && (introduces || hands_on(lines, at) || WORDS.iter().any(|word| lower.contains(word)))
}

/// Beginnings of words that hand on what another wrote.
const HANDS_ON: &[&str] = &[
    "reenvío",
    "reenvio",
    "le reenv",
    "les reenv",
    "copio",
    "les copio",
    "le copio",
    "adjunto la respuesta",
    "adjunto respuesta",
    "adjunto el correo",
    "remito la respuesta",
    "remito el correo",
    "traslado la respuesta",
    "comparto la respuesta",
    "comparto el correo",
    "transcribo",
    "me escribió",
    "me escribio",
    "me respondió",
    "me respondio",
    "me contestó",
    "me contesto",
    "me envió",
    "me envio",
    "nos escribió",
    "nos respondió",
    "nos contestó",
    "nos envió",
    "lo que dice",
    "lo que escribió",
    "lo que respondió",
    "lo que contestó",
    "esto dice",
    "dice lo siguiente",
    "forwarding",
    "forward you",
    "wrote to me",
    "wrote me",
    "answered me",
    "what he wrote",
    "what she wrote",
    "what they wrote",
    "see what",
    "encaminho",
    "reencaminho",
    "me escreveu",
    "me respondeu",
    "o que diz",
    "segue a resposta",
    "je transfère",
    "je vous transfère",
    "je te transfère",
    "m'a écrit",
    "m'a répondu",
    "ce que dit",
    "ich leite",
    "leite ich",
    "hat mir geschrieben",
    "schrieb mir",
    "inoltro",
    "mi ha scritto",
    "mi ha risposto",
    "quello che dice",
];

/// Words of one who answers the quotation, rather than handing it on.
const ANSWERS: &[&str] = &[
    "en copia",
    "copio a ",
    "copio al ",
    "lo que me pid",
    "lo que me solic",
    "lo que me indic",
    "lo que me pregunt",
];

/// Whether the words directly above hand on what follows: `Reenvío la respuesta del proveedor.`
pub fn hands_on(lines: &[Line], at: usize) -> bool {
    let above = lines[..at]
        .iter()
        .rev()
        .take(4)
        .find(|line| !line.words.is_empty() && !is_rule(line.words) && separators::read(line).is_none());
    let Some(line) = above.filter(|line| !line.is_quoted()) else { return false };
    let lower = lines::beginning(line.words).to_lowercase().replace('’', "'");
    let words = format!(" {lower}");
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(&format!(" {phrase}")));
    has(HANDS_ON) && !has(ANSWERS)
}
