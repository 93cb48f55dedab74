//! The administrative unit that a text names: by its name, or by an unambiguous near match.

use std::sync::LazyLock;

use regex::Regex;
use strsim::damerau_levenshtein;

use super::folded::{Folded, fold};

/// Words that do not tell units apart.
const CONNECTING: [&str; 12] = ["de", "del", "la", "las", "los", "el", "y", "e", "en", "a", "al", "para"];

/// Words that many names have, so that they do not name a unit alone.
const GENERIC: [&str; 12] = [
    "secretaria",
    "oficina",
    "direccion",
    "administrativa",
    "administrativo",
    "unidad",
    "dependencia",
    "departamento",
    "area",
    "subsecretaria",
    "municipal",
    "municipio",
];

/// A unit that a text can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub name: String,
    words: Vec<String>,
}

impl Unit {
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Unit { words: words(&name), name }
    }
}

/// The words of a name that count: without accents, in lower case, without connecting words.
fn words(text: &str) -> Vec<String> {
    let folded: String = text.chars().map(fold).collect();
    let all = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    all.filter(|word| !CONNECTING.contains(word)).map(str::to_owned).collect()
}

fn is_near(one: &str, other: &str) -> bool {
    let faults = match one.chars().count().min(other.chars().count()) {
        0..5 => 0,
        5..9 => 1,
        _ => 2,
    };
    one == other || (faults > 0 && damerau_levenshtein(one, other) <= faults)
}

/// The unit that the text as a whole names; `None` if several or none can be meant.
pub fn named(text: &str, units: &[Unit]) -> Option<usize> {
    let words = words(text);
    let same = |one: &[String], other: &[String]| {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_near(one, other))
    };
    let indexes = |test: &dyn Fn(&Unit) -> bool| -> Vec<usize> {
        (0..units.len()).filter(|index| units.get(*index).is_some_and(test)).collect()
    };
    // An exact name precedes near ones.
    if let [index] = indexes(&|unit| unit.words == words)[..] {
        return Some(index);
    }
    if let [index] = indexes(&|unit| same(&unit.words, &words))[..] {
        return Some(index);
    }
    // A part of the name, if only one unit has it.
    if words.iter().all(|word| GENERIC.contains(&word.as_str())) {
        return None;
    }
    let has = |unit: &Unit| words.iter().all(|word| unit.words.iter().any(|known| is_near(known, word)));
    match indexes(&has)[..] {
        [index] => Some(index),
        _ => None,
    }
}

/// The unit at the beginning of a text: the longest name that it begins with, or the unit that it names as a whole.
fn at_beginning(text: &str, units: &[Unit]) -> Option<usize> {
    let words = words(text);
    let begins = |unit: &Unit| {
        !unit.words.is_empty()
            && unit.words.len() <= words.len()
            && unit.words.iter().zip(&words).all(|(known, word)| is_near(known, word))
    };
    let longest = units.iter().filter(|unit| begins(unit)).map(|unit| unit.words.len()).max();
    let mut found = (0..units.len()).filter(|index| {
        units.get(*index).is_some_and(|unit| begins(unit) && Some(unit.words.len()) == longest)
    });
    match (found.next(), found.next()) {
        // Two units, as in `Hacienda y Salud`.
        (Some(_), None) if longest.is_some_and(|length| begins_unit(words.get(length..), units)) => None,
        (Some(index), None) => Some(index),
        (Some(_), Some(_)) => named(text, units),
        (None, _) => named(text, units),
    }
}

/// Whether words begin with the whole name of a unit.
fn begins_unit(words: Option<&[String]>, units: &[Unit]) -> bool {
    let words = words.unwrap_or_default();
    units.iter().any(|unit| !unit.words.is_empty() && words.starts_with(&unit.words))
}

/// The unit that a text names as that of its author: after a label, in the author's words about themselves, or as a
/// whole line or part of an enumeration. A unit that the text only mentions is not the author's.
pub fn read(text: &Folded, units: &[Unit]) -> Option<usize> {
    static LABELS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let label = r"\b(?:unidad(?: administrativa)?|dependencia|area|secretaria|oficina|direccion(?: administrativa)?|departamento|ubicacion)";
        Regex::new(&format!(r"(?m)(?:{label}\s*[:=]\s*|^[\s>•·-]*(?:unidad(?: administrativa)?|dependencia)\s+(?:es\s+)?)([^\n,;.|()]+)")).ok()
    });
    static OWN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let person = r"(?:trabajo|laboro|escribo|pertenezco|soy|adscrit[oa]|asignad[oa]|vinculad[oa]|funcionari[oa]|contratista|servidora?|emplead[oa]|mi unidad|mi dependencia|mi oficina)";
        Regex::new(&format!(
            r"\b{person}\s+(?:publica\s+|publico\s+)?(?:en|a|de|del|desde|es)\s+([^\n,;.|()]+)"
        ))
        .ok()
    });
    let captured = |regex: &LazyLock<Option<Regex>>| {
        let all = regex.iter().flat_map(|regex| regex.captures_iter(text.as_str()));
        let named = all.filter_map(|found| at_beginning(before_others(found.get(1)?.as_str()), units));
        named.collect::<Vec<_>>()
    };
    let labelled = captured(&LABELS);
    if !labelled.is_empty() {
        return super::only(labelled);
    }
    let own = captured(&OWN);
    if !own.is_empty() {
        return super::only(own);
    }
    let parts = text.as_str().split(['\n', ',', ';', '|', '•', '·']);
    let whole = |part: &str| {
        let part = words(part.trim().trim_end_matches('.'));
        let same = |unit: &Unit| {
            unit.words.len() >= 2
                && unit.words.len() == part.len()
                && unit.words.iter().zip(&part).all(|(known, word)| is_near(known, word))
        };
        (0..units.len()).find(|index| units.get(*index).is_some_and(same))
    };
    super::only(parts.filter_map(whole).collect())
}

/// What precedes another datum in the same sentence.
fn before_others(text: &str) -> &str {
    static OTHERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"\s(?:y\s+)?(?:con\s+)?(?:mi|el|la)?\s*(?:cedula|c\.|cc|documento|celular|cel|movil|telefono|tel|extension|ext|nombre|identificad[oa])\b").ok()
    });
    let end = OTHERS.as_ref().and_then(|others| others.find(text)).map_or(text.len(), |other| other.start());
    text.get(..end).unwrap_or(text)
}
