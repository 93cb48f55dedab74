//! A text without accents and in lower case, in which places correspond to the original.

/// A text in lower case and without accents, and the characters of the original at the same places.
pub struct Folded {
    folded: String,
    original: Vec<char>,
}

impl Folded {
    /// The first `longest` characters of a text.
    pub fn new(text: &str, longest: usize) -> Self {
        // Emphasis of mail programs, and combining accents.
        let is_kept =
            |c: &char| !matches!(c, '*' | '_' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{feff}');
        let original: Vec<char> = text.chars().filter(is_kept).take(longest).collect();
        Folded { folded: original.iter().map(|c| fold(*c)).collect(), original }
    }

    /// Without accents, in lower case.
    pub fn as_str(&self) -> &str {
        &self.folded
    }

    /// The original at a place of the folded text, in bytes.
    pub fn original(&self, place: std::ops::Range<usize>) -> String {
        let chars = |end: usize| self.folded.get(..end).map_or(0, |before| before.chars().count());
        let (begin, end) = (chars(place.start), chars(place.end));
        self.original.get(begin..end).map(|chars| chars.iter().collect()).unwrap_or_default()
    }
}

/// The letter without its accent, in lower case; always one character.
pub fn fold(c: char) -> char {
    match c {
        'á' | 'à' | 'ä' | 'â' | 'ã' | 'Á' | 'À' | 'Ä' | 'Â' | 'Ã' => 'a',
        'é' | 'è' | 'ë' | 'ê' | 'É' | 'È' | 'Ë' | 'Ê' => 'e',
        'í' | 'ì' | 'ï' | 'î' | 'Í' | 'Ì' | 'Ï' | 'Î' => 'i',
        'ó' | 'ò' | 'ö' | 'ô' | 'õ' | 'Ó' | 'Ò' | 'Ö' | 'Ô' | 'Õ' => 'o',
        'ú' | 'ù' | 'ü' | 'û' | 'Ú' | 'Ù' | 'Ü' | 'Û' => 'u',
        'ñ' | 'Ñ' => 'n',
        'ç' | 'Ç' => 'c',
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\t' => ' ',
        _ => {
            let mut lower = c.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(one), None) => one,
                _ => c,
            }
        }
    }
}
