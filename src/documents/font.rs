//! Liberation Sans, which is embedded in every PDF file: the glyphs of a text, its width, and its lines.

use std::ops::Range;
use std::sync::LazyLock;

use icu_normalizer::ComposingNormalizerBorrowed;
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// What is drawn instead of a character that the font does not have. A reader that copies the text gets the character.
const REPLACEMENT: char = '□';

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Font {
    Regular,
    Bold,
}

/// A font file, and the glyphs of its characters below U+2200.
pub struct Face {
    pub file: &'static [u8],
    font: Option<FontRef<'static>>,
    common: Vec<Option<Glyph>>,
    replacement: Glyph,
}

/// A glyph, and its width in parts of the font size.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Glyph {
    pub id: u32,
    pub width: f32,
}

/// The number of characters whose glyphs are looked up only once.
const COMMON: u32 = 0x2200;

static REGULAR: LazyLock<Face> =
    LazyLock::new(|| Face::read(include_bytes!("fonts/LiberationSans-Regular.ttf")));
static BOLD: LazyLock<Face> = LazyLock::new(|| Face::read(include_bytes!("fonts/LiberationSans-Bold.ttf")));

impl Face {
    fn read(file: &'static [u8]) -> Self {
        let font = FontRef::new(file).ok();
        let mut face = Face { file, font, common: Vec::new(), replacement: Glyph::default() };
        face.common = (0..COMMON).map(|code| face.find(char::from_u32(code)?)).collect();
        face.replacement = face.find(REPLACEMENT).or_else(|| face.find('?')).unwrap_or_default();
        face
    }

    fn find(&self, character: char) -> Option<Glyph> {
        let font = self.font.as_ref()?;
        let id = font.charmap().map(character).filter(|id| id.to_u32() != 0)?;
        let units = f32::from(font.metrics(Size::unscaled(), LocationRef::default()).units_per_em);
        let width = font.glyph_metrics(Size::unscaled(), LocationRef::default()).advance_width(id)?;
        Some(Glyph { id: id.to_u32(), width: width / units })
    }

    fn glyph(&self, character: char) -> Glyph {
        let known = self.common.get(character as usize);
        let glyph = known.copied().unwrap_or_else(|| self.find(character));
        glyph.unwrap_or(self.replacement)
    }
}

impl Font {
    pub fn face(self) -> &'static Face {
        match self {
            Font::Regular => &REGULAR,
            Font::Bold => &BOLD,
        }
    }

    /// The glyphs of a text that was made [`printable`], each with its place in the text.
    pub fn glyphs(self, text: &str) -> Vec<(Glyph, Range<usize>)> {
        let face = self.face();
        let glyph = |(at, character): (usize, char)| (face.glyph(character), at..at + character.len_utf8());
        text.char_indices().map(glyph).collect()
    }

    /// The width of a text at this size.
    pub fn width(self, text: &str, size: f32) -> f32 {
        let face = self.face();
        text.chars().map(|character| face.glyph(character).width).sum::<f32>() * size
    }

    /// The width of its longest word, which is the least that it needs.
    pub fn longest_word(self, text: &str, size: f32) -> f32 {
        text.split_whitespace().map(|word| self.width(word, size)).fold(0.0, f32::max)
    }

    /// Breaks a text into lines of this width at this size; a line break of the text is kept. A word that is too long is
    /// continued on the next line. There is always at least one line.
    pub fn wrapped(self, text: &str, size: f32, width: f32) -> Vec<String> {
        let text = printable(text);
        let mut lines: Vec<String> = text
            .trim_end()
            .split('\n')
            .flat_map(|paragraph| self.paragraph(paragraph, size, width))
            .collect();
        if lines.is_empty() {
            lines.push(String::new());
        }
        lines
    }

    fn paragraph(self, text: &str, size: f32, width: f32) -> Vec<String> {
        let space = self.width(" ", size);
        let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0.0);
        for word in text.split_whitespace() {
            let mut needed = self.width(word, size);
            if !line.is_empty() && used + space + needed <= width {
                line.push(' ');
                line.push_str(word);
                used += space + needed;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            if needed > width {
                needed = 0.0;
                for character in word.chars() {
                    let one = self.face().glyph(character).width * size;
                    if needed + one > width && !line.is_empty() {
                        lines.push(std::mem::take(&mut line));
                        needed = 0.0;
                    }
                    line.push(character);
                    needed += one;
                }
            } else {
                line.push_str(word);
            }
            used = needed;
        }
        lines.push(line);
        lines
    }
}

/// The text in composed form (NFC), with line breaks as `\n`, without characters that are not shown and that a PDF file may
/// not contain.
pub fn printable(text: &str) -> String {
    let shown = |character: &char| {
        *character == '\n'
            || !(character.is_control()
                || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
                || matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
                // Code points that Unicode defines as no characters.
                || (*character as u32) & 0xfffe == 0xfffe
                || matches!(character, '\u{fdd0}'..='\u{fdef}'))
    };
    // What a font may draw in any way has no meaning for a reader.
    let public = |character: char| match character {
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => '\u{fffd}',
        '\t' | '\u{a0}' => ' ',
        other => other,
    };
    let text =
        text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{85}', '\u{b}', '\u{c}'], "\n");
    let text: String = text.chars().map(public).filter(shown).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&text).into_owned()
}

/// The text in one line, for names of places and titles, which may not be empty.
pub fn one_line(text: &str) -> String {
    let text = printable(text);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "–".to_owned() } else { line }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spanish_has_glyphs_and_what_the_font_lacks_is_visible() {
        let replacement = Font::Regular.face().replacement;
        for font in [Font::Regular, Font::Bold] {
            assert!(font.face().replacement.id != 0);
            let spanish = "ÁÉÍÓÚÜÑáéíóúüñ¿¡«»“”’–—…•°ª€≤≥×□";
            assert!(spanish.chars().all(|character| font.face().find(character).is_some()), "{font:?}");
        }
        assert_eq!(Font::Regular.glyphs("日")[0], (replacement, 0..3));
        assert_eq!(Font::Regular.glyphs("😀")[0], (replacement, 0..4));
        assert!((Font::Regular.width("Mesa", 10.0) - 24.45).abs() < 0.02);
    }

    #[test]
    fn accents_are_composed_and_invisible_characters_removed() {
        assert_eq!(
            printable("Atencio\u{301}n\r\n\u{200b}a\tb\u{0}\u{feff}\u{e000}"),
            "Atención\na b\u{fffd}"
        );
        assert_eq!(Font::Regular.wrapped("uno\n\ndos", 9.0, 100.0), ["uno", "", "dos"]);
        assert_eq!(Font::Regular.wrapped("", 9.0, 100.0), [""]);
    }

    proptest! {
        #[test]
        fn lines_fit_and_lose_nothing(text in "[a-zA-Zñáé日 ]{0,80}", width in 12.0f32..200.0) {
            let lines = Font::Bold.wrapped(&text, 9.0, width);
            prop_assert!(lines.iter().all(|line| Font::Bold.width(line, 9.0) <= width + 0.01));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
