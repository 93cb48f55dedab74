//! The new text in a reply: without quotations and without the signature.

/// The text without quotation and signature; all of it if nothing else would be left.
pub fn new_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let rest = &lines[at..];
        // A quotation by programs that repeat the header, and everything below it.
        if is_separator(rest[0]) || starts_header_block(rest) || is_signature(rest[0]) {
            break;
        }
        if let Some(length) = attribution(rest) {
            let after = rest[length..].iter().find(|line| !line.trim().is_empty());
            match after {
                // Quoted line by line, so that an answer may be below.
                Some(line) if is_quoted(line) => {
                    at += length;
                    continue;
                }
                _ => break,
            }
        }
        if !is_quoted(rest[0]) {
            kept.push(rest[0]);
        }
        at += 1;
    }
    let words = without_mobile_signature(kept);
    if words.is_empty() { text.trim().to_owned() } else { words }
}

/// Whether the message forwards another one, which must then be kept: `RV: …`.
pub fn is_forwarded(subject: &str) -> bool {
    let prefix = subject.split_once(':').map(|(prefix, _)| prefix.trim().to_lowercase());
    prefix.is_some_and(|prefix| ["rv", "fw", "fwd", "reenv", "reenviado", "enc"].contains(&prefix.as_str()))
}

fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

/// RFC 3676: two dashes and a space, which some programs remove.
fn is_signature(line: &str) -> bool {
    line == "-- " || line == "--"
}

/// `-----Mensaje original-----` and its variants.
fn is_separator(line: &str) -> bool {
    let line = line.trim();
    let words = line.trim_matches(['-', '_', '*', ' ']).to_lowercase();
    line.starts_with("--")
        && line.ends_with("--")
        && matches!(
            words.as_str(),
            "mensaje original"
                | "original message"
                | "original appointment"
                | "cita original"
                | "reply message"
        )
}

const AUTHOR: [&str; 2] = ["de", "from"];
const OTHERS: [&str; 14] = [
    "enviado",
    "enviado el",
    "sent",
    "date",
    "fecha",
    "para",
    "to",
    "cc",
    "asunto",
    "subject",
    "responder a",
    "reply-to",
    "importancia",
    "importance",
];

/// The header fields that only mail has.
const SENT: [&str; 3] = ["enviado", "enviado el", "sent"];

/// `De:`, `Enviado el:`, `Para:`, `Asunto:` below one another, as Outlook quotes.
fn starts_header_block(lines: &[&str]) -> bool {
    let field = |line: &str| {
        let (name, _) = line.split_once(':')?;
        Some(name.trim().trim_matches('*').trim().to_lowercase())
    };
    // A rule may be above it.
    let rule = |line: &str| line.trim().len() >= 5 && line.trim().chars().all(|c| c == '_');
    let lines = match lines {
        [first, rest @ ..] if rule(first) => match rest.iter().position(|line| !line.trim().is_empty()) {
            Some(next) => &rest[next..],
            None => return false,
        },
        _ => lines,
    };
    if !lines.first().and_then(|line| field(line)).is_some_and(|name| AUTHOR.contains(&name.as_str())) {
        return false;
    }
    let below = lines.iter().skip(1).filter(|line| !line.trim().is_empty()).take(5);
    let others: Vec<String> =
        below.filter_map(|line| field(line)).filter(|name| OTHERS.contains(&name.as_str())).collect();
    // A memorandum begins with the same words, but contains no address and no sent date.
    let is_mail = lines[0].contains('@') || others.iter().any(|name| SENT.contains(&name.as_str()));
    is_mail && others.len() >= 2
}

/// The number of lines of the sentence that introduces a quotation: `El lun, 24 nov 2026, Ana escribió:`.
fn attribution(lines: &[&str]) -> Option<usize> {
    let first = lines.first()?.trim_start();
    let begins = ["El ", "On ", "Em ", "Le "]
        .iter()
        .any(|word| first.strip_prefix(word).is_some_and(|rest| begins_with_date(rest.trim_start())));
    let mut sentence = String::new();
    for (index, line) in lines.iter().take(4).enumerate() {
        if is_quoted(line) || line.trim().is_empty() {
            return None;
        }
        sentence.push(' ');
        sentence.push_str(line.trim());
        let lower = sentence.to_lowercase();
        let ends = ["escribió:", "wrote:", "escreveu:", "écrit :", "escribió :"]
            .iter()
            .any(|end| lower.ends_with(end));
        if begins && ends && has_time(&lower) {
            return Some(index + 1);
        }
        // `Ana Pérez escribió el 24/11/2026 a las 10:00:`
        let after = lower.split_once(" escribió el ").map(|(_, after)| after);
        if index == 0 && lower.ends_with(':') && after.is_some_and(|it| begins_with_date(it) && has_time(it))
        {
            return Some(1);
        }
        if !begins || sentence.len() > 500 {
            return None;
        }
    }
    None
}

