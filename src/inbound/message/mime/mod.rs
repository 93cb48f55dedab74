//! The parts of a message (RFC 2045 to 2049): its text, and its files byte for byte. A message within a message is a
//! file.

#[cfg(test)]
mod test;

use memchr::memmem;

use super::delimiters::{self, Delimiters, Inner};
use super::found::Found;
use super::head::Head;
use super::header_end::{split, split_part};
use super::{Fault, cms, decode};

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
    /// Whether it is shown with others one after the other (SMIL): then a text with a name is shown too.
    is_slide: bool,
    /// Its type if it declares none.
    default: &'static str,
}

impl Default for Part<'_> {
    /// The whole message, without bytes.
    fn default() -> Self {
        Part {
            bytes: b"",
            at: 0,
            depth: 0,
            choice: None,
            may_be_words: true,
            is_slide: false,
            default: "text/plain",
        }
    }
}

/// # Errors
/// Too many parts, nested too deeply, too many lines to check, or too large a header.
pub fn content(message: &[u8]) -> Result<Content, Fault> {
    walk(message, Delimiters::find(message))
}

fn walk(message: &[u8], delimiters: Delimiters) -> Result<Content, Fault> {
    let whole = Part { bytes: message, ..Part::default() };
    let mut walk = Walk::default();
    walk.read(whole, delimiters)?;
    Ok(walk.found.content())
}

#[derive(Default)]
struct Walk {
    found: Found,
    parts: usize,
    /// Within how many signed messages the part is that is read.
    signed: usize,
}

impl Walk {
    /// Reads a part, and those within it; `delimiters`: those of its bytes. Returns them, for what they count.
    fn read(&mut self, whole: Part<'_>, mut delimiters: Delimiters) -> Result<Delimiters, Fault> {
        let mut waiting = vec![whole];
        while let Some(part) = waiting.pop() {
            self.parts += 1;
            if self.parts > MOST_PARTS || part.depth > DEEPEST {
                return Err(Fault::TooComplex);
            }
            let (header, body) = if part.depth == 0 { split(part.bytes) } else { split_part(part.bytes) };
            let mut head = Head::read(header, part.default)?;
            let inner = inner(&mut head, &part, body, &mut delimiters)?;
            if !inner.is_empty() {
                // The part pushed last is processed first.
                waiting.extend(nested(&head, &part, inner, self.parts)?.into_iter().rev());
            } else if !self.read_signed(&head, body, &part, &mut delimiters)? {
                if part.is_slide && head.is_readable() && !head.is_attachment {
                    head.name = None;
                }
                self.found.add(head, body, part.may_be_words, part.choice);
            }
        }
        Ok(delimiters)
    }

    /// Reads what a signed message contains; false if the part is none.
    fn read_signed(
        &mut self,
        head: &Head,
        body: &[u8],
        part: &Part<'_>,
        delimiters: &mut Delimiters,
    ) -> Result<bool, Fault> {
        if self.signed == cms::DEEPEST || !cms::is_signed_message(head) {
            return Ok(false);
        }
        let bytes = decode::file(body, &head.encoding, head.name.as_deref());
        let Some(signed) = cms::signed_part(&bytes) else { return Ok(false) };
        let whole = Part {
            bytes: &signed,
            depth: part.depth + 1,
            choice: part.choice,
            may_be_words: part.may_be_words,
            ..Part::default()
        };
        self.signed += 1;
        let left = self.read(whole, Delimiters::find(&signed).at_most(delimiters.left()))?.left();
        delimiters.keep(left);
        self.signed -= 1;
        Ok(true)
    }
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
    let are_slides = are_slides(head, &inner);
    let only = match head.content_type.as_str() {
        "multipart/related" if are_slides => None,
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
            is_slide: are_slides,
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

/// How long the header of a part may be that says how others are shown, in bytes.
const LONGEST_OF_SLIDES: usize = 2000;

/// Whether one of these parts says how the others are shown, as in a message of a mobile phone (MMS).
fn are_slides(head: &Head, parts: &[Inner<'_>]) -> bool {
    let says = |part: &Inner<'_>| {
        let header = split_part(part.bytes).0;
        let lower = || header.to_ascii_lowercase();
        header.len() <= LONGEST_OF_SLIDES
            && (memmem::find(&lower(), b"application/smil").is_some()
                || memmem::find(&lower(), b".smil").is_some())
    };
    matches!(head.content_type.as_str(), "multipart/related" | "multipart/mixed") && parts.iter().any(says)
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
