//! Helvetica, which every PDF reader has: the widths of its characters, and their encoding.

/// In thousandths of the font size, from the space to `~`.
const REGULAR: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
const BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278,
    556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584,
    556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556,
    333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Font {
    Regular,
    Bold,
}

impl Font {
    /// The width of a text at this size.
    pub fn width(self, text: &str, size: f64) -> f64 {
        let thousandths: u32 = text.chars().map(|character| u32::from(self.thousandths(character))).sum();
        f64::from(thousandths) * size / 1000.0
    }

    fn thousandths(self, character: char) -> u16 {
        let widths = if self == Font::Regular { &REGULAR } else { &BOLD };
        let plain = match character {
            'À'..='Å' => 'A',
            'Ç' => 'C',
            'È'..='Ë' => 'E',
            'Ì'..='Ï' | 'ì'..='ï' => 'I',
            'Ñ' => 'N',
            'Ò'..='Ö' => 'O',
            'Ù'..='Ü' => 'U',
            'à'..='å' => 'a',
            'ç' => 'c',
            'è'..='ë' => 'e',
            'ñ' => 'n',
            'ò'..='ö' => 'o',
            'ù'..='ü' => 'u',
            '¿' => '?',
            '…' | '—' => return 1000,
            '’' => '\'',
            other => other,
        };
        let place = (plain as usize).checked_sub(0x20);
        place.and_then(|place| widths.get(place)).copied().unwrap_or(556)
    }

    /// Breaks a text into lines of this width at this size. A word that is too long is continued on the next line.
    pub fn wrapped(self, text: &str, size: f64, width: f64) -> Vec<String> {
        let (mut lines, mut line) = (Vec::new(), String::new());
        for word in text.split_whitespace() {
            let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&joined, size) <= width {
                line = joined;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for character in word.chars() {
                line.push(character);
                if self.width(&line, size) > width && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, character.to_string()));
                }
            }
        }
        lines.push(line);
        lines
    }
}

/// A text in Windows-1252; characters outside of it become `?`.
pub fn encoded(text: &str) -> Vec<u8> {
    let byte = |character: char| match character {
        '€' => 0x80,
        '…' => 0x85,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '•' => 0x95,
        '–' => 0x96,
        '—' => 0x97,
        ' '..='~' | '\u{a0}'..='ÿ' => character as u32 as u8,
        _ => b'?',
    };
    text.chars().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spanish_is_written_and_what_is_not_known_is_a_question_mark() {
        assert_eq!(encoded("Atención – ¿qué?"), b"Atenci\xf3n \x96 \xbfqu\xe9?");
        assert_eq!(encoded("日本"), b"??");
        assert_eq!(Font::Regular.width("Mesa", 10.0), (833.0 + 556.0 + 500.0 + 556.0) / 100.0);
        assert_eq!(Font::Regular.width("á", 10.0), Font::Regular.width("a", 10.0));
    }

    proptest! {
        #[test]
        fn lines_fit_and_lose_nothing(text in "[a-zA-Zñáé ]{0,80}", width in 12.0f64..200.0) {
            let lines = Font::Bold.wrapped(&text, 9.0, width);
            prop_assert!(lines.iter().all(|line| Font::Bold.width(line, 9.0) <= width));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
