//! A message of RFC 5322 as the desk needs it: who wrote, what they wrote, the files they sent, and whether a machine did.
//! Pure: whatever the bytes are, it ends, within bounds of memory and depth.

mod authentication;
mod authentication_results;
mod decode;
mod delimiters;
mod headers;
mod html;
mod mime;
mod origin;
mod reply;

use chrono::{DateTime, Utc};

pub use authentication::{Verdict, verdict};
pub use headers::Mailbox;
pub use mime::File;
pub use origin::Automatic;

use headers::Headers;

/// The longest body that is read as words, in bytes; a longer one is kept as a file.
pub const LONGEST_TEXT: usize = 1024 * 1024;

/// Why bytes cannot be read as a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is not one header field.
    NotAMessage,
    /// One of its header blocks is larger than `headers::LARGEST`.
    HeaderTooLarge,
    /// It has more parts than `mime::MOST_PARTS`, is nested deeper than `mime::DEEPEST`, or would take too long to read.
    TooComplex,
}

/// What a message says.
#[derive(Debug)]
pub struct Message {
    /// Its author; none where `From` names nobody that could be answered, or where there is more than one `From`.
    pub from: Option<Mailbox>,
    /// One line of 200 characters at most; empty where there is none.
    pub subject: String,
    /// Without the angle brackets; none where there is none, or none that could be kept.
    pub message_id: Option<String>,
    /// The messages that it answers, the nearest first.
    pub answers: Vec<String>,
    pub date: Option<DateTime<Utc>>,
    /// All that was written, as plain text.
    pub text: String,
    /// What is new in it: the text without what it quotes and without the signature; all of it where it is forwarded. Never
    /// empty where `text` is not.
    pub reply: String,
    pub files: Vec<File>,
    /// Which machine wrote it, where one did.
    pub automatic: Option<Automatic>,
}

impl Message {
    /// `own_domain`: that of the Message-IDs of the desk; `own_address`: the one it sends from.
    ///
    /// # Errors
    /// What cannot be read as a message.
    pub fn read(bytes: &[u8], own_domain: Option<&str>, own_address: Option<&str>) -> Result<Message, Fault> {
        let bytes = without_envelope(bytes);
        let (header, _) = mime::split(bytes);
        let headers = Headers::read(header)?;
        if headers.is_empty() {
            return Err(Fault::NotAMessage);
        }
        let content = mime::content(bytes)?;
        let (subject, message_id) = (headers.subject(), headers.message_id());
        let from = headers.from();
        let automatic =
            origin::automatic(&headers, from.as_ref(), message_id.as_deref(), own_domain, own_address);
        let reply = match reply::is_forwarded(&subject) {
            true => content.text.trim().to_owned(),
            false => reply::new_words(&content.text),
        };
        Ok(Message {
            subject,
            answers: headers.answers(),
            date: headers.date(),
            reply,
            text: content.text,
            files: content.files,
            from,
            message_id,
            automatic,
        })
    }
}

/// What a message says of itself in its header, and its body as it came.
#[derive(Debug, PartialEq, Eq)]
pub struct Summary<'a> {
    pub from: Option<Mailbox>,
    pub subject: String,
    pub message_id: Option<String>,
    /// The header fields that its author wrote, apart from what servers add on the way.
    pub author_fields: Vec<u8>,
    pub body: &'a [u8],
}

impl<'a> Summary<'a> {
    /// # Errors
    /// What cannot be read as a message.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let (header, body) = mime::split(without_envelope(bytes));
        let headers = Headers::read(header)?;
        if headers.is_empty() {
            return Err(Fault::NotAMessage);
        }
        Ok(Summary {
            from: headers.from(),
            subject: headers.subject(),
            message_id: headers.message_id(),
            author_fields: headers.author_fields(),
            body,
        })
    }
}

/// Without the `From ` line that mail folders and pipes put before a message, and without empty lines before its header.
fn without_envelope(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [b'\r' | b'\n', after @ ..] = rest {
        rest = after;
    }
    match rest.strip_prefix(b"From ") {
        Some(line) => line.iter().position(|byte| *byte == b'\n').map_or(&[][..], |end| &line[end + 1..]),
        None => rest,
    }
}

/// Without control and direction characters, on one line, of so many characters at most.
fn one_line(text: &str, longest: usize) -> String {
    let unseen = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let words: Vec<&str> =
        text.split(|c: char| unseen(c) || c.is_whitespace()).filter(|word| !word.is_empty()).collect();
    let line: String = words.join(" ").chars().take(longest).collect();
    line.trim_end().to_owned()
}
