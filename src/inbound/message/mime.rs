//! The parts of a message (RFC 2045 to 2049): its text, and its files byte for byte. A message within a message is a
//! file.

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
        let bytes = decode::transfer(body, &head.encoding);
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
        header.len() <= LONGEST_OF_SLIDES
            && memmem::find(&header.to_ascii_lowercase(), b"application/smil").is_some()
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

#[cfg(test)]
mod tests {
    use super::super::LONGEST_TEXT;
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

    #[test]
    fn the_text_of_a_message_of_a_mobile_phone_is_read() {
        let message = "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: application/smil; name=a.smil\n\n\
                       <smil/>\n--b\nContent-Type: text/plain; name=t.txt\n\nSin luz\n--b\n\
                       Content-Type: image/png; name=a.png\n\nx\n--b--\n";
        assert_eq!(said(message), "Sin luz");
        let names = |message: &str| -> Vec<String> {
            content(message.as_bytes()).unwrap().files.into_iter().map(|file| file.name).collect()
        };
        assert_eq!(names(message), ["a.smil", "a.png"]);
        assert_eq!(said(&message.replace("related", "mixed")), "Sin luz");
        let attached = message.replace("name=t.txt", "name=t.txt\nContent-Disposition: attachment");
        assert_eq!(names(&attached), ["a.smil", "t.txt", "a.png"]);
        assert_eq!(names(&message.replace("application/smil", "text/html")), ["a.smil", "t.txt", "a.png"]);
    }

    fn files(message: &str) -> Vec<(String, Vec<u8>)> {
        let files = content(message.as_bytes()).unwrap().files;
        files.into_iter().map(|file| (file.name, file.bytes)).collect()
    }

    #[test]
    fn pictures_in_a_page_are_files() {
        let uri = "data:image/png;base64,aG9sYQ==";
        let png = vec![("attachment.png".to_owned(), b"hola".to_vec())];
        let page = format!("Content-Type: text/html\n\n<p>Captura: <img src=\"{uri}\"> arriba</p>");
        assert_eq!((said(&page), files(&page)), ("Captura: arriba".to_owned(), png.clone()));
        // The page beside a plain text.
        let both = format!(
            "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nVer captura\n--b\n\
             Content-Type: text/html\n\n<p>Ver captura <img src='{uri}'></p>\n--b--\n"
        );
        assert_eq!((said(&both), files(&both)), ("Ver captura".to_owned(), png));
        // The picture does not count for the length of the text.
        let large = page.replace("aG9sYQ==", &"aG9s".repeat(LONGEST_TEXT / 2));
        assert_eq!(said(&large), "Captura: arriba");
        assert_eq!(files(&large)[0].1.len(), LONGEST_TEXT / 2 * 3);
    }

    #[test]
    fn texts_with_formats_are_texts() {
        let enriched = "Content-Type: text/enriched\n\n<bold>Hola</bold>, no\nimprime";
        assert_eq!((said(enriched), files(enriched)), ("Hola, no imprime".to_owned(), Vec::new()));
        assert_eq!(said("Content-Type: text/richtext\n\nHola<nl>Ana"), "Hola\nAna");
        assert_eq!(files("Content-Type: text/richtext\n\n{\\rtf1 Hola}")[0].1, b"{\\rtf1 Hola}");
        let both = "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nHola, no imprime\n--b\n";
        let both = format!("{both}{enriched}\n--b--\n");
        assert_eq!((said(&both), files(&both)), ("Hola, no imprime".to_owned(), Vec::new()));
        assert_eq!(said("Content-Type: application/xhtml+xml\n\n<title/><p>Sin red</p>"), "Sin red");
    }

    #[test]
    fn a_file_is_whole_and_exact() {
        let parts = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nVa\n--b\nContent-Type: application/pdf; name=a.pdf\n";
        let pdf = vec![("a.pdf".to_owned(), b"%PDF-1.4\n%%EOF\n".to_vec())];
        for rest in [
            "Content-Transfer-Encoding: base64\n\nJVBERi0xLjQK\nJSVFT0YK\n\n-- \nRevisado por antivirus\n",
            "\nJVBERi0xLjQK\nJSVFT0YK\n",
            "esto no es un campo\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQKJSVFT0YK\n",
        ] {
            assert_eq!(files(&format!("{parts}{rest}--b--\n")), pdf, "{rest}");
        }
        let late = parts.replace("--b\nContent-Type", "--b\n\nContent-Type");
        assert_eq!(
            files(&format!("{late}Content-Transfer-Encoding: base64\n\nJVBERi0xLjQKJSVFT0YK\n--b--\n")),
            pdf
        );
        // Lines that end in CR alone.
        let old = format!("{parts}Content-Transfer-Encoding: base64\n\nJVBERi0xLjQK\nJSVFT0YK\n--b--\n");
        assert_eq!(files(&old.replace('\n', "\r")), pdf);
    }
}
