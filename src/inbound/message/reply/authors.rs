//! The tokens of an attribution, and whether some of them name a person or an address.

use super::lines;

/// A word of an attribution.
pub struct Token {
    pub text: String,
    pub lower: String,
    /// Whether a comma follows.
    pub comma: bool,
}

/// The most words of one attribution.
const MOST_TOKENS: usize = 60;

/// The words of a sentence; none if it has too many.
pub fn tokens(sentence: &str) -> Option<Vec<Token>> {
    let seen: String = sentence.chars().filter(|c| !lines::is_unseen(*c)).collect();
    let words: Vec<&str> = seen.split_whitespace().take(MOST_TOKENS + 1).collect();
    (words.len() <= MOST_TOKENS).then(|| {
        let token = |word: &&str| Token {
            text: (*word).to_owned(),
            lower: word.to_lowercase().trim_end_matches(',').trim_start_matches(['(', '[']).to_owned(),
            comma: word.ends_with([',', '，']),
        };
        words.iter().map(token).collect()
    })
}

const ARTICLES: &[&str] = &[
    "el", "la", "los", "las", "un", "una", "mi", "nuestro", "nuestra", "este", "esta", "ese", "esa", "the",
    "a", "an", "my", "our", "this", "that", "o", "os", "um", "uma", "meu", "le", "les", "mon", "der", "die",
    "das", "ein", "il", "lo", "i", "se",
];

/// Words in lower case within names.
const PARTICLES: &[&str] = &[
    "de", "del", "la", "las", "los", "el", "y", "da", "do", "dos", "das", "e", "di", "della", "von", "van",
    "der", "den", "du", "des", "et", "und", "of", "the", "and", "via", "vía", "-", "|", "&", "/", "en",
];

pub fn begins_with_article(tokens: &[Token]) -> bool {
    tokens.first().is_some_and(|token| ARTICLES.contains(&token.lower.as_str()))
}

/// Whether it is an address, in brackets or not: `<a@b.co>`, `(a@b.co)`, `Mesa<a@b.co>`.
pub fn is_address(token: &str) -> bool {
    token.split_once('@').is_some_and(|(local, domain)| {
        let local = local.trim_start_matches(['<', '(', '[', '"', '\'']);
        let domain = domain.trim_end_matches([',', ':', '>', ')', ']', '"', '\'', '.']);
        !local.is_empty() && domain.len() >= 3 && domain.contains('.')
    })
}

/// Whether the last of them is an address, as after the name of an author.
pub fn ends_with_address(tokens: &[Token]) -> bool {
    let brackets = |token: &&Token| !token.text.chars().all(|c| "<>()[],".contains(c));
    tokens.iter().rfind(brackets).is_some_and(|token| is_address(&token.text))
}

/// Whether it begins as a name does: with a capital, a quotation mark or an address.
pub fn begins_as_name(token: &Token) -> bool {
    let first = token.text.trim_start_matches(['(', '<', '[', '*']).chars().next();
    is_address(&token.text) || first.is_some_and(|c| c.is_uppercase() || matches!(c, '"' | '\'' | '“' | '«'))
}

/// Whether all of them are parts of a name of a person or of an office, at most eight words.
pub fn is_name(tokens: &[Token]) -> bool {
    let part = |token: &Token| {
        let begins_low = token.text.chars().next().is_some_and(char::is_lowercase);
        !begins_low || is_address(&token.text) || PARTICLES.contains(&token.lower.as_str())
    };
    !tokens.is_empty() && tokens.len() <= 8 && begins_as_name(&tokens[0]) && tokens.iter().all(part)
}
