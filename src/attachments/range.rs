//! The part of a content that a request asks for (RFC 9110, section 14).

/// The result of reading a `Range` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requested {
    /// All of it: there is no `Range`, or it is one that a server may ignore (another unit, several ranges, invalid
    /// syntax).
    Whole,
    /// From the first to the last byte, both included.
    Part { first: u64, last: u64 },
    /// The range begins past the end.
    Unsatisfiable,
}

impl Requested {
    /// The range that the value of a `Range` header requests, for a content of this size.
    pub fn parse(range: &str, size: u64) -> Self {
        let range = match range.trim().split_once('=') {
            Some((unit, range)) if unit.trim().eq_ignore_ascii_case("bytes") => range.trim(),
            _ => return Requested::Whole,
        };
        let Some((first, last)) = range.split_once('-') else { return Requested::Whole };
        match (position(first), position(last)) {
            (Some(Position::Byte(first)), Some(Position::None)) => part(first, u64::MAX, size),
            (Some(Position::Byte(first)), Some(Position::Byte(last))) if first <= last => {
                part(first, last, size)
            }
            (Some(Position::None), Some(Position::Byte(0))) => Requested::Unsatisfiable,
            (Some(Position::None), Some(Position::Byte(length))) => {
                part(size.saturating_sub(length), u64::MAX, size)
            }
            _ => Requested::Whole,
        }
    }
}

fn part(first: u64, last: u64, size: u64) -> Requested {
    if first >= size {
        return Requested::Unsatisfiable;
    }
    Requested::Part { first, last: last.min(size - 1) }
}

enum Position {
    None,
    Byte(u64),
}

/// A number too large for any content counts as the largest possible one.
fn position(text: &str) -> Option<Position> {
    match text {
        "" => Some(Position::None),
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(Position::Byte(text.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Requested::{Part, Unsatisfiable, Whole};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_read_as_the_standard_has_it() {
        for (range, expected) in [
            ("bytes=0-0", Part { first: 0, last: 0 }),
            ("bytes=2-5", Part { first: 2, last: 5 }),
            ("Bytes = 2-5", Part { first: 2, last: 5 }),
            ("bytes=2-", Part { first: 2, last: 9 }),
            ("bytes=2-99999999999999999999999", Part { first: 2, last: 9 }),
            ("bytes=-3", Part { first: 7, last: 9 }),
            ("bytes=-30", Part { first: 0, last: 9 }),
            ("bytes=9-", Part { first: 9, last: 9 }),
            ("bytes=10-", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=5-2", Whole),
            ("bytes=-", Whole),
            ("bytes=", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=0-1,3-4", Whole),
            ("lines=0-1", Whole),
            ("0-1", Whole),
        ] {
            assert_eq!(Requested::parse(range, 10), expected, "{range}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_content(range in "(bytes=)?[0-9,-]{0,12}|.{0,20}", size in 1_u64..1000) {
            if let Part { first, last } = Requested::parse(&range, size) {
                prop_assert!(first <= last && last < size);
            }
        }
    }
}