/// Whether it begins with a number, or with the name of a day or of a month, as programs write: `lun., 24 nov`.
fn begins_with_date(text: &str) -> bool {
    const NAMES: [&str; 40] = [
        "lun", "mar", "mié", "mie", "jue", "vie", "sáb", "sab", "dom", "mon", "tue", "wed", "thu", "fri",
        "sat", "sun", "jan", "feb", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "seg",
        "ter", "qua", "qui", "sex", "mer", "jeu", "ven", "sam", "dim", "ene", "abr", "dic",
    ];
    let word: String = text.chars().take_while(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let beginning: String = word.chars().take(3).collect();
    text.starts_with(|c: char| c.is_ascii_digit()) || NAMES.contains(&beginning.as_str())
}

/// Whether it contains a year or an hour, as the date of a message does: `2026`, `24/11/26`, `10:00`.
fn has_time(text: &str) -> bool {
    let numbers = text.split(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '/' | '-' | '.'));
    let mut words = numbers.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    words.any(|word| {
        let parts: Vec<&str> =
            word.trim_end_matches([':', '.', '-', '/']).split([':', '/', '-', '.']).collect();
        let is_year =
            parts.iter().any(|part| part.len() == 4 && (part.starts_with("19") || part.starts_with("20")));
        is_year || parts.len() == 3 || parts.len() == 2 && word.contains(':') && parts[1].len() == 2
    })
}

/// The longest line that is the signature of a mobile mail program, in characters.
const LONGEST_MOBILE: usize = 60;

