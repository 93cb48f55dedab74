//! How the names and numbers of a person are found in what somebody wrote. Pure.

/// What is shorter is found in too much else. It is longer than `INSTEAD`, so that no text grows.
const SHORTEST: usize = 5;

/// What stands where something was taken out.
pub const INSTEAD: &str = "[…]";

/// A letter with and without its accents: in a database of any locale, accents have no case.
const ACCENTED: [(char, &str); 7] = [
    ('a', "[aáàâäãAÁÀÂÄÃ]"),
    ('e', "[eéèêëEÉÈÊË]"),
    ('i', "[iíìîïIÍÌÎÏ]"),
    ('o', "[oóòôöõOÓÒÔÖÕ]"),
    ('u', "[uúùûüUÚÙÛÜ]"),
    ('n', "[nñNÑ]"),
    ('c', "[cçCÇ]"),
];

/// The regular expression of PostgreSQL, for use without regard to case, that finds any of these texts where it stands by
/// itself: names however they are accented, spaced or joined in the name of a file, numbers however their digits are
/// grouped. None where all of them are too short.
pub fn pattern<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut all: Vec<String> = texts
        .into_iter()
        .map(str::trim)
        .filter(|text| text.chars().count() >= SHORTEST)
        .map(|text| if text.chars().all(|c| c.is_ascii_digit()) { number(text) } else { words(text) })
        .collect();
    // The longest first: the whole of an address before a name that it begins with.
    all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    all.dedup();
    (!all.is_empty()).then(|| format!("(?<![[:alnum:]])(?:{})(?![[:alnum:]])", all.join("|")))
}

fn number(digits: &str) -> String {
    let grouped = digits.chars().map(String::from).collect::<Vec<_>>().join("[ .()-]{0,2}");
    // As a telephone of this country, from abroad.
    format!("(?:[+]?57[ .()-]{{0,2}})?{grouped}")
}

/// A name of several words is also found by two of them that stand beside each other, and the other way round.
fn words(text: &str) -> String {
    const BETWEEN: &str = "[[:space:],_.-]+";
    let words: Vec<String> = text.split_whitespace().map(word).collect();
    let mut found = vec![words.join(BETWEEN)];
    for pair in words.windows(2).filter(|_| words.len() > 2) {
        found.push(pair.join(BETWEEN));
    }
    if let [first @ .., last] = words.as_slice()
        && let Some(before) = first.last()
    {
        found.push([last.as_str(), before].join(BETWEEN));
        found.push([before.as_str(), last, &first[0]].join(BETWEEN));
    }
    found.join("|")
}

fn word(word: &str) -> String {
    let mut found = String::new();
    for letter in word.chars() {
        let accented = ACCENTED.iter().find(|(_, all)| all[1..].trim_end_matches(']').contains(letter));
        match accented {
            Some((_, all)) => found.push_str(all),
            None if letter.is_ascii_punctuation() => found.extend(['\\', letter]),
            None => found.push(letter),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_short_is_not_looked_for() {
        assert_eq!(pattern(["1432", "Ana", " "]), None);
        let found = pattern(["1432", "10432", "10432"]).unwrap();
        assert_eq!(
            found,
            "(?<![[:alnum:]])(?:(?:[+]?57[ .()-]{0,2})?1[ .()-]{0,2}0[ .()-]{0,2}4[ .()-]{0,2}3[ .()-]{0,2}2)(?![[:alnum:]])"
        );
    }

    #[test]
    fn punctuation_stands_for_itself_and_letters_for_their_accents() {
        let found = pattern(["j.p@x.co"]).unwrap();
        assert!(found.contains(r"j\.p\@x\.[cçCÇ][oóòôöõOÓÒÔÖÕ]"), "{found}");
        let spaced = pattern(["peña  díz"]).unwrap();
        assert_eq!(spaced, pattern(["pena diz"]).unwrap());
        assert!(spaced.contains("[[:space:],_.-]+"), "{spaced}");
    }
}
