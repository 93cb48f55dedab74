//! Header fields: addresses and names, cleaned for storage and display.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use mail_parser::{Address, HeaderName, HeaderValue, MessageParser};

use super::{Fault, one_line};

/// The largest header block of a message or of a part, in bytes.
pub const LARGEST: usize = 256 * 1024;

/// The longest Message-ID that is kept, in bytes.
const LONGEST_ID: usize = 500;

/// The maximum number of messages that one may reply to.
const MOST_ANSWERED: usize = 50;

/// The maximum number of recipients that are kept.
const MOST_RECIPIENTS: usize = 50;

/// A name and an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// In lower case.
    pub address: String,
    /// One line of 200 characters at most; none if the message has none.
    pub name: Option<String>,
}

/// A parsed header block.
pub struct Headers<'a> {
    bytes: Cow<'a, [u8]>,
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
        // The parser ignores a field without a line end.
        let bytes = match bytes.ends_with(b"\n") {
            true => Cow::Borrowed(bytes),
            false => Cow::Owned([bytes, b"\r\n"].concat()),
        };
        Ok(Headers { bytes })
    }

    pub fn parsed(&self) -> Option<mail_parser::Message<'_>> {
        MessageParser::default().parse_headers(self.bytes.as_ref())
    }

    pub fn is_empty(&self) -> bool {
        self.fields().is_empty()
    }

    /// Every field, in order, as it was sent, except that its lines are unfolded.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        for line in self.bytes.split(|byte| *byte == b'\n') {
            let text = String::from_utf8_lossy(line);
            if text.starts_with([' ', '\t']) {
                if let Some(field) = fields.last_mut() {
                    field.value.push(' ');
                    field.value.push_str(text.trim());
                }
            } else if let Some((name, value)) = text.split_once(':')
                && !name.is_empty()
                && name.trim_end().bytes().all(|byte| byte.is_ascii_graphic())
            {
                let name = name.trim_end().to_ascii_lowercase();
                fields.push(Field { name, value: value.trim().to_owned() });
            }
        }
        fields
    }

    /// The author. If `From` names several, the one that `Sender` names, otherwise the first; none if their domains
    /// differ, since a mail server verifies only one domain.
    pub fn from(&self) -> Option<Mailbox> {
        if self.fields().iter().filter(|field| field.name == "from").count() != 1 {
            return None;
        }
        let parsed = self.parsed()?;
        let from = mailboxes(parsed.header(HeaderName::From)?.as_address());
        let domain =
            |mailbox: &Mailbox| mailbox.address.rsplit_once('@').map(|(_, domain)| domain.to_owned());
        if from.windows(2).any(|two| domain(&two[0]) != domain(&two[1])) {
            return None;
        }
        let sender = mailboxes(parsed.header(HeaderName::Sender).and_then(HeaderValue::as_address));
        let named =
            sender.first().and_then(|sender| from.iter().find(|author| author.address == sender.address));
        named.or(from.first()).cloned()
    }

    /// Whether `From` is one address, not a list or a group.
    pub fn has_one_author(&self) -> bool {
        let parsed = self.parsed();
        let from = parsed.as_ref().and_then(|parsed| parsed.header(HeaderName::From)?.as_address());
        matches!(from, Some(Address::List(list)) if list.len() == 1)
    }

    /// The address that answers should go to; none if it names none or several.
    pub fn reply_to(&self) -> Option<Mailbox> {
        let parsed = self.parsed()?;
        let named = mailboxes(parsed.header(HeaderName::ReplyTo).and_then(HeaderValue::as_address));
        match <[Mailbox; 1]>::try_from(named) {
            Ok([one]) => Some(one),
            Err(_) => None,
        }
    }

    /// The addresses in `To` and `Cc`, each once.
    pub fn recipients(&self) -> Vec<String> {
        let Some(parsed) = self.parsed() else { return Vec::new() };
        let mut addresses: Vec<String> = Vec::new();
        for name in [HeaderName::To, HeaderName::Cc] {
            for mailbox in mailboxes(parsed.header(name).and_then(HeaderValue::as_address)) {
                if addresses.len() < MOST_RECIPIENTS && !addresses.contains(&mailbox.address) {
                    addresses.push(mailbox.address);
                }
            }
        }
        addresses
    }

    pub fn subject(&self) -> String {
        let parsed = self.parsed();
        let text = parsed.as_ref().and_then(|parsed| parsed.subject());
        one_line(text.unwrap_or_default(), 200)
    }

    pub fn message_id(&self) -> Option<String> {
        let parsed = self.parsed()?;
        ids(parsed.header(HeaderName::MessageId)).into_iter().next()
    }

    /// The messages that this one replies to, the nearest first.
    pub fn answers(&self) -> Vec<String> {
        let Some(parsed) = self.parsed() else { return Vec::new() };
        let mut answered = ids(parsed.header(HeaderName::InReplyTo));
        for id in ids(parsed.header(HeaderName::References)).into_iter().rev() {
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
        let parsed = self.parsed()?;
        let date = parsed.date().filter(|date| date.is_valid())?;
        DateTime::from_timestamp(date.to_timestamp(), 0)
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

fn mailboxes(address: Option<&Address<'_>>) -> Vec<Mailbox> {
    let all = address.into_iter().flat_map(Address::iter);
    let mailboxes = all.filter_map(|one| {
        let written = one.address.as_deref()?.trim();
        let address = written.to_lowercase();
        let name = one.name.as_deref().map(|name| one_line(name, 200)).filter(|name| !name.is_empty());
        (is_address(&address) && !is_disguised(written)).then_some(Mailbox { address, name })
    });
    mailboxes.collect()
}

/// Whether mail could be sent to it.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= 254
        && !local.is_empty()
        && domain.split('.').all(|label| !label.is_empty())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>(),;:\"\\[]".contains(c))
        && !local.contains('@')
}

/// Whether it contains letters that become other letters in lower case, such as the kelvin sign, or invisible
/// characters.
fn is_disguised(address: &str) -> bool {
    let other = |c: char| !c.is_ascii() && c.to_lowercase().any(|lower| lower.is_ascii());
    let unseen = |c: char| matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    address.contains(|c| other(c) || unseen(c))
}

fn ids(value: Option<&HeaderValue<'_>>) -> Vec<String> {
    let texts: Vec<&str> = match value {
        Some(HeaderValue::Text(one)) => vec![one],
        Some(HeaderValue::TextList(many)) => many.iter().map(AsRef::as_ref).collect(),
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
            "From: b@x.co.\r\n",
        ] {
            assert_eq!(from(none), None, "{none}");
        }
    }

    #[test]
    fn what_it_answers_is_named_once_the_nearest_first() {
        let header = b"In-Reply-To: <c@x>\r\nReferences: <a@x>\r\n <b@x> <c@x>\r\n";
        assert_eq!(Headers::read(header).unwrap().answers(), ["c@x", "b@x", "a@x"]);
    }
}
