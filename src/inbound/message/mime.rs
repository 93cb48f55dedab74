//! The parts of a message (RFC 2045 to 2049): its text, and its files byte for byte. A message within a message is a
//! file.

use std::borrow::Cow;

use memchr::memmem;

use super::delimiters::{self, Delimiters, Inner};
use super::head::{self, Head};
use super::headers::{split, split_part};
use super::versions::{self, Words};
use super::{Fault, LONGEST_TEXT, charsets, decode, encoded_words, flowed, html, tnef, uuencode};

/// How many parts a message may have.
pub const MOST_PARTS: usize = 1000;

/// How deep parts may lie within one another.
pub const DEEPEST: usize = 256;

/// A file that came with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// As the sender named it, on one line; generated if it has no name.
    pub name: String,
    /// As the sender declared it, in lower case.
    pub content_type: String,
    pub bytes: Vec<u8>,
}

/// The content of a message.
#[derive(Debug, Default)]
pub struct Content {
    pub text: String,
    pub files: Vec<File>,
}

/// A part that has not been read yet.
struct Part<'a> {
    bytes: &'a [u8],
    /// Their offset in the message.
    at: usize,
    depth: usize,
    /// The `multipart/alternative` that it belongs to.
    choice: Option<usize>,
    /// Whether it can be the author's text, in contrast to the related parts of a page or a signature.
    may_be_words: bool,
    /// Its type if it declares none.
    default: &'static str,
}

/// # Errors
/// Too many parts, nested too deeply, too many lines to check, or too large a header.
pub fn content(message: &[u8]) -> Result<Content, Fault> {
    walk(message, Delimiters::find(message))
}

fn walk(message: &[u8], mut delimiters: Delimiters) -> Result<Content, Fault> {
    let whole =
        Part { bytes: message, at: 0, depth: 0, choice: None, may_be_words: true, default: "text/plain" };
    let mut waiting = vec![whole];
    let mut found = Found::default();
    let mut parts = 0;
    while let Some(part) = waiting.pop() {
        parts += 1;
        if parts > MOST_PARTS || part.depth > DEEPEST {
            return Err(Fault::TooComplex);
        }
        let (header, body) = if part.depth == 0 { split(part.bytes) } else { split_part(part.bytes) };
        let mut head = Head::read(header, part.default)?;
        let inner = inner(&mut head, &part, body, &mut delimiters)?;
        if inner.is_empty() {
            found.add(&part, head, body);
        } else {
            // The part pushed last is processed first.
            waiting.extend(nested(&head, &part, inner, parts)?.into_iter().rev());
        }
    }
    Ok(found.content())
}

/// The parts within a part, by the boundary that it declares, or by the one that its lines show.
fn inner<'a>(
    head: &mut Head,
    part: &Part<'a>,
    body: &'a [u8],
    delimiters: &mut Delimiters,
) -> Result<Vec<Inner<'a>>, Fault> {
    let start = part.at + part.bytes.len() - body.len();
    if let Some(boundary) = &head.boundary {
        let inner = delimiters.parts(body, start, boundary)?;
        if !inner.is_empty() {
            return Ok(inner);
        }
    }
    let is_multipart = head.content_type.starts_with("multipart/");
    // A message that lost its type begins with the line of a boundary.
    let lost_type = !head.has_type && part.depth == 0 && body.trim_ascii_start().starts_with(b"--");
    if !is_multipart && !lost_type {
        return Ok(Vec::new());
    }
    match delimiters::supposed(body) {
        Some(boundary) => {
            head.boundary = Some(boundary.to_vec());
            delimiters.parts(body, start, boundary)
        }
        None if is_multipart && delimiters::begins_with_field(body) => {
            Ok(vec![Inner { at: start, bytes: body, ends: 0 }])
        }
        None => Ok(Vec::new()),
    }
}

