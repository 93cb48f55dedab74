//! A JSON array of scalars as `jsonb_build_array(…)::text` of PostgreSQL writes it.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Seconds from 1970 to 2000, the epoch of PostgreSQL's timestamps.
const EPOCH: i128 = 946_684_800;

/// The microseconds from 1970 on from which PostgreSQL divides: from the year 294247 on.
const EXACT: u128 = i64::MAX as u128;

/// The text, in a buffer that is used again. A value that is `None` is `null`.
#[derive(Default)]
pub struct JsonArray(Vec<u8>);

impl JsonArray {
    /// Begins a new array.
    pub fn begin(&mut self) -> &mut Self {
        self.0.clear();
        self.0.push(b'[');
        self
    }

    /// Ends the array and returns its text.
    pub fn end(&mut self) -> &[u8] {
        self.0.push(b']');
        &self.0
    }

    fn value<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Vec<u8>, T)) -> &mut Self {
        if self.0.len() > 1 {
            self.0.extend_from_slice(b", ");
        }
        match value {
            Some(value) => write(&mut self.0, value),
            None => self.0.extend_from_slice(b"null"),
        }
        self
    }

    /// A string of hexadecimal digits.
    pub fn hex(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        self.value(bytes, |text, bytes| {
            text.push(b'"');
            hex(text, bytes);
            text.push(b'"');
        })
    }

    /// A UUID as a string, from its 16 bytes.
    pub fn uuid(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        self.value(bytes, |text, bytes| {
            text.push(b'"');
            let mut rest = bytes;
            for (n, length) in [4, 2, 2, 2].into_iter().enumerate() {
                let (group, after) = rest.split_at(length.min(rest.len()));
                if n > 0 {
                    text.push(b'-');
                }
                hex(text, group);
                rest = after;
            }
            text.push(b'-');
            hex(text, rest);
            text.push(b'"');
        })
    }

    /// A string, from its UTF-8.
    pub fn text(&mut self, value: Option<&[u8]>) -> &mut Self {
        self.value(value, |text, value| {
            text.push(b'"');
            for byte in value {
                match byte {
                    b'"' => text.extend_from_slice(b"\\\""),
                    b'\\' => text.extend_from_slice(b"\\\\"),
                    b'\n' => text.extend_from_slice(b"\\n"),
                    b'\r' => text.extend_from_slice(b"\\r"),
                    b'\t' => text.extend_from_slice(b"\\t"),
                    0x08 => text.extend_from_slice(b"\\b"),
                    0x0c => text.extend_from_slice(b"\\f"),
                    0..0x20 => {
                        text.extend_from_slice(b"\\u00");
                        hex(text, &[*byte]);
                    }
                    _ => text.push(*byte),
                }
            }
            text.push(b'"');
        })
    }

    pub fn integer(&mut self, value: i64) -> &mut Self {
        self.value(Some(value), |text, value| {
            if value < 0 {
                text.push(b'-');
            }
            decimal(text, u128::from(value.unsigned_abs()), 1);
        })
    }

    /// The seconds since 1970, `extract(epoch FROM …)`, of a `timestamptz` in microseconds since 2000.
    pub fn seconds(&mut self, at: Option<i64>) -> &mut Self {
        self.value(at, |text, at| match at {
            i64::MAX => text.extend_from_slice(b"\"Infinity\""),
            i64::MIN => text.extend_from_slice(b"\"-Infinity\""),
            at => {
                let at = i128::from(at) + EPOCH * 1_000_000;
                if at < 0 {
                    text.push(b'-');
                }
                let mut at = at.unsigned_abs();
                if at >= EXACT {
                    // A quotient of PostgreSQL, with four decimal digits.
                    at = (at + 50) / 100 * 100;
                }
                decimal(text, at / 1_000_000, 1);
                text.push(b'.');
                decimal(text, at % 1_000_000, 6);
            }
        })
    }
}

fn hex(text: &mut Vec<u8>, bytes: &[u8]) {
    text.extend(bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[usize::from(digit)]));
}

/// The digits of a number, at least so many.
fn decimal(text: &mut Vec<u8>, number: u128, least: usize) {
    let mut digits = [b'0'; 39];
    let mut rest = number;
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        if rest == 0 && used >= least {
            break;
        }
        *digit = DIGITS[(rest % 10) as usize];
        rest /= 10;
        used += 1;
    }
    text.extend_from_slice(&digits[digits.len() - used..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected texts are those of PostgreSQL 15.
    #[test]
    fn values_are_written_as_postgresql_writes_them() {
        let mut array = JsonArray::default();
        let of = |text: &[u8]| String::from_utf8(text.to_vec()).unwrap();
        let id = *b"\x01\x97\xc0\xde\x00\x00\x70\x00\x80\x00\x00\x00\x00\x00\x00\x0f";
        assert_eq!(
            of(array.begin().hex(Some(b"\x00\xff")).hex(None).integer(-7).integer(0).uuid(Some(&id)).end()),
            r#"["00ff", null, -7, 0, "0197c0de-0000-7000-8000-00000000000f"]"#
        );
        assert_eq!(of(array.begin().integer(i64::MIN).integer(120).end()), "[-9223372036854775808, 120]");
        assert_eq!(
            of(array.begin().text(Some("\"\\/\n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f}ñ€😀".as_bytes())).end()),
            "[\"\\\"\\\\/\\n\\r\\t\\b\\f\\u0001\\u001f\u{7f}ñ€😀\"]"
        );
        for (at, expected) in [
            (0, "946684800.000000"),
            (850_000_000_123_456, "1796684800.123456"),
            (-946_684_800_000_000, "0.000000"),
            (-946_684_800_000_001, "-0.000001"),
            (-946_684_802_500_000, "-2.500000"),
            (9_222_425_352_054_775_806, "9223372036854.775806"),
            (9_222_425_352_054_775_808, "9223372036854.775800"),
            (9_223_371_331_199_999_999, "9224318016000.000000"),
            (i64::MAX, "\"Infinity\""),
            (i64::MIN, "\"-Infinity\""),
        ] {
            assert_eq!(of(array.begin().seconds(Some(at)).end()), format!("[{expected}]"));
        }
        assert_eq!(of(array.begin().text(None).uuid(None).seconds(None).end()), "[null, null, null]");
    }
}
