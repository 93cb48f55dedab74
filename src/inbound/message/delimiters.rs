//! The delimiter lines of a message (RFC 2046): searched once, whatever the depth of its parts.

use memchr::{memchr, memmem};

use super::Fault;
use super::mime::MOST_PARTS;

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
        let others = memmem::find_iter(message, b"\n--").map(|at| at + 1);
        Delimiters { at: first.into_iter().chain(others).collect(), left: MOST_WORK }
    }

    #[cfg(test)]
    pub fn at_most(self, left: usize) -> Self {
        Delimiters { left, ..self }
    }

    fn look(&mut self, count: usize) -> Result<(), Fault> {
        self.left = self.left.checked_sub(count).ok_or(Fault::TooComplex)?;
        Ok(())
    }

    /// The parts between the lines of a boundary, each without the line ending before the next boundary, and their
    /// offsets; `start`: the offset of the body.
    ///
    /// # Errors
    /// Too many parts, or too many lines to check.
    pub fn parts<'a>(
        &mut self,
        body: &'a [u8],
        start: usize,
        boundary: &[u8],
    ) -> Result<Vec<(usize, &'a [u8])>, Fault> {
        let mut parts = Vec::new();
        let mut begin = None;
        let first = self.at.partition_point(|at| *at < start);
        for index in first..self.at.len() {
            let at = self.at[index] - start;
            let Some(rest) = body.get(at + 2..) else { break };
            self.look(1)?;
            let Some(rest) = rest.strip_prefix(boundary) else { continue };
            let length = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            self.look(length)?;
            let is_end = match rest[..length].trim_ascii_end() {
                b"" => false,
                b"--" => true,
                _ => continue,
            };
            if let Some(begin) = begin.take() {
                parts.push((start + begin, without_line_ending(body.get(begin..at).unwrap_or_default())));
                if parts.len() > MOST_PARTS {
                    return Err(Fault::TooComplex);
                }
            }
            if is_end {
                return Ok(parts);
            }
            begin = Some(at + 2 + boundary.len() + length);
        }
        // The last boundary is missing: the message was truncated.
        if let Some(begin) = begin {
            parts.push((start + begin, body.get(begin..).unwrap_or_default()));
        }
        Ok(parts)
    }
}

fn without_line_ending(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
        Delimiters::find(body).parts(body, 0, boundary).unwrap().into_iter().map(|(_, part)| part).collect()
    }

    #[test]
    fn parts_stand_between_the_lines_of_their_boundary() {
        let body = b"preamble\r\n--b\r\none\r\n--bb\r\n--b  \r\ntwo\r\n\r\n--b--\r\nepilogue\r\n--b\r\n";
        assert_eq!(between(body, b"b"), [&b"one\r\n--bb"[..], b"two\r\n"]);
        assert_eq!(between(b"--b\nonly\n", b"b"), [&b"only\n"[..]]);
        assert!(between(b"nothing", b"b").is_empty());
        assert_eq!(between(b"--b\n--b\n--b--", b"b"), [&b""[..], b""]);
    }
}