/// What the parts within a part are, in their order; `number`: that of the part.
fn nested<'a>(
    head: &Head,
    part: &Part<'a>,
    inner: Vec<Inner<'a>>,
    number: usize,
) -> Result<Vec<Part<'a>>, Fault> {
    let is_choice = |head: &Head| head.content_type == "multipart/alternative";
    let choice = part.choice.or(is_choice(head).then_some(number));
    let only = match head.content_type.as_str() {
        "multipart/related" => Some(root(head, &inner)?),
        "multipart/signed" => Some(0),
        _ => None,
    };
    let default = if head.content_type == "multipart/digest" { "message/rfc822" } else { "text/plain" };
    // An inner multipart may have the same boundary; then its parts are among these, up to the closing line.
    let mut shared: Option<(usize, Option<usize>)> = None;
    let mut parts = Vec::with_capacity(inner.len());
    for (index, Inner { at, bytes, ends }) in inner.into_iter().enumerate() {
        if shared.is_none()
            && let Some(own) = shares_boundary(head, bytes)?
        {
            shared = Some((ends, choice.or(is_choice(&own).then_some(MOST_PARTS * (number + 1) + index))));
            continue;
        }
        shared = shared.filter(|(until, _)| *until == ends);
        parts.push(Part {
            bytes,
            at,
            depth: part.depth + 1,
            choice: shared.map_or(choice, |(_, choice)| choice),
            may_be_words: part.may_be_words && only.is_none_or(|only| only == index),
            default,
        });
    }
    Ok(parts)
}

/// The longest header of a multipart whose boundary is that of the part around it, in bytes.
const LONGEST_SHARED: usize = 2000;

/// The header of a multipart with the same boundary, of which only the header is left.
fn shares_boundary(head: &Head, bytes: &[u8]) -> Result<Option<Head>, Fault> {
    let (header, body) = split_part(bytes);
    if header.len() > LONGEST_SHARED || !body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let own = Head::read(header, "text/plain")?;
    let is_same = own.boundary.is_some() && own.boundary == head.boundary;
    Ok(is_same.then_some(own))
}

