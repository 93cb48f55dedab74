//! Header fields, cleaned for storage and display.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;

pub use super::addresses::Mailbox;
use super::header_end::{field, is_folded, is_parameter};
use super::lines::header_lines;
use super::{Fault, addresses, encoded_words, one_line};

/// The largest header block of a message or of a part, in bytes.
pub const LARGEST: usize = 256 * 1024;

/// The longest Message-ID that is kept, in bytes.
const LONGEST_ID: usize = 500;

/// The maximum number of messages that one may reply to.
const MOST_ANSWERED: usize = 50;

/// The maximum number of recipients that are kept.
const MOST_RECIPIENTS: usize = 50;

/// A parsed header block.
pub struct Headers<'a> {
    fields: Vec<RawField<'a>>,
}

struct RawField<'a> {
    /// In lower case.
    name: String,
    /// Whether the colon follows the name at once.
    is_close: bool,
    /// On one line.
    value: Cow<'a, [u8]>,
}

/// A field's name in lower case and its value on one line.
pub struct Field {
    pub name: String,
    pub value: String,
}

impl<'a> Headers<'a> {
    /// # Errors
    /// The block is too large.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.len() > LARGEST {
            return Err(Fault::HeaderTooLarge);
        }
        let mut fields: Vec<RawField<'a>> = Vec::new();
        for line in header_lines(bytes) {
            let begins = if is_folded(line) { None } else { field(line) };
            if let Some((name, value)) = begins {
                let is_close = line.get(name.len()) == Some(&b':');
                let name = String::from_utf8_lossy(name).to_ascii_lowercase();
                fields.push(RawField { name, is_close, value: Cow::Borrowed(value.trim_ascii()) });
            } else if let Some(field) = fields.last_mut().filter(|_| is_folded(line) || is_parameter(line)) {
                let value = field.value.to_mut();
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
            }
        }
        Ok(Headers { fields })
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Every field, in order, as it was sent, except that its lines are unfolded.
    pub fn fields(&self) -> Vec<Field> {
        let written = |field: &RawField<'_>| Field {
            name: field.name.clone(),
            value: String::from_utf8_lossy(&field.value).trim().to_owned(),
        };
        self.fields.iter().map(written).collect()
    }

    fn values(&self, name: &str) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.fields.iter().filter(move |field| field.name == name).map(|field| field.value.as_ref())
    }

    /// The value of the last field with this name, in lower case, as it was sent.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next_back()
    }

    /// The same as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(encoded_words::decoded)
    }

    /// The author. If `From` names several, the one that `Sender` names, otherwise the first; none if their domains
    /// differ, since a mail server verifies only one domain, and if there are several `From` that differ.
    pub fn from(&self) -> Option<Mailbox> {
        let sender = self.value("sender").and_then(|value| addresses::all(value).into_iter().next());
        let mut authors = self.values("from").map(|value| addresses::author(value, sender.as_ref()));
        let first = authors.next()??;
        let is_same = |other: Option<Mailbox>| other.is_some_and(|other| other.address == first.address);
        authors.all(is_same).then_some(first)
    }

    /// Whether `From` is one well-formed address, not a list or a group, and not one that had to be repaired. With a
    /// space before its colon, it is no field to some programs.
    pub fn has_one_author(&self) -> bool {
        let mut fields = self.fields.iter().filter(|field| field.name == "from");
        matches!((fields.next(), fields.next()), (Some(only), None) if only.is_close && addresses::is_one(&only.value))
    }

    /// Whom its author wants to have answered; none if `Reply-To` names several.
    pub fn reply_to(&self) -> Option<Mailbox> {
        let named = self.value("reply-to").map(addresses::all).unwrap_or_default();
        <[Mailbox; 1]>::try_from(named).ok().map(|[only]| only)
    }

    /// The addresses in `To` and `Cc`, each once.
    pub fn recipients(&self) -> Vec<String> {
        let mut addresses: Vec<String> = Vec::new();
        for mailbox in ["to", "cc"].iter().flat_map(|name| self.values(name)).flat_map(addresses::all) {
            if !addresses.contains(&mailbox.address) {
                addresses.push(mailbox.address);
            }
            if addresses.len() >= MOST_RECIPIENTS {
                break;
            }
        }
        addresses
    }

    pub fn subject(&self) -> String {
        one_line(&self.text("subject").unwrap_or_default(), 200)
    }

    pub fn message_id(&self) -> Option<String> {
        self.ids("message-id").into_iter().next()
    }

    /// The messages that this one replies to, the nearest first.
    pub fn answers(&self) -> Vec<String> {
        let mut answered = self.ids("in-reply-to");
        for id in self.ids("references").into_iter().rev() {
            if !answered.contains(&id) {
                answered.push(id);
            }
            if answered.len() >= MOST_ANSWERED {
                break;
            }
        }
        answered.truncate(MOST_ANSWERED);
        answered
    }

    pub fn date(&self) -> Option<DateTime<Utc>> {
        let value = [self.value("date")?, b"\n"].concat();
        let parsed = MessageStream::new(&value).parse_date();
        let date = parsed.as_datetime().filter(|date| date.is_valid())?;
        DateTime::from_timestamp(date.to_timestamp(), 0)
    }

    fn ids(&self, name: &str) -> Vec<String> {
        let Some(value) = self.value(name) else { return Vec::new() };
        let line = [value, b"\n"].concat();
        ids(&MessageStream::new(&line).parse_id())
    }

    /// The header fields of its author, without those that servers add.
    pub fn author_fields(&self) -> Vec<u8> {
        let mut own = Vec::new();
        for field in self.fields() {
            let own_names = "from to cc date subject message-id in-reply-to references";
            if own_names.split(' ').any(|name| name == field.name) {
                own.extend_from_slice(field.name.as_bytes());
                own.push(b':');
                own.extend(field.value.bytes().filter(|byte| !byte.is_ascii_whitespace()));
                own.push(b'\n');
            }
        }
        own
    }
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    let texts: Vec<&str> = match value {
        HeaderValue::Text(one) => vec![one],
        HeaderValue::TextList(many) => many.iter().map(AsRef::as_ref).collect(),
        _ => Vec::new(),
    };
    let sound = |id: &&str| {
        !id.is_empty()
            && id.len() <= LONGEST_ID
            && !id.contains(|c: char| c.is_whitespace() || c.is_control() || c == char::REPLACEMENT_CHARACTER)
    };
    texts.into_iter().map(str::trim).filter(sound).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(header: &str) -> Option<String> {
        Headers::read(header.as_bytes()).unwrap().from().map(|mailbox| mailbox.address)
    }

    #[test]
    fn the_author_is_one_person_with_an_address_that_can_be_answered() {
        assert_eq!(
            from("From: \"Pérez, Ana\" <Ana@Example.GOV.co>\r\n").as_deref(),
            Some("ana@example.gov.co")
        );
        assert_eq!(from("From: a@x.co, b@x.co\r\nSender: b@x.co\r\n").as_deref(), Some("b@x.co"));
        assert_eq!(from("From: a@x.co, b@x.co\r\nSender: c@x.co\r\n").as_deref(), Some("a@x.co"));
        assert_eq!(from("From: \"b@x.co\" <a@x.co>\r\nResent-From: c@x.co\r\n").as_deref(), Some("a@x.co"));
        for none in [
            "To: a@x.co\r\n",
            "From: a@x.co\r\nFrom: b@x.co\r\n",
            "From: Ana\r\n",
            "From: <>\r\n",
            "From: @x\r\n",
            // If there are several, the mail server checked only one of them, and it is unknown which.
            "From: a@evil.co, b@x.co\r\nSender: b@x.co\r\n",
            "From: b@x.co, a@evil.co\r\n",
            "From: b@x.co <a@evil.co>, Ana\r\nFrom : a@x.co\r\n",
            // An address with look-alike letters is not accepted as the other address.
            "From: b@\u{212a}ennedy.co\r\n",
            "From: b@x.co\u{200b}\r\n",
            "From: b@x..co\r\n",
        ] {
            assert_eq!(from(none), None, "{none}");
        }
    }

    #[test]
    fn what_it_answers_is_named_once_the_nearest_first() {
        let header = b"In-Reply-To: <c@x>\r\nReferences: <a@x>\r\n <b@x> <c@x>\r\n";
        assert_eq!(Headers::read(header).unwrap().answers(), ["c@x", "b@x", "a@x"]);
    }

    #[test]
    fn an_author_is_found_in_a_field_with_one_address() {
        for header in [
            "From: Ana Ruiz ana@x.co\r\n",
            "From: b@x.co\r\nFrom: \"B\" <B@x.co>\r\n",
            "From : b@x.co\r\n",
            "From\t: b@x.co\r\n",
        ] {
            let headers = Headers::read(header.as_bytes()).unwrap();
            assert!(headers.from().is_some() && !headers.has_one_author(), "{header}");
        }
        assert!(Headers::read(b"From: b@x.co\r\n").unwrap().has_one_author());
    }
}
