//! Links that set a password or open a survey, quoted in replies to the mail that contains them: staff read tickets, and must
//! not be able to use such links.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use diesel::PgConnection;

use crate::account::password_links::links;
use crate::auth::tokens;
use crate::problem::Result;

/// The paths of links that set a password and of links to a survey, before the token; also as programs write them within
/// another link.
const PATHS: [&str; 8] = ["/p/", "%2Fp%2F", "%2fp%2f", "_p_", "/s/", "%2Fs%2F", "%2fs%2f", "_s_"];

/// The number of characters of a token.
const TOKEN_LENGTH: usize = 43;

/// How many possible tokens of a message are looked up.
const MOST_CANDIDATES: usize = 4_000;

/// The hashes of all that may be a token of a link that sets a password, however programs rewrote the link (`%2Fp%2F…`,
/// `_p_…`) or broke its line.
pub fn candidates<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Vec<u8>> {
    let mut found: HashSet<String> = HashSet::new();
    for text in texts {
        let unbroken: String = text.chars().filter(|c| !matches!(c, '\n' | '\r' | '>' | ' ' | '=')).collect();
        for run in [text, &unbroken].into_iter().flat_map(|text| text.split(|c: char| !is_token(c))) {
            // Programs add letters before the token, and marks such as `_` after it.
            let last = run.len().saturating_sub(TOKEN_LENGTH);
            for start in [0, 1, last, last.saturating_sub(1)] {
                if let Some(token) = run.get(start..start + TOKEN_LENGTH)
                    && is_random(token)
                    && found.len() < MOST_CANDIDATES
                {
                    found.insert(token.to_owned());
                }
            }
        }
    }
    found.iter().map(|token| tokens::hash(token).to_vec()).collect()
}

/// Ends the links that set a password whose tokens are among these.
pub fn revoke(tx: &mut PgConnection, candidates: &[Vec<u8>]) -> Result<()> {
    if candidates.is_empty() { Ok(()) } else { links::revoke(tx, candidates) }
}

/// Whether these characters may be random: of 43 random ones about seventeen are capital letters and as many are small, and
/// fewer than two of either are found in one token of a hundred million. Words without spaces are not looked up.
fn is_random(token: &str) -> bool {
    let several = |is_one: fn(&u8) -> bool| token.bytes().filter(is_one).nth(1).is_some();
    several(u8::is_ascii_uppercase) && several(u8::is_ascii_lowercase)
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// The text with a mark in place of the tokens of links.
pub fn with_hidden_tokens(text: &str) -> Cow<'_, str> {
    let mut places: Vec<Range<usize>> = PATHS.iter().flat_map(|path| tokens_after(path, text)).collect();
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    places.sort_by_key(|place| place.start);
    places.dedup();
    let (mut hidden, mut from) = (String::with_capacity(text.len()), 0);
    for place in places {
        hidden.push_str(&text[from..place.start]);
        hidden.push('…');
        from = place.end;
    }
    hidden.push_str(&text[from..]);
    Cow::Owned(hidden)
}

/// The places of the tokens after this path.
fn tokens_after<'a>(path: &'a str, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    text.match_indices(path).filter_map(move |(at, _)| {
        let start = at + path.len();
        let rest = text.as_bytes().get(start..)?;
        let length =
            rest.iter().take(TOKEN_LENGTH + 2).take_while(|byte| is_token(char::from(**byte))).count();
        // A mark such as `_` may follow.
        (length == TOKEN_LENGTH || length == TOKEN_LENGTH + 1).then_some(start..start + TOKEN_LENGTH)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_form_of_a_token_is_hidden() {
        let token = "kG7l0r3ZkX3y0m0pX9h0n1yqk0R0q3bT0s8mZ2v7Q4E";
        for (text, hidden) in [
            (format!("> https://mesa.test/p/{token}\nGracias"), "> https://mesa.test/p/…\nGracias"),
            (format!("<https://mesa.test/s/{token}>, /p/{token}."), "<https://mesa.test/s/…>, /p/…."),
            ("https://mesa.test/p/corto y /s/".to_owned(), "https://mesa.test/p/corto y /s/"),
        ] {
            assert_eq!(with_hidden_tokens(&text), hidden);
        }
        let longer = format!("https://mesa.test/p/{token}xyz");
        assert_eq!(with_hidden_tokens(&longer), longer);
        for text in [
            format!("_https://mesa.test/p/{token}_"),
            format!("https://safe.example/?url=https%3A%2F%2Fmesa.test%2Fp%2F{token}&data=x"),
            format!("https-3A__mesa.test_p_{token}&d=x"),
        ] {
            assert!(!with_hidden_tokens(&text).contains(token), "{text}");
        }
    }

    #[test]
    fn a_token_is_a_candidate_however_it_is_quoted() {
        let token = "kG7l0r3ZkX3y0m0pX9h0n1yqk0R0q3bT0s8mZ2v7Q4E";
        let (begin, end) = token.split_at(20);
        for text in [
            token.to_owned(),
            format!("_https://mesa.test/p/{token}_"),
            format!("https://safe.example/?url=https%3A%2F%2Fmesa.test%2Fp%2F{token}&data=x"),
            format!("https-3A__mesa.test_p_{token}&d=x"),
            format!("> https://mesa.test/p/{begin}=\r\n{end}\n\nGracias"),
            format!("> https://mesa.test/p/{begin}\n> {end}."),
        ] {
            assert!(candidates([text.as_str()]).contains(&tokens::hash(token).to_vec()), "{text}");
        }
        assert!(candidates(["Nada que parezca un enlace."]).is_empty());
        let words = "palabras en una línea sin puntos ".repeat(9);
        assert!(candidates([words.as_str()]).is_empty());
    }
}
