//! The signature at the end of a text, below the delimiter that mail programs write.

use super::authors;
use super::lines::{is_rule, trim};

/// The most lines below the delimiter of RFC 3676, two dashes and a space, without empty ones.
const MOST_LINES: usize = 20;

/// The most lines below two dashes alone, and the longest of them, in characters.
const MOST_BELOW_DASHES: usize = 8;
const LONGEST_BELOW_DASHES: usize = 70;

/// The lines at the end that are looked at.
const LOOKED_AT: usize = 60;

/// Where the signature begins in these lines, if they end with one.
pub fn start(lines: &[&str]) -> Option<usize> {
    let window = lines.len().saturating_sub(LOOKED_AT);
    // A delimiter within code is none.
    let code = lines[window..].iter().rposition(|line| line.trim_start().starts_with("```"));
    let first = code.map_or(window, |code| window + code + 1);
    let count = |from: usize| lines[from..].iter().filter(|line| !line.trim().is_empty()).count();
    for (index, line) in lines.iter().enumerate().skip(first) {
        if is_introduced(&lines[..index]) {
            continue;
        }
        let found = match trim(line) {
            "--" if *line == "-- " || *line == "--\u{a0}" => count(index + 1) <= MOST_LINES,
            "--" => count(index + 1) <= MOST_BELOW_DASHES && is_signature(lines, index),
            words if words.len() >= 20 && is_rule(words) => is_footer(&lines[index + 1..]),
            _ => false,
        };
        if found {
            return Some(index);
        }
    }
    None
}

/// Whether the words above introduce what follows: `Los pasos:`.
fn is_introduced(above: &[&str]) -> bool {
    let nearest = above.iter().rev().take(3).map(|line| trim(line)).find(|line| !line.is_empty());
    nearest.is_some_and(|line| line.ends_with(':'))
}

/// The footer of a mailing list.
fn is_footer(below: &[&str]) -> bool {
    const WORDS: &[&str] =
        &["mailing list", "lista de correo", "lista de distribuci", "listinfo", "unsubscribe"];
    let words: Vec<String> =
        below.iter().filter(|line| !line.trim().is_empty()).map(|line| line.to_lowercase()).collect();
    let names_list = || words.iter().any(|line| WORDS.iter().any(|word| line.contains(word)));
    let is_last = below.iter().all(|line| !is_rule(trim(line)));
    is_last
        && !words.is_empty()
        && words.len() <= 6
        && words.iter().all(|line| line.len() <= 160)
        && names_list()
}

/// Whether the lines below two dashes are a name and what belongs to it, and nothing that a person would write as text.
fn is_signature(lines: &[&str], dashes: usize) -> bool {
    let below: Vec<&str> = lines[dashes + 1..].iter().map(|line| trim(line)).collect();
    let Some((name, _)) = below.split_first().filter(|(name, _)| is_name(name)) else { return false };
    let rest: Vec<&str> = below[1..].iter().copied().filter(|line| !line.is_empty()).collect();
    let above = lines[..dashes].last().map(|line| trim(line)).unwrap_or_default();
    let is_apart = above.is_empty();
    let is_contact = |line: &&str| has_contact(line);
    let several_words = name.split_whitespace().count() >= 2;
    let certain = several_words && is_apart || rest.is_empty() || rest.iter().any(is_contact);
    certain && rest.iter().all(|line| belongs_to_name(line))
}

/// `Ana`, `Ana María Pérez de la Rosa`.
fn is_name(line: &str) -> bool {
    const WORDS: &[&str] = &[
        "gracias", "saludos", "listo", "ok", "sí", "si", "no", "urgente", "thanks", "yes", "bye", "fin",
        "ya", "hola", "ayuda", "error", "nada", "igual", "también", "obrigado", "merci", "danke", "grazie",
        "end", "ayer", "hoy",
    ];
    // `Ana Ruiz | Secretaria`
    let line = line.split(" | ").next().unwrap_or(line);
    let letters = line.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '.' | '\'' | '-' | ','));
    let words = line.split_whitespace().count();
    if !letters || words == 0 || words > 6 || line.chars().count() > 50 {
        return false;
    }
    match words {
        1 => {
            line.chars().count() <= 15
                && !line.ends_with(['.', ','])
                && !WORDS.contains(&line.to_lowercase().as_str())
        }
        _ => {
            let capitals =
                line.split_whitespace().filter(|word| word.starts_with(char::is_uppercase)).count();
            capitals >= 2 && authors::tokens(line).is_some_and(|tokens| authors::is_name(&tokens))
        }
    }
}

fn has_contact(line: &str) -> bool {
    let digits = line.chars().filter(char::is_ascii_digit).count();
    let address = line.split_whitespace().any(authors::is_address);
    let site = line.contains("http") || line.contains("www.") || line.contains("://");
    const LABELS: &[&str] = &[
        "tel", "cel", "ext", "móvil", "phone", "mobile", "fax", "dir", "calle", "carrera", "cra", "cll", "+",
        "(",
    ];
    let labelled = digits >= 3 && LABELS.iter().any(|label| line.to_lowercase().starts_with(label));
    address || site || labelled || digits >= 7 && line.chars().all(|c| !c.is_alphabetic())
}

/// A position, an office, a telephone number or a site; no sentence.
fn belongs_to_name(line: &str) -> bool {
    const POSITIONS: &[&str] = &[
        "secretari",
        "auxiliar",
        "profesional",
        "técnic",
        "tecnic",
        "director",
        "jefe",
        "jefa",
        "coordinador",
        "asistente",
        "abogad",
        "ingenier",
        "gerente",
        "analista",
        "contratista",
        "administrad",
        "oficina",
        "área",
        "dirección",
        "universidad",
        "departamento",
        "alcaldía",
        "manager",
        "engineer",
        "head of",
        "chief",
        "sent ",
        "enviado ",
    ];
    let lower = line.to_lowercase();
    let ends = line.ends_with(['.', '?', '!', '…', ';', ':']) && !has_contact(line);
    let code = line.contains(['{', '}', '=', ';', '$']);
    if ends || code || line.chars().count() > LONGEST_BELOW_DASHES {
        return false;
    }
    let titled = authors::tokens(line).is_some_and(|tokens| authors::is_name(&tokens));
    titled
        || has_contact(line)
        || POSITIONS.iter().any(|position| lower.starts_with(position))
            && line.split_whitespace().count() <= 6
}
