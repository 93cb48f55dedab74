//! A parsed message of RFC 5322: author, text, files, and whether a program sent it. A pure function: for any input
//! it ends, within bounds of memory and depth.

mod addresses;
mod authentication;
mod authentication_results;
#[cfg(test)]
mod bounds_test;
#[cfg(test)]
mod cases_test;
mod charsets;
mod cms;
#[cfg(test)]
mod cpu_time;
mod data_uris;
mod decode;
mod delimiters;
mod dos;
mod encoded_words;
mod enriched;
mod flowed;
mod found;
mod head;
mod header_end;
mod headers;
mod html;
mod lines;
#[cfg(test)]
mod lines_test;
mod malformed_addresses;
mod mime;
mod origin;
mod parameters;
mod reply;
mod shifted;
#[cfg(test)]
mod storable_test;
mod tnef;
mod uuencode;
mod versions;

use chrono::{DateTime, Utc};

pub use addresses::domain_of;
pub use authentication::{Verdict, verdict};
pub use headers::Mailbox;
pub use mime::File;
pub use origin::Automatic;
pub use reply::{OwnTexts, Reply};

use header_end::{field, split};
use headers::Headers;
use lines::{line_end, lines, without_end};

/// The longest body that is read as text, in bytes; a longer one is kept as a file.
pub const LONGEST_TEXT: usize = 1024 * 1024;

/// Why bytes cannot be read as a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is no header field.
    NotAMessage,
    /// One of its header blocks is larger than `headers::LARGEST`.
    HeaderTooLarge,
    /// It has more parts than `mime::MOST_PARTS`, is nested deeper than `mime::DEEPEST`, or would take too long to
    /// read.
    TooComplex,
}

/// The content of a message.
#[derive(Debug)]
pub struct Message {
    /// Its author; none if `From` names no address that could be answered, or if there is more than one `From`.
    pub from: Option<Mailbox>,
    /// Whom its author wants to have answered (`Reply-To`); the sender chose it, and nothing verifies it.
    pub reply_to: Option<Mailbox>,
    /// The addresses that it was sent to, openly.
    pub recipients: Vec<String>,
    /// One line of 200 characters at most; empty if there is none.
    pub subject: String,
    /// Without the angle brackets; none if there is none, or none that could be stored.
    pub message_id: Option<String>,
    /// The messages that it replies to, the nearest first.
    pub answers: Vec<String>,
    pub date: Option<DateTime<Utc>>,
    /// The whole text, as plain text.
    pub text: String,
    /// The new text: without quotations and without the signature; all of it if the message is forwarded. Never empty
    /// if `text` is not.
    pub reply: Reply,
    /// Whether its author forwards the message of another person.
    pub is_forward: bool,
    pub files: Vec<File>,
    /// The kind of program that sent it, if it was not a person.
    pub automatic: Option<Automatic>,
}

impl Message {
    /// `own_domain`: the domain of the Message-IDs of the desk; `own_address`: the address it sends from.
    ///
    /// # Errors
    /// The message cannot be read.
    pub fn read(bytes: &[u8], own_domain: Option<&str>, own_address: Option<&str>) -> Result<Message, Fault> {
        let bytes = without_envelope(bytes);
        let (header, _) = split(bytes);
        let headers = Headers::read(header)?;
        if headers.is_empty() {
            return Err(Fault::NotAMessage);
        }
        let content = mime::content(bytes)?;
        let (subject, message_id) = (headers.subject(), headers.message_id());
        let from = headers.from();
        let automatic =
            origin::automatic(&headers, from.as_ref(), message_id.as_deref(), own_domain, own_address);
        let is_forward = reply::is_forwarded(&subject);
        let reply = match is_forward {
            true => Reply::whole(&content.text),
            false => reply::new_words(&content.text, &OwnTexts::default()),
        };
        Ok(Message {
            subject,
            answers: headers.answers(),
            reply_to: headers.reply_to(),
            recipients: headers.recipients(),
            date: headers.date(),
            reply,
            is_forward,
            text: content.text,
            files: content.files,
            from,
            message_id,
            automatic,
        })
    }

    /// Its new text, where it is known what the desk sent on the ticket that it replies to.
    pub fn new_words(&self, own: &OwnTexts) -> Reply {
        if self.is_forward { Reply::whole(&self.text) } else { reply::new_words(&self.text, own) }
    }
}

/// The header data of a message, and its undecoded body.
#[derive(Debug, PartialEq, Eq)]
pub struct Summary<'a> {
    pub from: Option<Mailbox>,
    pub reply_to: Option<Mailbox>,
    pub recipients: Vec<String>,
    pub subject: String,
    pub message_id: Option<String>,
    /// The header fields of its author, without those that servers add.
    pub author_fields: Vec<u8>,
    pub body: &'a [u8],
}

impl<'a> Summary<'a> {
    /// # Errors
    /// The message cannot be read.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (header, body) = split(without_envelope(bytes));
        let headers = Headers::read(header)?;
        if headers.is_empty() {
            return Err(Fault::NotAMessage);
        }
        Ok(Summary {
            from: headers.from(),
            reply_to: headers.reply_to(),
            recipients: headers.recipients(),
            subject: headers.subject(),
            message_id: headers.message_id(),
            author_fields: headers.author_fields(),
            body,
        })
    }
}

/// Without the lines that mail folders and pipes put before a message (`From …`), and without blank lines and white
/// space before its header.
fn without_envelope(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    for _ in 0..MOST_ENVELOPES {
        let is_envelope = rest.starts_with(b"From ") || rest.starts_with(b">From ");
        // `From : ana@x.test` is a field.
        if !is_envelope || field(&rest[..line_end(rest)]).is_some() {
            break;
        }
        rest = rest[line_end(rest)..].trim_ascii_start();
    }
    rest
}

/// How many lines of mail folders may be before a message.
const MOST_ENVELOPES: usize = 3;

/// Without control and direction characters, on one line, with this maximum number of characters.
fn one_line(text: &str, longest: usize) -> String {
    let unseen = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let words: Vec<&str> =
        text.split(|c: char| unseen(c) || c.is_whitespace()).filter(|word| !word.is_empty()).collect();
    let line: String = words.join(" ").chars().take(longest).collect();
    line.trim_end().to_owned()
}
