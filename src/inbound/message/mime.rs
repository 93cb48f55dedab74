//! The parts of a message (RFC 2045 to 2049): its text, and its files byte for byte. A message within a message is a
//! file.

use super::Fault;
use super::delimiters::{self, Delimiters, Inner};
use super::found::Found;
use super::head::Head;
use super::header_end::{split, split_part};

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
            found.add(head, body, part.may_be_words, part.choice);
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
    fn deeply_nested_parts_are_read_within_the_limit_of_work() {
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
    fn a_page_that_follows_its_images_is_read() {
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
