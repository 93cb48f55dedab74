//! Whether the line above a sentence belongs to it: programs break long sentences.

use super::attributions::{Beginning, INTRODUCTIONS, beginning_of, judge};
use super::lines::{self, Line, is_dash};
use super::{authors, dates};

/// Whether these lines are a whole sentence without the line above them, `opening`, which then are words of the author
/// of the reply.
pub fn is_complete(lines: &[Line], opening: &str) -> bool {
    let Some(first) = lines.first().filter(|line| !line.words.starts_with(['<', '(', '['])) else {
        return false;
    };
    let trimmed = first.words.trim_start_matches(|c: char| is_dash(c) || matches!(c, '*' | '_' | ' '));
    let Some(kind) = beginning_of(lines::beginning(trimmed)) else { return false };
    let sentence: Vec<&str> = lines.iter().map(Line::beginning).collect();
    if judge(&sentence.join(" "), kind).is_none() {
        return false;
    }
    let is_date = beginning_of(lines::beginning(opening)) == Some(Beginning::Date);
    match kind {
        Beginning::Name => !is_date,
        Beginning::Date => !is_date || introduces(trimmed) || !is_part_of_date(opening),
    }
}

fn introduces(words: &str) -> bool {
    words.split_whitespace().next().is_some_and(|word| INTRODUCTIONS.contains(&word.to_lowercase().as_str()))
}

/// `El lun,`: the beginning of a date that goes on in the next line.
fn is_part_of_date(words: &str) -> bool {
    let Some(tokens) = authors::tokens(lines::beginning(words)) else { return false };
    let from = usize::from(introduces(words));
    tokens.len() <= 4 && tokens[from..].iter().enumerate().all(|(at, _)| dates::begins(&tokens[from + at..]))
}
