//! How the data of a person are found in texts. Pure.

/// The length of the shortest text that is searched for, in characters: shorter ones would match too many other
/// words. It is longer than `INSTEAD`, so that no text grows.
pub const SHORTEST: usize = 5;

/// The replacement of removed text.
pub const INSTEAD: &str = "[…]";

/// A regular expression that matches nothing.
pub const NOTHING: &str = "(?=a)b";

/// A letter with and without its accents: the case folding of accented letters depends on the locale of the database.
const ACCENTED: [(char, &str); 7] = [
    ('a', "[aáàâäãAÁÀÂÄÃ]"),
    ('e', "[eéèêëEÉÈÊË]"),
    ('i', "[iíìîïIÍÌÎÏ]"),
    ('o', "[oóòôöõOÓÒÔÖÕ]"),
    ('u', "[uúùûüUÚÙÛÜ]"),
    ('n', "[nñNÑ]"),
    ('c', "[cçCÇ]"),
];

/// Characters that may separate the words of a name.
const SEPARATORS: [char; 4] = [',', '_', '.', '-'];

/// A regular expression of PostgreSQL, for case-insensitive use, that matches any of these texts as a whole: names
/// with any accents, spacing or joining as in file names, numbers with any grouping of their digits.
pub fn pattern<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut all: Vec<String> = texts.into_iter().map(one).filter(|text| !text.is_empty()).collect();
    // The longest first: a whole address before a name with which it begins.
    all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    all.dedup();
    match all.is_empty() {
        true => NOTHING.to_owned(),
        false => format!("(?<![[:alnum:]])(?:{})(?![[:alnum:]])", all.join("|")),
    }
}

fn one(text: &str) -> String {
    if is_number(text) {
        number(text)
    } else if is_address(text) {
        word(text.trim())
    } else {
        words(text)
    }
}

/// The same for all spellings that `pattern` matches as one text.
pub fn normalized(text: &str) -> String {
    if is_number(text) {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        // A telephone with the prefix of this country.
        return match digits.strip_prefix("57") {
            Some(own) if digits.len() == 12 => own.to_owned(),
            _ => digits,
        };
    }
    let plain = |letter: char| {
        let accented = ACCENTED.iter().find(|(_, all)| all.contains(letter));
        accented.map_or_else(|| letter.to_lowercase().next().unwrap_or(letter), |(plain, _)| *plain)
    };
    if is_address(text) {
        return text.trim().chars().map(plain).collect();
    }
    let words = text.split(is_between).filter(|word| !word.is_empty());
    words.map(|word| word.chars().map(plain).collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// Whether it is an e-mail address, which has only one spelling.
fn is_address(text: &str) -> bool {
    text.contains('@')
}

/// Whether it consists of digits, with any grouping.
pub fn is_number(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '.' | '(' | ')' | '-' | '+'))
}

fn is_between(letter: char) -> bool {
    letter.is_whitespace() || SEPARATORS.contains(&letter)
}

fn number(text: &str) -> String {
    let digits: Vec<String> = normalized(text).chars().map(String::from).collect();
    format!("(?:[+]?57[ .()-]{{0,2}})?{}", digits.join("[ .()-]{0,2}"))
}

fn words(text: &str) -> String {
    let words: Vec<String> = text.split(is_between).filter(|word| !word.is_empty()).map(word).collect();
    words.join("[[:space:],_.-]+")
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
    fn nothing_is_found_by_a_pattern_of_nothing() {
        assert_eq!(pattern([]), NOTHING);
        assert_eq!(pattern([" ", "-"]), NOTHING);
    }

    #[test]
    fn a_number_is_found_however_it_is_grouped() {
        assert_eq!(pattern(["10.432"]), pattern(["10432"]));
        assert_eq!(
            pattern(["10432"]),
            "(?<![[:alnum:]])(?:(?:[+]?57[ .()-]{0,2})?1[ .()-]{0,2}0[ .()-]{0,2}4[ .()-]{0,2}3[ .()-]{0,2}2)(?![[:alnum:]])"
        );
        for text in ["3117778899", "+57 311 777 88 99", "(311) 777-8899"] {
            assert_eq!(normalized(text), "3117778899");
        }
    }

    #[test]
    fn a_name_is_found_as_a_whole_and_not_by_some_of_its_words() {
        let found = pattern(["peña  díaz ruiz"]);
        assert_eq!(found, pattern(["pena diaz ruiz"]));
        assert_eq!(found.matches("[[:space:],_.-]+").count(), 2);
        assert!(!found.contains('|'), "{found}");
        assert_eq!(normalized("PEÑA_Díaz,  Ruiz"), "pena diaz ruiz");
    }

    #[test]
    fn punctuation_stands_for_itself() {
        let found = pattern(["j.p@x.co"]);
        assert!(found.contains(r"j\.p\@x\.[cçCÇ][oóòôöõOÓÒÔÖÕ]"), "{found}");
        assert_eq!(normalized("J.P@x.co"), "j.p@x.co");
    }

    #[test]
    fn the_size_of_a_pattern_grows_with_its_texts_and_no_faster() {
        let text = "palabra ".repeat(10);
        let (one, ten) = (pattern([text.as_str()]).len(), pattern(vec![text.repeat(10).as_str()]).len());
        assert!(ten <= 11 * one, "{one} {ten}");
    }
}
