//! Full names of people.

use std::sync::LazyLock;

use icu_normalizer::ComposingNormalizerBorrowed;
use regex::Regex;

use super::folded::{Folded, fold};
use super::only;
use super::units::{self, Unit};

/// The longest name, in characters.
const LONGEST: usize = 200;

/// Words that no name of a person has: offices and functions.
const NO_NAMES: [&str; 29] = [
    "administrador",
    "alcaldia",
    "area",
    "asistente",
    "auxiliar",
    "buzon",
    "contratista",
    "coordinador",
    "correo",
    "despacho",
    "direccion",
    "director",
    "funcionaria",
    "funcionario",
    "grupo",
    "jefe",
    "mesa",
    "municipio",
    "notificaciones",
    "oficina",
    "profesional",
    "secretaria",
    "secretario",
    "servicios",
    "servidor",
    "sistema",
    "soporte",
    "tecnico",
    "usuario",
];

/// Words within a name that are not names themselves.
const PARTICLES: [&str; 11] = ["de", "del", "la", "las", "los", "el", "y", "san", "da", "do", "e"];

/// Whether it is a letter that has no shape. The database removes these from names.
pub fn is_blank_letter(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
}

/// Whether a text can be the full name of a person: a first name and a surname at least, in letters.
pub fn is_full_name(text: &str) -> bool {
    let is_letter = |c: char| {
        c.is_alphabetic() && !is_blank_letter(c)
            || matches!(c, '\'' | '’' | '.' | '-' | '\u{300}'..='\u{36f}')
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let folded = |word: &&str| word.chars().map(fold).collect::<String>();
    let is_name = |word: &&&str| {
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        letters >= 2 && !PARTICLES.contains(&folded(word).as_str())
    };
    ComposingNormalizerBorrowed::new_nfc().normalize(text).chars().count() <= LONGEST
        && words.iter().all(|word| word.chars().all(is_letter) && word.chars().any(char::is_alphabetic))
        && words.iter().filter(is_name).count() >= 2
        && !words.iter().any(|word| NO_NAMES.contains(&folded(word).as_str()))
}

/// The name that a text gives: after a label, or with which its author introduces themselves.
pub fn read(text: &Folded, units: &[Unit]) -> Option<String> {
    static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let label = r"(?m)^[\s>•·-]*(?:nombres?(?: y apellidos?)?(?: completos?)?(?: del? (?:la )?solicitante)?|solicitante)";
        Regex::new(&format!(r"{label}\s*[:=]\s*([^\n,;|/]+)")).ok()
    });
    static SENTENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"\b(?:mi nombre(?: completo)? es|me llamo|soy|les? (?:escribe|habla))\s+([^\n,;.:|/()\d]+)",
        )
        .ok()
    });
    let place = |regex: &LazyLock<Option<Regex>>| {
        let all = regex.iter().flat_map(|regex| regex.captures_iter(text.as_str()));
        all.filter_map(|found| Some(text.original(found.get(1)?.range()))).collect::<Vec<_>>()
    };
    let is_person = |name: &String| is_full_name(name) && units::named(name, units).is_none();
    let labelled = place(&LABEL).into_iter().map(|name| one_line(&before_labels(&name))).filter(is_person);
    let introduced = || {
        let words = place(&SENTENCE).into_iter();
        words.map(|words| without_unit(&capitalized(&words), units)).filter(is_person)
    };
    only(labelled.collect()).or_else(|| only(introduced().collect()))
}

/// A name without the unit after it: `Rosa Pérez de Hacienda`.
fn without_unit(name: &str, units: &[Unit]) -> String {
    let unit = |(place, _): &(usize, &str)| {
        name.get(*place..).is_some_and(|rest| {
            units::named(rest.trim_start_matches(" del ").trim_start_matches(" de "), units).is_some()
        })
    };
    let end = name.match_indices(" de ").chain(name.match_indices(" del ")).find(unit);
    end.map_or(name, |(place, _)| name.get(..place).unwrap_or(name)).to_owned()
}

/// What precedes the label of another datum on the same line.
fn before_labels(line: &str) -> String {
    const LABELS: [&str; 9] =
        ["cedula", "c.c", "cc", "documento", "celular", "telefono", "ext", "unidad", "identificad"];
    let words = line.split_whitespace();
    let is_label = |word: &str| {
        let folded: String = word.chars().map(fold).collect();
        LABELS
            .iter()
            .any(|label| folded.trim_end_matches(['.', ':']) == *label || folded.starts_with("identificad"))
    };
    words.take_while(|word| !is_label(word)).collect::<Vec<_>>().join(" ")
}

/// The words from the beginning that are written like a name: with a capital letter, or a particle between such words.
fn capitalized(words: &str) -> String {
    let is_particle = |word: &str| PARTICLES.contains(&word.to_lowercase().as_str());
    let is_name = |word: &&str| word.chars().next().is_some_and(char::is_uppercase) || is_particle(word);
    let mut name: Vec<&str> = words.split_whitespace().take_while(is_name).take(8).collect();
    while name.last().is_some_and(|word| is_particle(word)) {
        name.pop();
    }
    name.join(" ")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_name_has_a_first_name_and_a_surname() {
        for name in [
            "Rosa Pérez",
            "JUAN CAMILO ÁLVAREZ",
            "María de los Ángeles Gómez",
            "ana o'neill",
            "J. P. Ruiz Díaz",
        ] {
            assert!(is_full_name(name), "{name}");
        }
        for text in [
            "",
            " ",
            "Rosa",
            "rosa.perez@itagui.gov.co",
            "Rosa P",
            "Rosa 2",
            "Rosa de",
            "Secretaría de Hacienda",
            "Mesa de Servicios",
            "Oficina Jurídica",
            "<b>Rosa Pérez</b>",
            "Rosa\u{200b} .",
        ] {
            assert!(!is_full_name(text), "{text}");
        }
    }
}
