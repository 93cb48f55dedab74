//! The author's text out of several versions of it: plain text, or a page.

use std::collections::{HashMap, HashSet};

/// The author's text, or one version of it.
pub struct Words {
    /// The `multipart/alternative` that it belongs to.
    pub choice: Option<usize>,
    /// Whether it is a page, or another text with formats.
    pub is_html: bool,
    pub text: String,
}

/// How many times longer than the plain text a page has to be for the plain text to count as incomplete.
const POINTING: usize = 5;

/// How many words a plain text has at most that only says that there is a page.
const FEW: usize = 40;

/// Of several versions of the same text, the plain one if it has content and is more than a pointer to the page.
pub fn chosen(words: &[Words]) -> String {
    // The plain texts, and the pages.
    let mut said: HashMap<usize, [Vec<&str>; 2]> = HashMap::new();
    for one in words {
        let version = &mut said.entry(one.choice.unwrap_or_default()).or_default()[usize::from(one.is_html)];
        version.extend(one.text.split_whitespace());
    }
    let is_plain: HashMap<usize, bool> =
        said.into_iter().map(|(choice, [plain, page])| (choice, says_enough(&plain, &page))).collect();
    let kept = words.iter().filter(|one| {
        one.choice.is_none_or(|choice| one.is_html != is_plain.get(&choice).copied().unwrap_or_default())
    });
    let texts: Vec<&str> =
        kept.map(|one| one.text.trim_matches('\n').trim_end()).filter(|text| !text.is_empty()).collect();
    texts.join("\n\n")
}

/// Whether the plain version is the text: not a small part of the page, and not a few words that are not on it.
fn says_enough(plain: &[&str], page: &[&str]) -> bool {
    // Addresses of links, which pages have, are not words.
    let length = |words: &[&str]| {
        words.iter().filter(|word| !word.contains("://")).map(|word| word.len()).sum::<usize>()
    };
    let is_pointer = || {
        let simple = |word: &&str| word.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "");
        let on_page: HashSet<String> = page.iter().map(simple).collect();
        let common =
            plain.iter().map(simple).filter(|word| word.is_empty() || on_page.contains(word)).count();
        common * 2 < plain.len() && plain.len() <= page.len()
    };
    if plain.is_empty() || page.is_empty() {
        return page.is_empty();
    }
    length(page) < POINTING * length(plain) && !(plain.len() <= FEW && is_pointer())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(is_html: bool, text: &str) -> Words {
        Words { choice: Some(1), is_html, text: text.to_owned() }
    }

    #[test]
    fn a_few_words_beside_a_page_give_way_to_it() {
        let choose = |plain: &str, page: &str| chosen(&[version(false, plain), version(true, page)]);
        let page = "El equipo del piso 3 no enciende desde ayer";
        for pointer in
            ["Su programa de correo no muestra HTML.", "This is an HTML message", "Vea el HTML", ""]
        {
            assert_eq!(choose(pointer, page), page, "{pointer}");
        }
        for plain in [
            "El equipo del piso 3 no enciende\ndesde ayer.",
            "El equipo del piso 3 no enciende desde ayer\n\n-- \nAna",
            "*El equipo* del _piso_ 3 no enciende desde ayer",
        ] {
            assert_eq!(choose(plain, page), plain);
        }
        // A page of which nothing remains but a logo.
        assert_eq!(choose("Sin red en el piso", "[logo] Alcaldía"), "Sin red en el piso");
        assert_eq!(choose("https://x.test", ""), "https://x.test");
        let long = page.repeat(9);
        assert_eq!(choose("El equipo del piso 3", &long), long);
    }

    #[test]
    fn texts_that_are_no_versions_are_all_kept() {
        let mut words = vec![version(false, "uno"), version(true, "uno")];
        words.push(Words { choice: None, is_html: true, text: "dos".into() });
        assert_eq!(chosen(&words), "uno\n\ndos");
    }
}
