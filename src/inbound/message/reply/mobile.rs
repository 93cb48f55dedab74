//! The line that mail programs add below a message: `Enviado desde mi iPhone`.

use super::lines;
use super::mobile_words::{BEGINNINGS, EXCUSES, FILLERS, NAMES, WEAK};

/// The longest line, in bytes.
const LONGEST: usize = 200;

/// Whether a mail program added the line.
pub fn is_added(line: &str) -> bool {
    let line = lines::trim(line);
    if line.len() > LONGEST || line.len() < 6 {
        return false;
    }
    let around =
        |c: char| matches!(c, '<' | '>' | '[' | ']' | '(' | ')' | '*' | '_' | '"' | '.' | '!' | '|' | ' ');
    let line = line.trim_matches(around).to_lowercase();
    if !BEGINNINGS.iter().any(|beginning| line.starts_with(beginning)) {
        return false;
    }
    // Without the address of the program.
    let words = match line.find("http").or_else(|| line.find("<www")) {
        Some(at) => &line[..at],
        None => line.as_str(),
    };
    let (words, excuse) = match words.split_once(['.', ',', ';']) {
        Some((words, excuse)) if EXCUSES.iter().any(|word| excuse.contains(word)) => (words, true),
        _ => (words, false),
    };
    let words: Vec<&str> = words
        .split(|c: char| {
            c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '<' | '>' | ',' | ':' | '/' | '™' | '®')
        })
        .map(|word| word.trim_matches(['.', '*', '"']))
        .filter(|word| !word.is_empty() && *word != "-" && *word != "|")
        .collect();
    let strong = words.iter().filter(|word| NAMES.contains(*word) && !WEAK.contains(*word)).count();
    let weak = words.iter().filter(|word| WEAK.contains(*word)).count();
    let has_digit = |word: &str| word.chars().any(|c| c.is_ascii_digit());
    let model = |word: &str| has_digit(word) && word.chars().any(char::is_alphabetic);
    let unknown = words
        .iter()
        .filter(|word| !NAMES.contains(*word) && !FILLERS.contains(*word) && !has_digit(word))
        .count();
    let english_model = words.iter().any(|word| model(word)) && line.starts_with("sent from my ");
    let known = strong >= 1 || weak >= 2 || english_model || weak == 1 && line.starts_with("sent from");
    // The name of a model that is not in the list.
    let allowed = usize::from(strong >= 2 || english_model) + usize::from(excuse && strong >= 1);
    known && words.len() <= 14 && unknown <= allowed
}
