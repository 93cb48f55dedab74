//! Links that set a password, quoted in replies to the mail that contains them: staff read tickets, and must not be
//! able to use such links.

use std::borrow::Cow;

use diesel::PgConnection;

use crate::account::password_links::links;
use crate::auth::tokens;
use crate::problem::Result;

/// The part of the path of such a link before the token.
const PATH: &str = "/p/";

/// The number of characters of a token.
const TOKEN_LENGTH: usize = 43;

/// The text with a mark in place of the tokens of links that set a password; links that are still valid are revoked.
pub fn without_password_links<'a>(tx: &mut PgConnection, text: &'a str) -> Result<Cow<'a, str>> {
    let tokens = tokens_in(text);
    if tokens.is_empty() {
        return Ok(Cow::Borrowed(text));
    }
    let mut without = text.to_owned();
    for token in tokens {
        links::revoke(tx, &tokens::hash(token))?;
        without = without.replace(token, "…");
    }
    Ok(Cow::Owned(without))
}

/// The text with a mark in place of the tokens of links that set a password.
pub fn with_hidden_tokens(text: &str) -> String {
    tokens_in(text).into_iter().fold(text.to_owned(), |text, token| text.replace(token, "…"))
}

fn tokens_in(text: &str) -> Vec<&str> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let after = text.match_indices(PATH).map(|(at, _)| &text[at + PATH.len()..]);
    let tokens = after.map(|rest| &rest[..rest.find(|c| !is_token(c)).unwrap_or(rest.len())]);
    tokens.filter(|token| token.len() == TOKEN_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_form_of_a_token_is_found() {
        let token = "kG7l0r3ZkX3y0m0pX9h0n1yqk0R0q3bT0s8mZ2v7Q4E";
        assert_eq!(tokens_in(&format!("> https://mesa.test/p/{token}\nGracias")), [token]);
        assert_eq!(tokens_in(&format!("<https://mesa.test/p/{token}>, /p/{token}.")), [token, token]);
        assert!(tokens_in("https://mesa.test/p/corto y /p/").is_empty());
        assert!(tokens_in(&format!("https://mesa.test/p/{token}x")).is_empty());
    }
}
