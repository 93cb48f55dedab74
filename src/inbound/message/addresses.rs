//! Addresses in header fields, also where they are written in ways that no standard allows but mail programs use.

use std::collections::HashSet;

use mail_parser::parsers::MessageStream;
use mail_parser::{Address, HeaderValue};

use super::{encoded_words, one_line};

/// A name and an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// In lower case.
    pub address: String,
    /// One line of 200 characters at most; none if the message has none.
    pub name: Option<String>,
}

/// How many addresses of a field are searched for within its words. A field with more is malformed.
const MOST_SEARCHED: usize = 50;

/// The addresses of a field that could be answered. One that is not in it literally was joined out of several. Empty if
/// more than `MOST_SEARCHED` are at most a part of a word.
pub fn all(value: &[u8]) -> Vec<Mailbox> {
    let HeaderValue::Address(address) = parsed(value) else { return Vec::new() };
    let text = encoded_words::in_utf8(value).to_lowercase();
    let words: HashSet<&str> = text.split(is_separator).collect();
    let mut all = Vec::new();
    let mut searched = 0;
    for one in address.iter().filter_map(|one| mailbox(one.address(), one.name())) {
        if !words.contains(one.address.as_str()) {
            searched += 1;
            if searched > MOST_SEARCHED {
                return Vec::new();
            }
            if !text.contains(&one.address) {
                continue;
            }
        }
        all.push(one);
    }
    all
}

/// The domain of an address, in lower case.
pub fn domain_of(address: &str) -> Option<String> {
    address.rsplit_once('@').map(|(_, domain)| domain.to_lowercase())
}

/// The author in a field: of several the one that `sender` names, otherwise the first; none if their domains differ.
/// A field that is malformed but contains only one address names that one.
pub fn author(value: &[u8], sender: Option<&Mailbox>) -> Option<Mailbox> {
    let all = all(value);
    if all.windows(2).any(|two| domain_of(&two[0].address) != domain_of(&two[1].address)) {
        return None;
    }
    let named = sender.and_then(|sender| all.iter().find(|author| author.address == sender.address));
    let author = named.or(all.first()).cloned();
    if author.is_some() && (all.len() > 1 || is_one(value)) {
        return author;
    }
    // A name with a comma may have been read as two authors, one without an address.
    let only = only_one(&encoded_words::decoded(value));
    match author {
        Some(author) => only.filter(|only| only.address == author.address).or(Some(author)),
        None => only,
    }
}

/// Whether it is one address that is well-formed.
pub fn is_one(value: &[u8]) -> bool {
    matches!(parsed(value), HeaderValue::Address(Address::List(list)) if list.len() == 1)
        && all(value).len() == 1
}

fn parsed(value: &[u8]) -> HeaderValue<'static> {
    let line = format!("{}\n", encoded_words::in_utf8(value));
    MessageStream::new(line.as_bytes()).parse_address().into_owned()
}

fn mailbox(address: Option<&str>, name: Option<&str>) -> Option<Mailbox> {
    let written = address?.trim();
    let address = written.to_lowercase();
    (is_address(&address) && !is_disguised(written))
        .then_some(Mailbox { address, name: name.and_then(clean) })
}

/// On one line, without quotation marks around it.
fn clean(name: &str) -> Option<String> {
    let line = one_line(name, 200);
    let without = line.strip_prefix('\'').and_then(|line| line.strip_suffix('\''));
    Some(without.unwrap_or(&line).trim().to_owned()).filter(|name| !name.is_empty())
}

/// The only address in a malformed text: without angle brackets, in apostrophes, with one quotation mark too many, with
/// a dot at its end. None if there is more than one at sign.
fn only_one(text: &str) -> Option<Mailbox> {
    if text.matches('@').count() != 1 {
        return None;
    }
    // Where there are brackets, an address is only within them.
    let (before, within, after) = match text.split_once('<') {
        Some((before, rest)) => {
            let (within, after) = rest.split_once('>').unwrap_or((rest, ""));
            (before, within, after)
        }
        None => ("", text, ""),
    };
    // Quotation marks in pairs may contain anything.
    let marks = within.matches('"').count();
    if after.contains('<') || !within.contains('@') || marks > 1 && within.contains("\"@") {
        return None;
    }
    let is_end = |c: char| c.is_whitespace() || "()[]<>,;".contains(c);
    let word = within.split(is_end).find(|word| word.contains('@'))?;
    let unquoted: String = word.chars().filter(|c| *c != '"').collect();
    let bare = unquoted.trim_matches(['\'', '`', '‘', '’', '“', '”']);
    let bare = bare.strip_prefix("mailto:").unwrap_or(bare).trim_end_matches(['.', ':']);
    let names = if before.trim().is_empty() { within.replacen(word, " ", 1) } else { before.to_owned() };
    let name = names.replace(['<', '>', '(', ')', '[', ']', ';', '"'], " ");
    mailbox(Some(bare), Some(name.trim_matches([',', ':', ' '])))
}

