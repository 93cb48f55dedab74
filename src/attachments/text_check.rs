//! Whether content is text: UTF-8, UTF-16 with a byte order mark, or a character set of one byte per character.

/// Content with more control characters than one in this many bytes is not text, unless it is valid UTF-8 without NUL.
const BYTES_PER_CONTROL: usize = 64;

/// The smallest content in which a NUL or another control character is accepted as damage, in bytes.
const LARGE: usize = 32;

/// Below this size, in bytes, content that is not UTF-8 has to be ASCII for the most part. Larger content without control
/// characters is text: every tenth possible byte is a control character.
const TELLING: usize = 16;

/// Counts of the bytes of content that arrives in pieces.
#[derive(Debug, Default)]
pub struct TextCheck {
    size: usize,
    nul: usize,
    controls: usize,
    /// Visible characters of ASCII, and line ends.
    visible: usize,
    /// Bytes that are not ASCII.
    high: usize,
    /// The bytes of a character that the last piece did not complete.
    incomplete: Vec<u8>,
    not_utf8: bool,
}

impl TextCheck {
    pub fn add(&mut self, piece: &[u8]) {
        self.size += piece.len();
        for byte in piece {
            match byte {
                0 => (self.nul, self.controls) = (self.nul + 1, self.controls + 1),
                b'\n' | b'\r' => self.visible += 1,
                b'\t' | 0x08 | 0x0c | 0x1a | 0x1b => {}
                0x01..=0x1f | 0x7f => self.controls += 1,
                0x21..=0x7e => self.visible += 1,
                0x80.. => self.high += 1,
                _ => {}
            }
        }
        self.not_utf8 = self.not_utf8 || !self.continues_utf8(piece);
    }

    /// Whether the piece continues valid UTF-8.
    fn continues_utf8(&mut self, mut piece: &[u8]) -> bool {
        while !self.incomplete.is_empty() {
            let Some((first, rest)) = piece.split_first() else { return true };
            self.incomplete.push(*first);
            piece = rest;
            match std::str::from_utf8(&self.incomplete) {
                Ok(_) => self.incomplete.clear(),
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        match std::str::from_utf8(piece) {
            Ok(_) => true,
            Err(error) if error.error_len().is_some() => false,
            Err(error) => {
                self.incomplete.extend_from_slice(piece.get(error.valid_up_to()..).unwrap_or_default());
                true
            }
        }
    }

    /// Whether it contains NUL or control characters that are not usual in text.
    pub fn has_controls(&self) -> bool {
        self.controls > 0
    }

    /// Whether all that was added is text; `beginning`: its first bytes.
    pub fn is_text(&self, beginning: &[u8]) -> bool {
        if let Some(is_text) = is_utf16(beginning) {
            return is_text;
        }
        let is_utf8 = !self.not_utf8 && self.incomplete.is_empty();
        if is_utf8 && self.nul == 0 {
            return true;
        }
        let damage = self.controls;
        let is_sound = damage == 0 || (self.size >= LARGE && damage <= 1 + self.size / BYTES_PER_CONTROL);
        let is_mostly_ascii = self.high * 2 <= self.size;
        is_sound && (is_utf8 || is_mostly_ascii || self.size >= TELLING && self.visible > 0)
    }
}

/// Whether content that begins with the byte order mark of UTF-16 is UTF-16; `None` without the mark.
fn is_utf16(beginning: &[u8]) -> Option<bool> {
    let unit: fn([u8; 2]) -> u16 = match beginning {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let units = beginning.as_chunks::<2>().0.iter().skip(1).map(|bytes| unit(*bytes));
    let (mut characters, mut faults) = (0_usize, 0_usize);
    for character in char::decode_utf16(units) {
        characters += 1;
        let is_fault =
            character.map_or(true, |c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}'));
        faults += usize::from(is_fault);
    }
    // The last character may be cut.
    Some(faults <= 1 + characters / BYTES_PER_CONTROL && (faults == 0 || characters >= LARGE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_text(content: &[u8]) -> bool {
        let mut check = TextCheck::default();
        check.add(content);
        check.is_text(content)
    }

    #[test]
    fn text_of_any_usual_character_set_is_text_and_binary_data_are_not() {
        for text in [
            b"".as_slice(),
            b"Se\xf1al d\xe9bil",
            "Señal".as_bytes(),
            b"\xd0\xd2\xc9\xd7\xc5\xd4, Mesa de Servicios",
            b"a\x01b",
            b"\xc6\xf3\xf0\xed\xe0\xeb \xfb\xee\xe1\xee\xea \xef\xf0\xe8\xed\xf2\xe5\xf0\xe0\r\n",
            b"\x83v\x83\x8a\x83\x93\x83^\x82\xaa\x8c\xcc\x8f\xe1\x82\xb5\x82\xdc\x82\xb5\x82\xbd\n",
        ] {
            assert!(is_text(text), "{text:?}");
        }
        for binary in [
            b"a\0".as_slice(),
            b"\xff\x00\x01",
            b"\x89PNG\r\n\x1a\n\0\0",
            b"\xff\xfe\0\xd8\0\xd8",
            &[0xff; 40],
        ] {
            assert!(!is_text(binary), "{binary:?}");
        }
        let random: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert!(!is_text(&random));
    }

    proptest! {
        #[test]
        fn pieces_count_as_the_whole(
            content in prop_oneof![any::<String>().prop_map(String::into_bytes), any::<Vec<u8>>()], size in 1_usize..7,
        ) {
            let mut pieces = TextCheck::default();
            content.chunks(size).for_each(|piece| pieces.add(piece));
            prop_assert_eq!(pieces.is_text(&content), is_text(&content));
            let is_plain = std::str::from_utf8(&content).is_ok() && !content.contains(&0);
            prop_assert!(!is_plain || is_text(&content) || content.starts_with(b"\xff\xfe"));
        }
    }
}