/// Mobile mail programs add a line with their name below every message.
fn without_mobile_signature(mut lines: Vec<&str>) -> String {
    let beginnings = [
        "enviado desde mi ",
        "enviado desde outlook",
        "enviado desde correo",
        "enviado desde yahoo",
        "enviado desde aol",
        "enviado con gmail",
        "sent from my ",
        "sent from outlook",
        "sent from mail",
        "sent from yahoo",
        "get outlook for ",
        "obtener outlook para ",
        "obtén outlook para ",
        "descargar outlook para ",
    ];
    let trim = |lines: &mut Vec<&str>| {
        while lines.last().is_some_and(|line| line.trim().is_empty()) {
            lines.pop();
        }
    };
    trim(&mut lines);
    for _ in 0..2 {
        let last = lines
            .last()
            .map(|line| line.trim_start_matches(['<', '[', ' ']).to_lowercase())
            .unwrap_or_default();
        let is_short = last.chars().count() <= LONGEST_MOBILE || last.contains("http");
        if is_short && beginnings.iter().any(|beginning| last.starts_with(beginning)) {
            lines.pop();
            trim(&mut lines);
        }
    }
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_kept_whatever_the_program() {
        for (name, text, expected) in [
            (
                "Gmail",
                "Gracias.\n\nEl lun, 24 nov 2026 a las 10:00, Mesa de Servicios (<\nsoporte@x.co>) escribió:\n\n> Su caso\n> quedó",
                "Gracias.",
            ),
            (
                "Gmail in English",
                "Thanks!\n\nOn Mon, Nov 24, 2026 at 10:00 AM Mesa <soporte@x.co> wrote:\n> Your case",
                "Thanks!",
            ),
            (
                "Outlook",
                "Ya quedó.\n\nAna\n\n________________________________\nDe: Mesa <soporte@x.co>\nEnviado: lunes, 24 de noviembre de 2026 10:00\nPara: Ana <ana@x.co>\nAsunto: [#1] Sin red\n\nSu caso",
                "Ya quedó.\n\nAna",
            ),
            (
                "Outlook with bold names",
                "Ya.\n\n*De:* Mesa <soporte@x.co>\n*Enviado el:* lunes\n*Para:* Ana\n*Asunto:* x\n\nSu caso",
                "Ya.",
            ),
            ("old Outlook", "Sí.\n\n-----Mensaje original-----\nDe: Mesa\nEnviado el: lunes\nSu caso", "Sí."),
            ("old Outlook in English", "Yes.\n-----Original Message-----\nFrom: Mesa\nbla", "Yes."),
            (
                "Thunderbird",
                "Uno\n\nEl 24/11/2026 a las 10:00, Mesa escribió:\n> ¿Cuál es?\nEl segundo.\n> ¿Y la placa?\n10432",
                "Uno\n\nEl segundo.\n10432",
            ),
            ("signature", "Hola\n\n-- \nAna Pérez\nSecretaría", "Hola"),
            (
                "telephone",
                "Ok\n\nEnviado desde mi iPhone\n\nEl 24/11/2026, a las 10:00, Mesa <s@x.co> escribió:\n\n> x",
                "Ok",
            ),
            ("answer below", "> ¿Cuál es la placa?\n\nLa 10432.", "La 10432."),
            ("nothing but a quotation", "> a\n> b", "> a\n> b"),
            (
                "not a quotation",
                "El técnico que vino escribió:\nno sirve\nDe: nada\nLa 2",
                "El técnico que vino escribió:\nno sirve\nDe: nada\nLa 2",
            ),
            (
                "forwarded on purpose",
                "Vea abajo.\n\n---------- Forwarded message ---------\nFrom: Proveedor <p@x.co>\nNo hay repuesto.",
                "Vea abajo.\n\n---------- Forwarded message ---------\nFrom: Proveedor <p@x.co>\nNo hay repuesto.",
            ),
            (
                "quoted without marks",
                "Listo\n\nOn 24/11/2026 Mesa wrote:\n\nSu caso quedó registrado",
                "Listo",
            ),
            ("empty", "", ""),
            (
                "a sentence with a number",
                "El técnico que vino el 24 escribió:\n\nNo sirve la tarjeta.\n\nFavor cambiarla.",
                "El técnico que vino el 24 escribió:\n\nNo sirve la tarjeta.\n\nFavor cambiarla.",
            ),
            (
                "a sentence about who wrote",
                "Juan escribió el 3 de mayo:\nNo hay repuesto.\nAyuda.",
                "Juan escribió el 3 de mayo:\nNo hay repuesto.\nAyuda.",
            ),
            (
                "a memorandum",
                "Este es el oficio:\n\nDe: Secretaría de Hacienda\nPara: Almacén\nFecha: 24 de noviembre de 2026\nAsunto: Equipo\n\nSe entrega.",
                "Este es el oficio:\n\nDe: Secretaría de Hacienda\nPara: Almacén\nFecha: 24 de noviembre de 2026\nAsunto: Equipo\n\nSe entrega.",
            ),
            (
                "a sentence that begins as the signature of a mobile mail program does",
                "No hay red.\nEnviado desde mi oficina, porque en la de la Secretaría de Hacienda tampoco funciona el correo.",
                "No hay red.\nEnviado desde mi oficina, porque en la de la Secretaría de Hacienda tampoco funciona el correo.",
            ),
            (
                "Outlook within one organization",
                "Ya.\n\nDe: Mesa de Servicios\nEnviado el: lunes, 24 de noviembre de 2026 10:00\nPara: Ana Pérez\nAsunto: RE: x\n\nSu caso",
                "Ya.",
            ),
            (
                "Apple Mail",
                "Ya.\n\nDe: Mesa <soporte@x.co>\nFecha: lunes, 24 de noviembre de 2026\nPara: Ana\n\nSu caso",
                "Ya.",
            ),
            (
                "Gmail in the older form",
                "Ya.\n\nEl lun., 24 nov. 2026 10:00 a. m., Mesa <soporte@x.co>\nescribió:\n\nSu caso",
                "Ya.",
            ),
            (
                "Gmail in French",
                "Oui.\n\nLe lun. 24 nov. 2026 à 10:00, Mesa <soporte@x.co> a écrit :\n\n> Votre",
                "Oui.",
            ),
            (
                "Yahoo",
                "Ya.\n\n    El lunes, 24 de noviembre de 2026, 10:00:00 a. m. COT, Mesa <soporte@x.co> escribió:  \n \n Su caso",
                "Ya.",
            ),
            (
                "name first",
                "Ya.\n\nMesa de Servicios <soporte@x.co> escribió el lun, 24 nov 2026 a las 10:00:\n\nSu caso",
                "Ya.",
            ),
        ] {
            assert_eq!(new_words(text), expected, "{name}");
        }
    }
}
