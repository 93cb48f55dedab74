//! The content of a signed message in one file (`smime.p7m`: CMS, RFC 5652, in the encodings BER and DER).
//!
//! The signature is not verified. What is in such a file has the trust of the message that it came in, and no more: it is
//! read like any other part, and no field of its header is taken as one of the message.

#[cfg(test)]
pub mod test;

use std::borrow::Cow;

use super::head::Head;
use super::header_end::{field, split_part};
use super::lines;

/// How many of these files are opened within one another.
pub const DEEPEST: usize = 4;

/// How deep elements may be within an element that is skipped, and pieces within a content.
const MOST_NESTED: usize = 16;

/// `ContentInfo` of the type `signedData` begins with its identifier.
const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OCTETS_IN_PIECES: u8 = 0x24;
const IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXPLICIT: u8 = 0xa0;

/// Whether a part may be a signed message, by its type and its name. A document that is signed has a name of its own.
pub fn is_signed_message(head: &Head) -> bool {
    let is_named = |name: &String| name.eq_ignore_ascii_case("smime.p7m");
    match head.content_type.as_str() {
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => head.name.as_ref().is_none_or(is_named),
        "application/octet-stream" => head.name.as_ref().is_some_and(is_named),
        _ => false,
    }
}

/// The part of a message that a file of this kind contains; none if it is encrypted, damaged or something else, or if
/// what it contains is no part of a message.
pub fn signed_part(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    let part = content(bytes)?;
    let is_field = |line: &[u8]| {
        field(line).is_some_and(|(name, _)| {
            let name = name.to_ascii_lowercase();
            name.starts_with(b"content-") || name == b"mime-version"
        })
    };
    let is_part = lines(split_part(&part).0).any(is_field);
    is_part.then_some(part)
}

/// The bytes that are signed, without a copy if they are in one piece.
fn content(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut rest = Elements(bytes);
    rest.enter(SEQUENCE)?;
    if rest.value(IDENTIFIER)? != SIGNED_DATA {
        return None;
    }
    rest.enter(EXPLICIT)?;
    rest.enter(SEQUENCE)?;
    rest.value(INTEGER)?;
    // The algorithms.
    rest.skip(SET)?;
    rest.enter(SEQUENCE)?;
    rest.value(IDENTIFIER)?;
    rest.enter(EXPLICIT)?;
    match rest.next()? {
        (OCTETS, Some(length)) => rest.take(length).map(Cow::Borrowed),
        (OCTETS_IN_PIECES, length) => {
            let mut whole = Vec::new();
            rest.pieces(length, &mut whole, MOST_NESTED)?;
            Some(Cow::Owned(whole))
        }
        _ => None,
    }
}

/// The elements that follow.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// The tag and the length of the next element; no length if an end follows its content.
    fn next(&mut self) -> Option<(u8, Option<usize>)> {
        let [tag, first] = *self.take(2)?.as_array()?;
        // Tags of several bytes do not occur.
        if tag & 0x1f == 0x1f {
            return None;
        }
        match first {
            0x80 => Some((tag, None)),
            0..0x80 => Some((tag, Some(first.into()))),
            // Four bytes are enough for the largest message.
            0x81..=0x84 => {
                let bytes = self.take(usize::from(first & 0x7f))?;
                let length = bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
                Some((tag, Some(length)))
            }
            _ => None,
        }
    }

    /// Goes into the next element. What is behind its content is never read.
    fn enter(&mut self, tag: u8) -> Option<()> {
        (self.next()?.0 == tag).then_some(())
    }

    fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, length) = self.next()?;
        if found == tag { self.take(length?) } else { None }
    }

    fn skip(&mut self, tag: u8) -> Option<()> {
        let (found, length) = self.next()?;
        if found == tag { self.skip_content(length, MOST_NESTED) } else { None }
    }

    fn skip_content(&mut self, length: Option<usize>, nested: usize) -> Option<()> {
        if let Some(length) = length {
            return self.take(length).map(|_| ());
        }
        while !self.ends() {
            let (_, length) = self.next()?;
            self.skip_content(length, nested.checked_sub(1)?)?;
        }
        Some(())
    }

    /// Whether the end of a content without length follows; then it is skipped.
    fn ends(&mut self) -> bool {
        let rest = self.0.strip_prefix(&[0, 0]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Joins the pieces of a content.
    fn pieces(&mut self, length: Option<usize>, whole: &mut Vec<u8>, nested: usize) -> Option<()> {
        let mut inner = match length {
            Some(length) => Elements(self.take(length)?),
            None => Elements(self.0),
        };
        while if length.is_some() { !inner.0.is_empty() } else { !inner.ends() } {
            match inner.next()? {
                (OCTETS, Some(length)) => whole.extend_from_slice(inner.take(length)?),
                (OCTETS_IN_PIECES, length) => inner.pieces(length, whole, nested.checked_sub(1)?)?,
                _ => return None,
            }
        }
        if length.is_none() {
            self.0 = inner.0;
        }
        Some(())
    }
}
