//! The lines of a message, with the depth of their quotation marks.

/// The part of a line that rules look at, in bytes.
const LOOKED_AT: usize = 700;

/// One line.
pub struct Line<'a> {
    /// As written, without its end.
    pub raw: &'a str,
    /// The number of `>` before its words.
    pub depth: usize,
    /// Its words, without quotation marks and without spaces around.
    pub words: &'a str,
}

impl<'a> Line<'a> {
    fn read(raw: &'a str) -> Self {
        let mut words = trim(raw);
        let mut depth = 0;
        while let Some(rest) = words.strip_prefix('>') {
            depth += 1;
            words = trim(rest);
        }
        Line { raw, depth, words }
    }

    pub fn is_blank(&self) -> bool {
        self.words.is_empty() && self.depth == 0
    }

    pub fn is_quoted(&self) -> bool {
        self.depth > 0
    }

    /// The beginning of its words, as much as rules look at.
    pub fn beginning(&self) -> &'a str {
        beginning(self.words)
    }
}

pub fn read(text: &str) -> Vec<Line<'_>> {
    text.lines().map(Line::read).collect()
}

/// As much of a text as rules look at.
pub fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(LOOKED_AT)]
}

/// Without spaces and unseen characters around.
pub fn trim(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_graphic);
    if is_plain(text.as_bytes().first()) && is_plain(text.as_bytes().last()) {
        return text;
    }
    text.trim_matches(|c: char| c.is_whitespace() || is_unseen(c))
}

/// Characters without width, and those that set the direction of writing.
pub fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Whether it is one of the dashes that mail programs draw lines with.
pub fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// A drawn line: at least five dashes, underscores, asterisks or equals signs.
pub fn is_rule(words: &str) -> bool {
    words.len() >= 5
        && words.chars().all(|c| is_dash(c) || matches!(c, '_' | '*' | '=' | '—' | ' '))
        && words.chars().any(|c| c != ' ')
}

/// Words about a message between drawn lines, in any language: `-------- Oprindelig besked --------`.
pub fn is_title(words: &str) -> bool {
    const STEMS: &[&str] = &[
        "messag",
        "mensa",
        "mail",
        "nachricht",
        "besked",
        "meddel",
        "melding",
        "bericht",
        "wiadomo",
        "сообщ",
        "viesti",
    ];
    let inner = words.trim_matches(is_dash);
    let drawn = (words.len() - words.trim_start_matches(is_dash).len())
        .min(words.len() - words.trim_end_matches(is_dash).len());
    let lower = beginning(inner).to_lowercase();
    drawn >= 5 && inner.split_whitespace().count() <= 4 && STEMS.iter().any(|stem| lower.contains(stem))
}
