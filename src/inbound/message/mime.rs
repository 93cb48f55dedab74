//! The parts of a message (RFC 2045 to 2049): its text, and its files byte for byte. A message within a message is a
//! file.

use std::collections::HashMap;

use mail_parser::{HeaderName, HeaderValue, MimeHeaders};
use memchr::memchr;

use super::delimiters::Delimiters;
use super::headers::Headers;
use super::{Fault, LONGEST_TEXT, decode, html, one_line};

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

/// The header block and the body of a message or of a part.
pub fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut start = 0;
    while let Some(length) = memchr(b'\n', &bytes[start..]) {
        if matches!(&bytes[start..start + length], b"" | b"\r") {
            return (&bytes[..start], &bytes[start + length + 1..]);
        }
        start += length + 1;
    }
    match &bytes[start..] {
        b"" | b"\r" => (&bytes[..start], b""),
        _ => (bytes, b""),
    }
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

/// The author's text, or one version of it.
struct Words {
    choice: Option<usize>,
    is_html: bool,
    text: String,
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
    let mut words: Vec<Words> = Vec::new();
    let mut files = Vec::new();
    let (mut parts, mut written) = (0, 0);
    while let Some(part) = waiting.pop() {
        parts += 1;
        if parts > MOST_PARTS || part.depth > DEEPEST {
            return Err(Fault::TooComplex);
        }
        let (header, body) = split(part.bytes);
        let head = Head::read(header, part.default)?;
        if let Some(boundary) = &head.boundary {
            let inner =
                delimiters.parts(body, part.at + part.bytes.len() - body.len(), boundary.as_bytes())?;
            if !inner.is_empty() {
                let choice = part.choice.or((head.content_type == "multipart/alternative").then_some(parts));
                let only = match head.content_type.as_str() {
                    "multipart/related" => Some(head.root(&inner)?),
                    "multipart/signed" => Some(0),
                    _ => None,
                };
                let default =
                    if head.content_type == "multipart/digest" { "message/rfc822" } else { "text/plain" };
                // The part pushed last is processed first.
                waiting.extend(inner.into_iter().enumerate().rev().map(|(index, (at, bytes))| Part {
                    bytes,
                    at,
                    depth: part.depth + 1,
                    choice,
                    may_be_words: part.may_be_words && only.is_none_or(|only| only == index),
                    default,
                }));
                continue;
            }
        }
        let bytes = decode::transfer(body, &head.encoding);
        let is_html = head.content_type == "text/html";
        let is_words = part.may_be_words && !head.is_file() && written + bytes.len() <= LONGEST_TEXT;
        if is_words {
            written += bytes.len();
            let text = decode::words(&bytes, head.charset.as_deref());
            let text = if is_html { html::text(&text) } else { head.flow(text) };
            words.push(Words { choice: part.choice, is_html, text: clean(&text) });
        } else if !bytes.is_empty() || head.name.as_deref().is_some_and(|name| !name.is_empty()) {
            files.push(File { name: head.file_name(&bytes), content_type: head.content_type, bytes });
        }
    }
    Ok(Content { text: chosen(&words), files })
}

/// How many times longer than the plain text a page has to be for the plain text to count as incomplete.
const POINTING: usize = 5;

/// Of several versions of the same text, the plain one if it has content and is more than a pointer to the page.
fn chosen(words: &[Words]) -> String {
    // The length of the plain text, and that of the pages.
    let mut said: HashMap<usize, (usize, usize)> = HashMap::new();
    for one in words {
        let (plain, page) = said.entry(one.choice.unwrap_or_default()).or_default();
        let length = one.text.split_whitespace().map(str::len).sum::<usize>();
        *(if one.is_html { page } else { plain }) += length;
    }
    let is_plain =
        |choice| said.get(&choice).is_some_and(|(plain, page)| *plain > 0 && *page < POINTING * *plain);
    let kept = words.iter().filter(|one| one.choice.is_none_or(|choice| one.is_html != is_plain(choice)));
    let texts: Vec<&str> =
        kept.map(|one| one.text.trim_matches('\n').trim_end()).filter(|text| !text.is_empty()).collect();
    texts.join("\n\n")
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
        .map(|line| line.chars().filter(seen).collect::<String>().trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// Lines with their endings, the last one with or without.
pub fn lines(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let end = memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
        let (line, rest) = bytes.split_at(end);
        bytes = rest;
        (!line.is_empty()).then_some(line)
    })
}

/// The declarations of a part in its header.
struct Head {
    content_type: String,
    boundary: Option<String>,
    charset: Option<String>,
    encoding: String,
    name: Option<String>,
    is_attachment: bool,
    flowed: bool,
    joins: bool,
    id: Option<String>,
    /// Which of the parts of a page is the page itself.
    start: Option<String>,
}

