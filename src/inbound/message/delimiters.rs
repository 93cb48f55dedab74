//! The delimiter lines of a message (RFC 2046): searched once, whatever the depth of its parts.

use memchr::memmem;

use super::mime::MOST_PARTS;
use super::{Fault, line_end, lines};

/// How many possible boundary lines may be checked in total; each level of nesting checks those within it once more.
/// A line that begins like the boundary counts as many times as it has bytes.
const MOST_WORK: usize = 1 << 25;

/// The offsets of lines in a message that may be boundaries.
pub struct Delimiters {
    at: Vec<usize>,
    /// How many of them may still be checked.
    left: usize,
}

impl Delimiters {
    pub fn find(message: &[u8]) -> Self {
        let first = message.starts_with(b"--").then_some(0);
        let below = |ending: &[u8; 3]| -> Vec<usize> {
            memmem::find_iter(message, ending).map(|at| at + 1).collect()
        };
        let mut at: Vec<usize> = first.into_iter().chain(below(b"\n--")).collect();
        let below_cr = below(b"\r--");
        if !below_cr.is_empty() {
            at.extend(below_cr);
            at.sort_unstable();
        }
        Delimiters { at, left: MOST_WORK }
    }

    pub fn at_most(self, left: usize) -> Self {
        Delimiters { left, ..self }
    }

    /// Lets only so many possible boundary lines be checked.
    pub fn keep(&mut self, left: usize) {
        self.left = left;
    }

    /// How many possible boundary lines may still be checked.
    pub fn left(&self) -> usize {
        self.left
    }

    fn look(&mut self, count: usize) -> Result<(), Fault> {
        self.left = self.left.checked_sub(count).ok_or(Fault::TooComplex)?;
        Ok(())
    }

    /// The parts between the lines of a boundary, each without the line ending before the next boundary; `start`: the
    /// offset of the body. What stands before the first line is a part if it begins with a field of a part. What stands
    /// after the last one is a part if a further line is before it, as where an inner multipart has the same boundary.
    ///
    /// # Errors
    /// Too many parts, or too many lines to check.
    pub fn parts<'a>(
        &mut self,
        body: &'a [u8],
        start: usize,
        boundary: &[u8],
    ) -> Result<Vec<Inner<'a>>, Fault> {
        let mut parts: Vec<Inner<'a>> = Vec::new();
        let mut ends = 0;
        let mut begin = begins_with_field(body).then_some(0);
        let first = self.at.partition_point(|at| *at < start);
        for index in first..self.at.len() {
            let at = self.at[index] - start;
            let Some(rest) = body.get(at + 2..) else { break };
            self.look(1)?;
            let Some(rest) = rest.strip_prefix(boundary) else { continue };
            let length = line_end(rest);
            self.look(length)?;
            let is_end = match rest[..length].trim_ascii_end() {
                b"" => false,
                b"--" => true,
                _ => continue,
            };
            if let Some(begin) = begin.take() {
                let bytes = without_line_ending(body.get(begin..at).unwrap_or_default());
                add(&mut parts, Inner { at: start + begin, bytes, ends })?;
            }
            ends += usize::from(is_end);
            begin = (!is_end).then_some(at + 2 + boundary.len() + length);
        }
        // The last boundary is missing: the message was truncated. A text without any boundary is no part.
        if let Some(begin) = begin.filter(|begin| *begin > 0) {
            let bytes = body.get(begin..).unwrap_or_default();
            add(&mut parts, Inner { at: start + begin, bytes, ends })?;
        }
        Ok(parts)
    }
}

/// A part of a multipart.
#[derive(Clone, Copy)]
pub struct Inner<'a> {
    /// Its offset in the message.
    pub at: usize,
    pub bytes: &'a [u8],
    /// How many closing lines of its boundary are before it.
    pub ends: usize,
}

fn add<'a>(parts: &mut Vec<Inner<'a>>, part: Inner<'a>) -> Result<(), Fault> {
    if part.ends == 0 || !part.bytes.trim_ascii().is_empty() {
        parts.push(part);
    }
    if parts.len() > MOST_PARTS { Err(Fault::TooComplex) } else { Ok(()) }
}

/// Whether it is the header of a part, `Content-Type: …`.
pub fn begins_with_field(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    start.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"))
        && lines(start).next().is_some_and(|line| line.contains(&b':'))
}

/// The longest boundary that is supposed.
const LONGEST: usize = 200;

/// The boundary of a multipart that declares none, or another one: the first line that begins with two hyphens and has
/// a field of a part below it.
pub fn supposed(body: &[u8]) -> Option<&[u8]> {
    let mut boundary: Option<&[u8]> = None;
    for line in lines(body) {
        if boundary.is_some() && begins_with_field(line) {
            return boundary;
        }
        let words = line.strip_prefix(b"--").map(<[u8]>::trim_ascii_end);
        boundary = words.filter(|words| !words.is_empty() && words.len() <= LONGEST);
    }
    None
}

fn without_line_ending(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
        Delimiters::find(body).parts(body, 0, boundary).unwrap().into_iter().map(|part| part.bytes).collect()
    }

    #[test]
    fn parts_stand_between_the_lines_of_their_boundary() {
        let body = b"preamble\r\n--b\r\none\r\n--bb\r\n--b  \r\ntwo\r\n\r\n--b--\r\nepilogue\r\n--b\r\n";
        assert_eq!(between(body, b"b"), [&b"one\r\n--bb"[..], b"two\r\n"]);
        assert_eq!(between(b"--b\nonly\n", b"b"), [&b"only\n"[..]]);
        assert!(between(b"nothing", b"b").is_empty());
        assert_eq!(between(b"--b\n--b\n--b--", b"b"), [&b""[..], b""]);
    }

    #[test]
    fn parts_may_lack_their_first_and_their_last_line() {
        assert_eq!(between(b"Content-Type: x\n\na\n--b\n\nc", b"b"), [&b"Content-Type: x\n\na"[..], b"\nc"]);
        assert!(between(b"Content-Type: x\n\na", b"b").is_empty());
    }

    #[test]
    fn parts_after_the_closing_line_are_kept() {
        assert_eq!(between(b"--b\n\na\n--b--\n--b\n\nc\n--b--", b"b"), [&b"\na"[..], b"\nc"]);
        assert_eq!(between(b"--b\n\na\n--b--\n\nepilogue\n--b--\n--b\n", b"b"), [&b"\na"[..]]);
    }

    #[test]
    fn a_boundary_is_supposed_where_parts_begin() {
        assert_eq!(supposed(b"preamble\n-- \nx\n--=_b \r\ncontent-type: x\n\na\n--=_b--"), Some(&b"=_b"[..]));
        assert_eq!(supposed(b"Hola\n--\nAna\n--x\nb"), None);
    }
}