/// Which of these parts is the page that the others belong to: the first if not declared.
fn root(head: &Head, parts: &[Inner<'_>]) -> Result<usize, Fault> {
    let Some(start) = &head.start else { return Ok(0) };
    for (index, part) in parts.iter().enumerate() {
        if Head::read(split_part(part.bytes).0, "text/plain")?.id.as_ref() == Some(start) {
            return Ok(index);
        }
    }
    Ok(0)
}

/// What has been read of a message.
#[derive(Default)]
struct Found {
    words: Vec<Words>,
    /// How many bytes of text have been read.
    written: usize,
    files: Vec<File>,
    /// The text in a file, for a message without other text.
    spare: Option<String>,
}

impl Found {
    fn add(&mut self, part: &Part<'_>, head: Head, body: &[u8]) {
        let bytes = match head.is_readable() {
            true => readable(body, &head),
            false => decode::transfer(body, &head.encoding),
        };
        let fits = part.may_be_words && self.written + bytes.len() <= LONGEST_TEXT;
        if fits && !head.is_file() {
            let bytes = self.without_files(&head, bytes);
            self.written += bytes.len();
            self.words.push(words(&head, &bytes, part.choice));
            return;
        }
        if bytes.is_empty() && head.name.is_none() {
            return;
        }
        if is_tnef(&head, &bytes)
            && let Some(opened) = tnef::read(&bytes)
            && self.files.len() + opened.files.len() <= MOST_PARTS
        {
            self.spare = self.spare.take().or(opened.text);
            self.files.extend(opened.files);
            return;
        }
        let is_first = self.words.is_empty() && self.files.is_empty() || head.content_type == "text/html";
        if fits && is_first && head.is_readable() && !head.is_attachment && self.spare.is_none() {
            self.spare = Some(words(&head, &bytes, None).text);
        }
        let name = head.file_name(&bytes);
        self.files.push(File { name, content_type: head.content_type, bytes: bytes.into_owned() });
    }

    /// A text without the files in uuencode that it contains.
    fn without_files<'a>(&mut self, head: &Head, bytes: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        if head.content_type == "text/html" || memmem::find(&bytes, b"begin ").is_none() {
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

    fn content(self) -> Content {
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
    if head.content_type == "text/html" {
        let text = charsets::text(bytes, html::charset(bytes, declared).as_deref());
        return Words { choice, is_html: true, text: clean(&html::text(&text)) };
    }
    let text = charsets::text(bytes, declared);
    // A multipart that consists of a page.
    if head.content_type.starts_with("multipart/") && is_page(&text) {
        return Words { choice, is_html: true, text: clean(&html::text(&text)) };
    }
    let text = if head.flowed { flowed::text(&text, head.joins) } else { text };
    Words { choice, is_html: false, text: clean(&text) }
}

fn is_tnef(head: &Head, bytes: &[u8]) -> bool {
    let is_named = head.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case("winmail.dat"));
    (is_named || matches!(head.content_type.as_str(), "application/ms-tnef" | "application/vnd.ms-tnef"))
        && bytes.starts_with(&tnef::SIGNATURE)
}

/// Without invisible text: control characters, and line endings of other kinds.
fn clean(text: &str) -> String {
    let text =
        text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n").replace('\u{a0}', " ");
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of this number of bytes within this number of parts.
    fn nested(depth: usize, file: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        for level in 0..depth {
            message
                .extend(format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n").bytes());
        }
        message.extend(b"Content-Type: application/pdf; name=a.pdf\n\n");
        message.extend(file);
        for level in (0..depth).rev() {
            message.extend(format!("\n--b{level}--\n").bytes());
        }
        message
    }

    #[test]
    fn what_lies_deep_is_looked_through_once() {
        let file = vec![b'A'; 12_000_000];
        let found = content(&nested(200, &file)).unwrap();
        assert!(found.files.len() == 1 && found.files[0].bytes == file);
        // Possible boundary lines are checked on every level, within a limit.
        let message = nested(200, &b"--x\n".repeat(1000));
        let looked_at = 200 * 1000;
        assert!(walk(&message, Delimiters::find(&message).at_most(2 * looked_at)).is_ok());
        let little = Delimiters::find(&message).at_most(looked_at / 2);
        assert_eq!(walk(&message, little).unwrap_err(), Fault::TooComplex);
    }

    fn said(message: &str) -> String {
        content(message.as_bytes()).unwrap().text
    }

    #[test]
    fn the_page_may_stand_behind_its_images() {
        let message = "Content-Type: multipart/related; boundary=b; start=\"<page>\"\n\n--b\nContent-Type: image/png\n\
                       Content-ID: <image>\n\nx\n--b\nContent-Type: text/html\nContent-ID: <page>\n\n<p>Sin red</p>\n--b--\n";
        assert_eq!(said(message), "Sin red");
        assert_eq!(said(&message.replace("; start=\"<page>\"", "")), "");
    }

    #[test]
    fn plain_words_that_only_point_to_the_page_are_not_all() {
        let message = |plain: &str| {
            let page = "No hay red en el piso 3. ".repeat(10);
            format!(
                "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n{plain}\n--b\nContent-Type: text/html\n\n<p>{page}</p>\n--b--\n"
            )
        };
        assert!(said(&message("Vea el HTML.")).starts_with("No hay red"));
        let plain = "No hay red en el piso 3, ni en el 4 ni en el 5; tampoco en la sala.";
        assert_eq!(said(&message(plain)), plain);
    }

    #[test]
    fn a_text_in_base64_that_is_words_is_words() {
        let message =
            |body: &str| format!("Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{body}");
        assert_eq!(said(&message("No hay red en el piso 3.")), "No hay red en el piso 3.");
        assert_eq!(said(&message("bm8gaGF5 IHJlZA==")), "no hay red");
    }

    #[test]
    fn a_text_with_a_name_is_the_text_if_there_is_no_other() {
        let message = "Content-Type: text/html; name=a.html\n\n<p>Sin red</p>";
        assert_eq!(said(message), "Sin red");
        assert_eq!(content(message.as_bytes()).unwrap().files.len(), 1);
    }
}