impl Head {
    fn read(header: &[u8], default: &str) -> Result<Self, Fault> {
        let headers = Headers::read(header)?;
        let parsed = headers.parsed();
        let content_type = parsed.as_ref().and_then(|parsed| parsed.content_type());
        let attribute = |name| content_type.and_then(|kind| kind.attribute(name)).map(str::to_owned);
        let kind = content_type.map_or_else(
            || default.to_owned(),
            |kind| match kind.subtype() {
                Some(subtype) => format!("{}/{subtype}", kind.ctype()).to_ascii_lowercase(),
                None => kind.ctype().to_ascii_lowercase(),
            },
        );
        let encoding =
            parsed.as_ref().and_then(|parsed| match parsed.header(HeaderName::ContentTransferEncoding) {
                Some(HeaderValue::Text(text)) => Some(text.to_string()),
                _ => None,
            });
        let is_multipart = kind.starts_with("multipart/");
        Ok(Head {
            boundary: attribute("boundary").filter(|boundary| is_multipart && !boundary.is_empty()),
            charset: attribute("charset"),
            encoding: encoding.unwrap_or_default(),
            name: parsed.as_ref().and_then(|parsed| parsed.attachment_name()).map(|name| one_line(name, 255)),
            is_attachment: parsed
                .as_ref()
                .and_then(|parsed| parsed.content_disposition())
                .is_some_and(|disposition| disposition.is_attachment()),
            id: parsed.as_ref().and_then(|parsed| parsed.content_id()).map(str::to_owned),
            start: attribute("start").map(|start| start.trim().trim_matches(['<', '>']).to_owned()),
            flowed: attribute("format").is_some_and(|format| format.eq_ignore_ascii_case("flowed")),
            joins: attribute("delsp").is_some_and(|delsp| delsp.eq_ignore_ascii_case("yes")),
            content_type: kind,
        })
    }

    /// Which of these parts is the page that the others belong to: the first if not declared.
    fn root(&self, parts: &[(usize, &[u8])]) -> Result<usize, Fault> {
        let Some(start) = &self.start else { return Ok(0) };
        for (index, (_, bytes)) in parts.iter().enumerate() {
            if Head::read(split(bytes).0, "text/plain")?.id.as_ref() == Some(start) {
                return Ok(index);
            }
        }
        Ok(0)
    }

    /// Whether it is a file, not text to be shown inline. A multipart without parts is read as text.
    fn is_file(&self) -> bool {
        let readable = matches!(self.content_type.as_str(), "text/plain" | "text/html" | "text")
            || self.content_type.starts_with("multipart/");
        !readable || self.is_attachment || self.name.as_deref().is_some_and(|name| !name.is_empty())
    }

    fn file_name(&self, bytes: &[u8]) -> String {
        if let Some(name) = self.name.as_deref().filter(|name| !name.is_empty()) {
            return name.to_owned();
        }
        if self.content_type == "message/rfc822" {
            let subject = Headers::read(split(bytes).0).map(|headers| headers.subject()).unwrap_or_default();
            let subject: String = subject.replace(['/', '\\'], "-").chars().take(100).collect();
            return format!("{}.eml", if subject.is_empty() { "message" } else { &subject });
        }
        let ending = match self.content_type.as_str() {
            "text/plain" | "text" => "txt",
            "text/html" => "html",
            "text/calendar" => "ics",
            "text/csv" => "csv",
            "text/rfc822-headers" | "message/delivery-status" | "message/disposition-notification" => "txt",
            "application/pdf" => "pdf",
            "application/ms-tnef" => return "winmail.dat".to_owned(),
            "application/pkcs7-signature" | "application/x-pkcs7-signature" => "p7s",
            "application/pkcs7-mime" | "application/x-pkcs7-mime" => "p7m",
            "application/pgp-signature" => "asc",
            "image/jpeg" => "jpg",
            "image/png" => "png",
            "image/gif" => "gif",
            _ => "bin",
        };
        format!("attachment.{ending}")
    }

    /// RFC 3676: a line that ends in a space continues in the next one.
    fn flow(&self, text: String) -> String {
        if !self.flowed {
            return text;
        }
        let depth = |line: &str| line.bytes().take_while(|byte| *byte == b'>').count();
        let mut flowed = String::with_capacity(text.len());
        let mut open: Option<usize> = None;
        for line in text.lines() {
            let quoted = depth(line);
            let words = line[quoted..].strip_prefix(' ').unwrap_or(&line[quoted..]);
            if open == Some(quoted) {
                flowed.push_str(words);
            } else {
                if open.is_some() {
                    flowed.push('\n');
                }
                flowed.push_str(&">".repeat(quoted));
                if quoted > 0 {
                    flowed.push(' ');
                }
                flowed.push_str(words);
            }
            if words.ends_with(' ') && words != "-- " {
                if self.joins {
                    flowed.pop();
                }
                open = Some(quoted);
            } else {
                flowed.push('\n');
                open = None;
            }
        }
        flowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_and_body_part_at_the_first_empty_line() {
        assert_eq!(split(b"A: b\r\n\r\nc"), (&b"A: b\r\n"[..], &b"c"[..]));
        assert_eq!(split(b"A: b\n\nc\n\nd"), (&b"A: b\n"[..], &b"c\n\nd"[..]));
        assert_eq!(split(b"\nc"), (&b""[..], &b"c"[..]));
        assert_eq!(split(b"A: b"), (&b"A: b"[..], &b""[..]));
        assert_eq!(split(b""), (&b""[..], &b""[..]));
    }

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
    fn flowed_lines_go_on() {
        let head = Head::read(b"Content-Type: text/plain; format=flowed\r\n", "text/plain").unwrap();
        assert_eq!(
            head.flow("uno \ndos\n> tres \n> cuatro\n-- \nAna".into()),
            "uno dos\n> tres cuatro\n-- \nAna\n"
        );
    }
}