/// Whether mail could be sent to it.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= 254
        && !local.is_empty()
        && !local.contains('@')
        && !local.starts_with('\'')
        && !domain.contains('\'')
        && domain.split('.').all(|label| !label.is_empty())
        && !text.contains(is_separator)
}

/// Whether it is in no address.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "<>(),;:\"\\[]".contains(c)
}

/// Whether it contains letters that become other letters in lower case, such as the kelvin sign, or invisible
/// characters.
fn is_disguised(address: &str) -> bool {
    let other = |c: char| !c.is_ascii() && c.to_lowercase().any(|lower| lower.is_ascii());
    let unseen = |c: char| matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    address.contains(|c| other(c) || unseen(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<(String, String)> {
        author(value.as_bytes(), None).map(|one| (one.name.unwrap_or_default(), one.address))
    }

    #[test]
    fn the_only_address_of_a_malformed_field_is_its_author() {
        for (value, name, is_well_formed) in [
            ("Ana Ruiz <ana.ruiz@x.test>", "Ana Ruiz", true),
            ("\"Ruiz, Ana\" <ana.ruiz@x.test>", "Ruiz, Ana", true),
            ("ana.ruiz@x.test (Ana Ruiz)", "Ana Ruiz", true),
            ("'Ana Ruiz' <ana.ruiz@x.test>", "Ana Ruiz", true),
            ("\"=?utf-8?Q?Ana?= Ruiz\" <ana.ruiz@x.test>", "Ana Ruiz", true),
            ("=?utf-8?Q?=3C=2C?= <ana.ruiz@x.test>", "<,", true),
            ("=?utf-8?Q?Jos=C3?= =?utf-8?Q?=A9?= <ana.ruiz@x.test>", "José", true),
            ("=?utf-8?Q?b=40evil.test?= <ana.ruiz@x.test>", "b@evil.test", true),
            ("Ruiz, Ana <ana.ruiz@x.test>", "Ruiz, Ana", false),
            ("Mesa: ana.ruiz@x.test;", "Mesa", false),
            ("Ana <ana.ruiz@x.test>;", "Ana", false),
            ("Ana Ruiz ana.ruiz@x.test", "Ana Ruiz", false),
            ("ana.ruiz@x.test Ana Ruiz", "Ana Ruiz", false),
            ("Ana <'ana.ruiz@x.test'>", "Ana", false),
            ("'ana.ruiz@x.test'", "", false),
            ("Ana <ana.ruiz@x.test.>", "Ana", false),
            ("ana.ruiz@x.test.", "", false),
            ("Ana <ana.ruiz\"@x.test>", "Ana", false),
            ("Ana <\"ana.ruiz@x.test>", "Ana", false),
            ("\"Ana Ruiz <ana.ruiz@x.test>", "Ana Ruiz", false),
            ("Ana <mailto:ana.ruiz@x.test>", "Ana", false),
            ("Ana Ruiz ana.ruiz@x.test>", "Ana Ruiz", false),
            ("Ana [ana.ruiz@x.test]", "Ana", false),
            ("=?utf-8?Q?Ana_<ana.ruiz@x.test>?=", "Ana", false),
        ] {
            assert_eq!(read(value), Some((name.to_owned(), "ana.ruiz@x.test".to_owned())), "{value}");
            assert_eq!(is_one(value.as_bytes()), is_well_formed, "{value}");
        }
    }

    #[test]
    fn of_several_authors_the_sender_is_the_author() {
        let value = b"a@x.test, \"B\" <b@x.test>";
        assert_eq!(author(value, None).unwrap().address, "a@x.test");
        let sender = Mailbox { address: "b@x.test".to_owned(), name: None };
        assert_eq!(author(value, Some(&sender)).unwrap().name.as_deref(), Some("B"));
        assert_eq!(author(b"a@x.test, b@y.test", Some(&sender)), None);
    }

    #[test]
    fn an_address_is_not_made_out_of_others() {
        for value in [
            "a@x.test b@x.test",
            "a@x.test <Ana>",
            "a@x.test <>",
            "<a@x.test> <b>",
            "\"ana ruiz\"@x.test",
            "Ana <\"ana ruiz\"@x.test>",
            "\"a@x.test\" <'b'>",
            "a@x.test\u{200b}",
            "a@x..test",
            "@x.test",
            "a@",
            "=?utf-8?Q?a=40x.test=2C_b=40y.test?=",
        ] {
            assert_eq!(read(value), None, "{value}");
        }
    }
}
