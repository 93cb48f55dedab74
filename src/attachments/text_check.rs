//! Whether content is text: UTF-8, UTF-16, or another character set of one or several bytes per character.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_16BE, UTF_16LE, WINDOWS_1251, WINDOWS_1256,
};

/// Content with more control characters than one in this many bytes is not text, unless it is valid UTF-8 without NUL.
const BYTES_PER_CONTROL: usize = 64;

/// The smallest content in which a NUL or another control character is accepted as damage, in bytes.
const LARGE: usize = 32;

/// Below this size, in bytes, content that is not UTF-8 has to be ASCII for the most part, or letters in one of
/// `ALPHABETS`. Larger content without control characters is text: every tenth possible byte is a control character.
const TELLING: usize = 16;

/// Character sets and the first and last of their letters that are not ASCII. Few other bytes happen to be such letters.
const ALPHABETS: [(&Encoding, char, char); 7] = [
    (SHIFT_JIS, '\u{3000}', char::MAX),
    (EUC_JP, '\u{3000}', char::MAX),
    (EUC_KR, '\u{3000}', char::MAX),
    (BIG5, '\u{3000}', char::MAX),
    (GBK, '\u{3000}', char::MAX),
    (WINDOWS_1251, '\u{400}', '\u{4ff}'),
    (WINDOWS_1256, '\u{600}', '\u{6ff}'),
];

/// The smallest number of different letters that show that content is written in one of `ALPHABETS`.
const FEWEST_LETTERS: usize = 3;

/// Counts of the bytes of content that arrives in pieces.
#[derive(Debug, Default)]
pub struct TextCheck {
    size: usize,
    nul: usize,
    /// NUL at an odd place, where UTF-16LE has the upper half of a character.
    odd_nul: usize,
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
        for (place, byte) in piece.iter().enumerate() {
            match byte {
                0 => {
                    self.nul += 1;
                    self.odd_nul += (self.size + place) % 2;
                    self.controls += 1;
                }
                b'\n' | b'\r' => self.visible += 1,
                b'\t' | 0x08 | 0x0c | 0x1a | 0x1b => {}
                0x01..=0x1f | 0x7f => self.controls += 1,
                0x21..=0x7e => self.visible += 1,
                0x80.. => self.high += 1,
                _ => {}
            }
        }
        self.size += piece.len();
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
        if is_utf8 && self.nul == 0 || self.is_unmarked_utf16(beginning) {
            return true;
        }
        let damage = self.controls;
        let is_line = damage == 1 && self.size >= TELLING && self.high == 0 && self.visible * 2 > self.size;
        let is_large = self.size >= LARGE && damage <= 1 + self.size / BYTES_PER_CONTROL;
        let is_mostly_ascii = self.high * 2 <= self.size;
        let is_telling = self.size >= TELLING && self.visible > 0;
        let is_text = is_utf8 || is_mostly_ascii || is_telling;
        is_text && (damage == 0 || is_line || is_large) || damage == 0 && is_written(beginning)
    }

    /// Whether it is UTF-16 without a byte order mark: at least every other character is of ISO-8859-1, so that one half
    /// of it is NUL, and the beginning has no control characters.
    fn is_unmarked_utf16(&self, beginning: &[u8]) -> bool {
        let even_nul = self.nul - self.odd_nul;
        let (encoding, upper) = match (even_nul, self.odd_nul) {
            (0, upper) => (UTF_16LE, upper),
            (upper, 0) => (UTF_16BE, upper),
            _ => return false,
        };
        // A character of two units may be cut.
        let whole = beginning.len() - beginning.len() % 2;
        let end = if self.size > beginning.len() { whole.saturating_sub(2) } else { whole };
        let is_fault = |c: char| {
            c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}')
                || matches!(c, '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..)
        };
        self.size.is_multiple_of(2)
            && upper >= FEWEST_LETTERS
            && upper * 4 >= self.size
            && encoding
                .decode_without_bom_handling_and_without_replacement(&beginning[..end])
                .is_some_and(|text| !text.contains(is_fault))
    }
}

/// Whether all that is not ASCII is letters in one of `ALPHABETS`, and several different ones.
fn is_written(content: &[u8]) -> bool {
    ALPHABETS.iter().any(|(encoding, first, last)| {
        let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(content) else {
            return false;
        };
        let is_mark = |c: char| matches!(c, '\u{2010}'..='\u{2026}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}' | 'ー' | '،' | '؟');
        let mut letters: Vec<char> = Vec::new();
        for c in text.chars().filter(|c| !c.is_ascii() && !is_mark(*c)) {
            if !c.is_alphabetic() || !(*first..=*last).contains(&c) {
                return false;
            }
            if letters.len() < FEWEST_LETTERS && !letters.contains(&c) {
                letters.push(c);
            }
        }
        letters.len() >= FEWEST_LETTERS
    })
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
            // Of a few words: Big5, EUC-KR, EUC-JP, Shift_JIS, Windows-1256, Windows-1251.
            b"\xa6L\xaa\xed\xbe\xf7\xb0O\xbf\xfd\r\n",
            b"\xc7\xc1\xb8\xb0\xc5\xcd \xb1\xe2\xb7\xcf\r\n",
            b"\xa5\xd7\xa5\xea\xa5\xf3\xa5\xbf\xa1\xa3",
            b"\x83v\x83\x8a\x83\x93\x83^",
            b"\xd3\xcc\xe1 \xc7\xe1\xd8\xc7\xc8\xda\xc9",
            b"\xc6\xf3\xf0\xed\xe0\xeb",
            // UTF-16 without a byte order mark.
            b"A\0\xf1\0o\0\r\0\n\0",
            b"\0A\0\xf1\0o\0\n",
            b"5\0 \0\xac\x20 \0a\0",
            // A log with one NUL.
            b"2026-11-23 ERROR \0 x\r\n",
        ] {
            assert!(is_text(text), "{text:?}");
        }
        for binary in [
            b"a\0".as_slice(),
            b"\xff\x00\x01",
            b"\x89PNG\r\n\x1a\n\0\0",
            b"\xff\xfe\0\xd8\0\xd8",
            &[0xff; 40],
            // Numbers of two and of four bytes.
            b"A\0B\0C\0\x01\0",
            b"A\0B\0C\0D",
            b"A\0\0\0B\0\0\0C\0\0\0",
            b"A\0B\0C\0\0\xd8",
            b"A\0\0B\0C\0D\0E",
            b"A\0B\0\xfe\xffC\0",
            b"A\0B\0",
            b"0123456789\0\0abcdef",
            b"\xe90123456789\0abcdef",
            b"    0 1 2 3 4 \0 5    ",
            // No letters, or always the same.
            b"\xe1\xe1\xe1\xe1",
            b"\x98\xe0\xe9\xee",
            b"\xa4\xa6\xa7\xa9",
        ] {
            assert!(!is_text(binary), "{binary:?}");
        }
        let random: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert!(!is_text(&random));
    }

    #[test]
    fn utf_16_without_a_mark_is_text_in_any_pieces() {
        let text: Vec<u8> = "placa;año\r\n10;2026\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for size in 1..8 {
            let mut check = TextCheck::default();
            text.chunks(size).for_each(|piece| check.add(piece));
            assert!(check.is_text(&text), "{size}");
        }
        // What follows the beginning counts too.
        let mut check = TextCheck::default();
        check.add(&text);
        check.add(&[b'a', 0, 0, b'b']);
        assert!(!check.is_text(&text));
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
