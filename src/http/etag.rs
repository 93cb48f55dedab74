//! Entity tags (RFC 9110, section 8.8.3): the version of one resource, and a digest of its representation. A page of a
//! list has no version: its tag is the digest alone.

use std::fmt::Display;

use sha2::{Digest, Sha256};

/// The version of one resource: its tag without the digest of a representation, which `If-Match` accepts as well.
///
/// `id` is the identifier of the resource: tags of different resources differ.
pub fn of_version(id: impl Display, version: impl Display) -> String {
    format!("\"{}\"", opaque(id, version))
}

/// The strong tag of a representation. It contains names of other resources too, so the digest can change without a new
/// version.
pub fn of_representation(id: impl Display, version: impl Display, body: &[u8]) -> String {
    format!("\"{}-{}\"", opaque(id, version), short(body))
}

/// The strong tag of a representation that has no version, such as a page of a list. It depends on nothing but what its
/// reader receives. `If-Match` accepts no such tag.
pub fn of_content(body: &[u8]) -> String {
    format!("\"{}\"", hex::encode(&Sha256::digest(body)[..16]))
}

fn opaque(id: impl Display, version: impl Display) -> String {
    format!("{version}-{}", short(id.to_string().as_bytes()))
}

fn short(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..6])
}

/// Whether `If-None-Match` names this tag. The comparison is weak, as RFC 9110 requires for this header.
pub fn names(header: &str, etag: &str) -> bool {
    tags(header).map(|tag| tag.strip_prefix("W/").unwrap_or(tag)).any(|tag| tag == "*" || tag == etag)
}

/// Whether `If-Match` names this version of this resource, in any representation. The comparison is strong, as RFC 9110
/// requires for this header: a tag that a proxy made weak matches nothing.
pub fn names_version(header: &str, id: impl Display, version: impl Display) -> bool {
    let wanted = opaque(id, version);
    tags(header).any(|tag| tag == "*" || version_in(tag) == Some(&wanted))
}

/// The part of a tag that identifies resource and version.
fn version_in(tag: &str) -> Option<&str> {
    let opaque = tag.strip_prefix('"')?.strip_suffix('"')?;
    match opaque.match_indices('-').nth(1) {
        Some((end, _)) => opaque.get(..end),
        None => Some(opaque),
    }
}

fn tags(header: &str) -> impl Iterator<Item = &str> {
    header.split(',').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_named_alone_in_a_list_weakly_or_by_a_star() {
        assert!(names("\"3\"", "\"3\"") && names("\"1\", W/\"3\"", "\"3\"") && names("*", "\"3\""));
        assert!(!names("\"33\"", "\"3\"") && !names("", "\"3\""));
    }

    #[test]
    fn contents_that_differ_have_different_tags() {
        assert_eq!(of_content(b"[]"), of_content(b"[]"));
        assert_ne!(of_content(b"[]"), of_content(b"[1]"));
    }

    #[test]
    fn a_version_is_the_same_in_every_representation() {
        let (one, other) = (of_representation(7, 3, b"a"), of_representation(7, 3, b"b"));
        assert_ne!(one, other);
        for tag in [&one, &other, &of_version(7, 3), "*", &format!("\"1-00\", {one}")] {
            assert!(names_version(tag, 7, 3), "{tag}");
        }
        let (later, elsewhere) = (of_representation(7, 33, b"a"), of_representation(8, 3, b"a"));
        let list = of_content(b"a");
        for tag in
            [&later, &elsewhere, &list, &format!("W/{one}"), "", "3", "\"3\"", "3-00", "\"3-00\"", "\""]
        {
            assert!(!names_version(tag, 7, 3), "{tag}");
        }
    }
}
