//! Telephone numbers with their labels, as they are written in Colombia.

use std::sync::LazyLock;

use regex::Regex;

use super::folded::Folded;
use super::{digits, only};

/// The numbers of a text, as digits.
pub struct Telephones {
    pub landline: Option<String>,
    pub extension: Option<String>,
    pub mobile: Option<String>,
}

/// Reads the labelled numbers. A number of ten digits that begins with 3 is mobile, whatever its label.
pub fn read(text: &Folded) -> Telephones {
    static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let label = r"\b(?:telefonos?|tels?|celular|cels?|moviles|movil|whatsapp|wpp|fijo|contacto)\b";
        let between = r"(?:\s*(?:fijo|movil|celular|extension|ext|de|contacto|es|el|numero|nro|no|o|y|whatsapp)\b\.?|\s*[:#=°º.-])*\s*";
        Regex::new(&format!(r"{label}{between}([+(]?\d[\d\s().+-]*)")).ok()
    });
    static EXTENSION: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"\b(?:extension|ext|interno|anexo)\b(?:\s*(?:es|la|el|numero|nro|no)\b\.?|\s*[:#=.-])*\s*(\d[\d\s().-]*)").ok()
    });
    let (mut landlines, mut mobiles) = (Vec::new(), Vec::new());
    for found in LABEL.iter().flat_map(|label| label.captures_iter(text.as_str())) {
        match found.get(1).and_then(|written| number(written.as_str())) {
            Some(number) if number.len() == 10 && number.starts_with('3') => mobiles.push(number),
            Some(number) => landlines.push(number),
            None => {}
        }
    }
    let extensions = EXTENSION.iter().flat_map(|label| label.captures_iter(text.as_str()));
    let extensions = extensions.filter_map(|found| extension(found.get(1)?.as_str())).collect();
    Telephones { landline: only(landlines), extension: only(extensions), mobile: only(mobiles) }
}

/// The extension at the beginning: 2 to 6 digits that are not the first group of a mobile number.
fn extension(written: &str) -> Option<String> {
    let is_mobile = number(written).is_some_and(|number| number.len() == 10 && number.starts_with('3'));
    let first: String = written.chars().take_while(char::is_ascii_digit).collect();
    (!is_mobile && (2..=6).contains(&first.len())).then_some(first)
}

/// The number at the beginning: 7, 8 or 10 digits in any groups, without the prefix of the country.
fn number(written: &str) -> Option<String> {
    let mut all = String::new();
    let mut known = None;
    for group in written.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()) {
        all.push_str(&digits(group));
        if all.len() > 12 {
            break;
        }
        match all.len() {
            7 | 8 | 10 => known = Some(all.clone()),
            12 if all.starts_with("57") => known = Some(all[2..].to_owned()),
            _ => {}
        }
    }
    known
}
