//! The text and the files that are found in the parts of a message.

use std::borrow::Cow;

use memchr::memmem;

use super::head::{self, Head};
use super::mime::{Content, File, MOST_PARTS};
use super::versions::{self, Words};
use super::{
    LONGEST_TEXT, charsets, data_uris, decode, encoded_words, enriched, flowed, html, tnef, uuencode,
};

/// What has been read of a message.
#[derive(Default)]
pub struct Found {
    words: Vec<Words>,
    /// How many bytes of text have been read.
    written: usize,
    files: Vec<File>,
    /// The text in a file, for a message without other text.
    spare: Option<String>,
}

impl Found {
    /// Adds a part without parts. `may_be_words`: whether it can be the author's text; `choice`: the
    /// `multipart/alternative` that it belongs to.
    pub fn add(&mut self, head: Head, body: &[u8], may_be_words: bool, choice: Option<usize>) {
        let bytes = match head.is_readable() {
            true => readable(body, &head),
            false => decode::file(body, &head.encoding, head.name.as_deref()),
        };
        let is_shown = head.is_readable() && !is_rich_text_format(&head, &bytes);
        if may_be_words && is_shown && !head.is_file() && self.add_words(&head, &bytes, choice) {
            return;
        }
        let fits = may_be_words && is_shown && self.written + bytes.len() <= LONGEST_TEXT;
        if bytes.is_empty() && head.name.is_none() {
            return;
        }
        if is_tnef(&head, &bytes)
            && let Some(opened) = tnef::read(&bytes)
            && self.files.len() + opened.files.len() <= MOST_PARTS
        {
            self.files.extend(opened.files);
            match opened.text {
                Some(text) if self.spare.is_some() => self.files.push(File {
                    name: "message.txt".to_owned(),
                    content_type: "text/plain".to_owned(),
                    bytes: text.into_bytes(),
                }),
                text => self.spare = self.spare.take().or(text),
            }
            if !opened.lacks_text {
                return;
            }
        }
        let is_first = self.words.is_empty() && self.files.is_empty() || head.is_page();
        if fits && is_first && !head.is_attachment && self.spare.is_none() {
            self.spare = Some(words(&head, &bytes, None).text);
        }
        let name = head.file_name(&bytes);
        self.files.push(File { name, content_type: head.content_type, bytes: bytes.into_owned() });
    }

    /// Adds a text, and the files in it; false if it is too long.
    fn add_words(&mut self, head: &Head, bytes: &[u8], choice: Option<usize>) -> bool {
        let room = MOST_PARTS.saturating_sub(self.files.len());
        let (bytes, pictures) = match head.is_page() {
            true => data_uris::extracted(bytes, room.min(data_uris::MOST)),
            false => (Cow::Borrowed(bytes), Vec::new()),
        };
        if self.written + bytes.len() > LONGEST_TEXT {
            return false;
        }
        self.files.extend(pictures);
        let bytes = self.without_files(head, bytes);
        self.written += bytes.len();
        self.words.push(words(head, &bytes, choice));
        true
    }

    /// A text without the files in uuencode that it contains.
    fn without_files<'a>(&mut self, head: &Head, bytes: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        if head.is_page() || memmem::find(&bytes, b"begin ").is_none() {
            return bytes;
        }
        let (text, files) = uuencode::extracted(&bytes, MOST_PARTS.saturating_sub(self.files.len()));
        self.files.extend(files.into_iter().map(|file| {
            File {
                name: Some(head::file_name(&encoded_words::decoded(&file.name)))
                    .filter(|name| !name.is_empty())
                    .unwrap_or_else(|| "attachment.bin".to_owned()),
                content_type: "application/octet-stream".to_owned(),
                bytes: file.bytes,
            }
        }));
        Cow::Owned(text)
    }

    pub fn content(self) -> Content {
        let text = versions::chosen(&self.words);
        let is_empty = text.trim().is_empty();
        Content {
            text: self.spare.filter(|_| is_empty).map_or(text, |spare| clean(spare.trim())),
            files: self.files,
        }
    }
}

/// The bytes of a text. If what it declares as base64 is evidently words, these.
fn readable<'a>(body: &'a [u8], head: &Head) -> Cow<'a, [u8]> {
    let bytes = decode::transfer(body, &head.encoding);
    let is_text = || {
        let is_control = |byte: &u8| *byte < b' ' && !b"\t\r\n\x1b\x0c".contains(byte);
        std::str::from_utf8(&bytes).is_ok() && !bytes.iter().any(is_control)
    };
    let has_words = || {
        let words = body.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let (count, letters) = words.fold((0, 0), |(count, letters), word| (count + 1, letters + word.len()));
        count > 2 && letters < 10 * count
    };
    if head.encoding == "base64" && body.len() <= LONGEST_TEXT && !is_text() && has_words() {
        return Cow::Borrowed(body);
    }
    bytes
}

fn words(head: &Head, bytes: &[u8], choice: Option<usize>) -> Words {
    let declared = head.charset.as_deref();
    let is_page = |text: &str| {
        let start = text.trim_start().get(..9).unwrap_or_default().to_ascii_lowercase();
        start.starts_with("<html") || start.starts_with("<!doctype")
    };
    if head.is_page() {
        let text = charsets::text(bytes, html::charset(bytes, declared).as_deref());
        let text = if head.is_xml_page() { html::text_of_xml(&text) } else { html::text(&text) };
        return Words { choice, is_html: true, text: clean(&text) };
    }
    let text = charsets::text(bytes, declared);
    if head.is_enriched() {
        let text = enriched::text(&with_lf(&text), head.content_type == "text/richtext");
        return Words { choice, is_html: true, text: clean(&text) };
    }
    // A multipart that consists of a page.
    if head.content_type.starts_with("multipart/") && is_page(&text) {
        return Words { choice, is_html: true, text: clean(&html::text(&text)) };
    }
    let text = if head.flowed { flowed::text(&with_lf(&text), head.joins) } else { text };
    Words { choice, is_html: false, text: clean(&text) }
}

/// Whether what its type calls a text is of the format RTF, which some programs name like the older one of this name.
fn is_rich_text_format(head: &Head, bytes: &[u8]) -> bool {
    head.is_enriched() && bytes.trim_ascii_start().starts_with(b"{\\rtf")
}

fn is_tnef(head: &Head, bytes: &[u8]) -> bool {
    let is_named = head.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case("winmail.dat"));
    (is_named || matches!(head.content_type.as_str(), "application/ms-tnef" | "application/vnd.ms-tnef"))
        && bytes.starts_with(&tnef::SIGNATURE)
}

/// With LF at the end of each line.
fn with_lf(text: &str) -> String {
    text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace('\r', "\n")
}

/// Without invisible text: control characters, and line endings of other kinds.
fn clean(text: &str) -> String {
    let text = with_lf(text).replace(['\u{2028}', '\u{2029}'], "\n").replace('\u{a0}', " ");
    let seen = |c: &char| {
        (!c.is_control() || matches!(c, '\n' | '\t'))
            && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            let line: String = line.chars().filter(seen).collect();
            // The line above a signature (RFC 3676) is known by its space.
            if line == "-- " { line } else { line.trim_end().to_owned() }
        })
        .collect();
    lines.join("\n")
}
