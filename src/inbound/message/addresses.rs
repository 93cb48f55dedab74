//! Addresses in header fields, also where they are written in ways that no standard allows but mail programs use.

use std::collections::HashSet;

use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, Address, HeaderValue};

use super::malformed_addresses::only_one;
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
    let text = encoded_words::in_utf8(value);
    let HeaderValue::Address(address) = parsed(&text) else { return Vec::new() };
    let names = names_without_comments(&text, &address);
    let text = text.to_lowercase();
    let words: HashSet<&str> = text.split(is_separator).collect();
    let mut all = Vec::new();
    let mut searched = 0;
    let named = address.iter().enumerate().filter_map(|(at, one)| {
        let name = names.get(at).and_then(Option::as_deref).or(one.name());
        mailbox(one.address(), name)
    });
    for one in named {
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
    let text = encoded_words::in_utf8(value);
    matches!(parsed(&text), HeaderValue::Address(Address::List(list)) if list.len() == 1)
        && all(value).len() == 1
}

/// `text`: the value in UTF-8.
fn parsed(text: &str) -> HeaderValue<'static> {
    let line = format!("{text}\n");
    MessageStream::new(line.as_bytes()).parse_address().into_owned()
}

/// The names of these addresses without comments: `Ana` for `Ana (Hacienda) <ana@x.test>`. Where only a comment names
/// one, it is the name. Empty if the text has no comments or does not contain the same addresses without them.
fn names_without_comments(text: &str, address: &Address<'_>) -> Vec<Option<String>> {
    let Some(HeaderValue::Address(bare)) = without_comments(text).as_deref().map(parsed) else {
        return Vec::new();
    };
    if !bare.iter().map(|one| one.address()).eq(address.iter().map(|one| one.address())) {
        return Vec::new();
    }
    let name = |(bare, whole): (&Addr<'_>, &Addr<'_>)| {
        let comment = || without_comments(whole.name()?).as_deref().and_then(clean);
        bare.name().and_then(clean).or_else(comment)
    };
    bare.iter().zip(address.iter()).map(name).collect()
}

/// The text without comments (RFC 5322, 3.2.2); none if it has none, or if a bracket or a quotation mark is open at its
/// end.
fn without_comments(text: &str) -> Option<String> {
    let mut bare = String::with_capacity(text.len());
    let (mut depth, mut is_quoted, mut has_comments) = (0_usize, false, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' if depth == 0 => is_quoted = !is_quoted,
            '(' if !is_quoted => {
                (depth, has_comments) = (depth + 1, true);
                bare.push(' ');
            }
            ')' if depth > 0 => {
                depth -= 1;
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            bare.push(c);
        }
        if c == '\\'
            && let Some(escaped) = chars.next()
            && depth == 0
        {
            bare.push(escaped);
        }
    }
    (has_comments && depth == 0 && !is_quoted).then_some(bare)
}

pub fn mailbox(address: Option<&str>, name: Option<&str>) -> Option<Mailbox> {
    let written = address?.trim();
    let address = written.to_lowercase();
    (is_address(&address) && !is_disguised(written))
        .then_some(Mailbox { address, name: name.and_then(clean) })
}

/// On one line, without quotation marks around it.
fn clean(name: &str) -> Option<String> {
    let line = one_line(name, 200);
    let line = line.replace(['\u{ad}', '\u{200b}', '\u{2060}', '\u{feff}'], "");
    let without = line.strip_prefix('\'').and_then(|line| line.strip_suffix('\''));
    Some(without.unwrap_or(&line).trim().to_owned()).filter(|name| !name.is_empty())
}

/// Whether mail could be sent to it.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= 254
        && !local.is_empty()
        && !local.contains('@')
        && !local.starts_with('\'')
        && is_domain(domain)
        && !text.contains(is_separator)
}

/// Whether it consists of labels of letters, digits and hyphens.
pub fn is_domain(text: &str) -> bool {
    let is_letter = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.split('.').all(|label| !label.is_empty() && label.chars().all(is_letter))
        && !text.contains(is_separator)
}

/// Whether it is in no address.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "<>(),;:\"\\[]＜＞﹤﹥".contains(c)
}

/// Whether it contains letters that become other letters in lower case, such as the kelvin sign, or invisible
/// characters.
fn is_disguised(address: &str) -> bool {
    let other = |c: char| !c.is_ascii() && c.to_lowercase().any(|lower| lower.is_ascii());
    address.contains(|c| other(c) || is_unseen(c))
}

pub fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
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
    fn a_comment_is_no_part_of_a_name() {
        for (value, name) in [
            ("Ana Ruiz <ana@x.test> (Hacienda)", "Ana Ruiz"),
            ("(Hacienda) Ana Ruiz <ana@x.test>", "Ana Ruiz"),
            ("Ana Ruiz <ana@x.test> (uno (dos) tres)", "Ana Ruiz"),
            ("Ana (la jefa) Ruiz <ana@x.test (casa)>", "Ana Ruiz"),
            ("=?utf-8?Q?Ana_Ru=C3=ADz?= (=?utf-8?Q?se=C3=B1ora?=) <ana@x.test>", "Ana Ruíz"),
            ("\"Ana (Ruiz)\" <ana@x.test>", "Ana (Ruiz)"),
            ("=?utf-8?Q?Ana_=28Ruiz=29?= <ana@x.test>", "Ana (Ruiz)"),
            ("\"Ana\" (a \\) b) <ana@x.test>", "Ana"),
            // Without another name it is the name.
            ("ana@x.test (Ana Ruiz)", "Ana Ruiz"),
            ("ana@x.test (Ana (Anita) Ruiz)", "Ana Ruiz"),
            ("(Ana Ruiz) ana@x.test", "Ana Ruiz"),
            ("ana@x.test (=?utf-8?Q?Ana_Ru=C3=ADz?=)", "Ana Ruíz"),
        ] {
            assert_eq!(read(value), Some((name.to_owned(), "ana@x.test".to_owned())), "{value}");
            assert!(is_one(value.as_bytes()), "{value}");
        }
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
