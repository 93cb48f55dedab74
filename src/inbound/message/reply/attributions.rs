//! The sentence that introduces a quotation: `El lun, 24 nov 2026 a las 10:00, Ana <ana@x.test> escribió:`.

use super::authors::{self, Token};
use super::dates::{self, Moment};
use super::folded;
use super::lines::{self, Line, is_dash};
use super::other_forms;

/// How sure it is that a mail program wrote the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// Its form is that of a program: all below it is a quotation, marked or not.
    Certain,
    /// A person could have written it: only marked lines below it are a quotation.
    IfMarked,
}

/// An attribution at a line.
#[derive(Debug, PartialEq, Eq)]
pub struct Attribution<'a> {
    /// The number of its lines.
    pub lines: usize,
    pub certainty: Certainty,
    /// The quotation begins on the same line.
    pub is_followed: bool,
    /// Words of the author of the reply before it, on the same line.
    pub before: &'a str,
}

/// The most lines over which programs break it.
const MOST_LINES: usize = 5;

/// The longest attribution, in bytes.
pub const LONGEST: usize = 600;

pub const INTRODUCTIONS: &[&str] =
    &["el", "on", "at", "em", "no", "le", "am", "il", "op", "den", "på", "w", "dnia", "in", "pe", "a", "vào"];

const VERBS: &[&str] = &[
    "escribió",
    "escribio",
    "escrito",
    "wrote",
    "writes",
    "sent",
    "escreveu",
    "écrit",
    "ecrit",
    "schrieb",
    "schrieben",
    "geschrieben",
    "scritto",
    "schreef",
    "geschreven",
    "skrev",
    "napisał",
    "napisał(a)",
    "napisała",
    "pisze",
    "kirjoitti",
    "написал",
    "написала",
    "пишет",
    "пише",
    "写道",
];

/// Words of the verb around its author.
const AUXILIARIES: &[&str] =
    &["ha", "a", "hat", "heeft", "het", "volgende", "użytkownik", "пользователь", "om", "folgendes"];

/// Before the date in `Ana escribió el 24/11/2026:`.
const BEFORE_DATE: &[&str] = &["el", "on", "am", "il", "em", "le", "op", "den", "at", "dia"];

/// The attribution that begins at this line.
pub fn at<'a>(lines: &[Line<'a>], first: usize) -> Option<Attribution<'a>> {
    let line = &lines[first];
    if line.words.is_empty() || !lines[first..].iter().take(MOST_LINES).any(|line| may_end(line.words)) {
        return None;
    }
    if let Some(found) = other_forms::groupwise(line) {
        return Some(found);
    }
    let opening = line.words.trim_start_matches(|c: char| is_dash(c) || matches!(c, '*' | '_' | '<' | ' '));
    let kind = beginning_of(lines::beginning(opening))?;
    let longest = if kind == Beginning::Name { 3 } else { MOST_LINES };
    let mut sentence = String::new();
    for (index, line) in lines[first..].iter().take(longest).enumerate() {
        if line.words.is_empty() || line.depth != lines[first].depth {
            break;
        }
        sentence.push_str(line.beginning());
        sentence.push(' ');
        if sentence.len() > LONGEST + 100 {
            break;
        }
        if !may_end(line.words) {
            continue;
        }
        if let Some((certainty, is_followed)) = judge(&sentence, kind) {
            if (1..=index).any(|below| folded::is_complete(&lines[first + below..=first + index], opening)) {
                break;
            }
            return Some(Attribution { lines: index + 1, certainty, is_followed, before: "" });
        }
    }
    other_forms::after_words(line)
}

/// How an attribution begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// `El lun …`, `2026-11-24 …`
    Date,
    /// A name or an address.
    Name,
}

/// How the line begins, if an attribution can begin so.
pub fn beginning_of(opening: &str) -> Option<Beginning> {
    if opening.starts_with('在') {
        return Some(Beginning::Date);
    }
    let mut words = opening.split_whitespace();
    let first = words.next()?.to_lowercase();
    let begins = |word: &str| authors::tokens(word).is_some_and(|tokens| dates::begins(&tokens));
    let (second, third) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if begins(&first) && (second.len() + third.len() > 0) {
        return Some(Beginning::Date);
    }
    if INTRODUCTIONS.contains(&first.as_str()) && (begins(second) || begins(third)) {
        return Some(Beginning::Date);
    }
    // The name of a day in another language: `wt., 24 lis 2026`.
    if first.ends_with(['.', ',']) && first.len() <= 8 && second.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(Beginning::Date);
    }
    let capital = opening.starts_with(|c: char| c.is_uppercase() || matches!(c, '"' | '\'' | '“'));
    (capital || first.contains('@')).then_some(Beginning::Name)
}

/// Whether an attribution can end with this line, or within it.
fn may_end(words: &str) -> bool {
    match words.as_bytes().last() {
        Some(b':' | b'>' | b'-') => true,
        Some(last) if !last.is_ascii() => words.ends_with('：') || words.ends_with(is_dash),
        Some(_) => {
            words.len() > 20 && (words.contains(": ") || words.trim_start_matches('-').contains("---"))
        }
        None => false,
    }
}

/// Whether the sentence is an attribution; then also, whether the quotation follows on its last line.
pub fn judge(sentence: &str, kind: Beginning) -> Option<(Certainty, bool)> {
    let sentence = lines::trim(sentence);
    let around = |c: char| is_dash(c) || matches!(c, '*' | '_' | ' ');
    let inner = sentence.trim_matches(around);
    let dashed = sentence.starts_with(is_dash) && sentence.ends_with(is_dash);
    if other_forms::is_eastern(inner) {
        return Some((Certainty::Certain, false));
    }
    let tokens = authors::tokens(inner)?;
    if let Some(found) = other_forms::notes(&tokens) {
        return Some((found, true));
    }
    let verb = (1..tokens.len()).find(|&at| {
        let word = tokens[at].lower.trim_end_matches([':', '：', ',', '.']);
        VERBS.contains(&word)
    });
    let Some(verb) = verb else { return other_forms::without_verb(&tokens, kind) };
    let mut rest = &tokens[verb + 1..];
    let mut colon = tokens[verb].lower.ends_with([':', '：']);
    if !colon && rest.first().is_some_and(|token| matches!(token.lower.as_str(), ":" | "：")) {
        (colon, rest) = (true, &rest[1..]);
    }
    let before = &tokens[..verb];
    if (colon || dashed) && rest.is_empty() {
        return Some((verb_last(before, kind, dashed)?, false));
    }
    if colon {
        // The quotation begins on the same line: only what no person would write.
        let certainty = verb_last(before, kind, false)?;
        let address = authors::ends_with_address(before);
        return (kind == Beginning::Date && certainty == Certainty::Certain && address)
            .then_some((certainty, true));
    }
    if !inner.ends_with([':', '：']) && !dashed {
        return None;
    }
    Some((verb_within(before, rest, kind)?, false))
}

/// `El 24/11/2026 a las 10:00, Ana escribió:`, `Ana <ana@x.test> escribió:`
fn verb_last(before: &[Token], kind: Beginning, dashed: bool) -> Option<Certainty> {
    let end = before.iter().rposition(|token| !AUXILIARIES.contains(&token.lower.as_str()))? + 1;
    let before = &before[..end];
    if kind == Beginning::Name {
        let known =
            authors::ends_with_address(before) && before.len() <= 10 && !authors::begins_with_article(before);
        // `Ana <ana@x.test> hat am 24.11.2026 10:00 geschrieben:`
        let day = before.iter().rposition(|token| BEFORE_DATE.contains(&token.lower.as_str()));
        if let Some((name, date)) = day.and_then(|day| before.split_at_checked(day))
            && let Some(certainty) = verb_within(name, date, kind)
        {
            return Some(certainty);
        }
        if dashed && (known || authors::is_name(before)) {
            return Some(Certainty::Certain);
        }
        return known.then_some(Certainty::IfMarked);
    }
    let (date, author, comma) = date_and_author(before)?;
    let author = without_auxiliaries(author);
    if author.len() == 1 && matches!(author[0].lower.as_str(), "you" | "usted" | "vous") && date.full {
        return Some(Certainty::IfMarked);
    }
    certainty(date, author, comma, dashed)
}

/// `Am 24.11.2026 um 10:00 schrieb Ana:`, `Ana escribió el 24/11/2026 a las 10:00:`
fn verb_within(before: &[Token], rest: &[Token], kind: Beginning) -> Option<Certainty> {
    if kind == Beginning::Date {
        let (date, between, comma) = date_and_author(before)?;
        let author = without_auxiliaries(rest);
        return between
            .iter()
            .all(|token| AUXILIARIES.contains(&token.lower.as_str()))
            .then(|| certainty(date, author, comma, false))?;
    }
    let from = usize::from(rest.first().is_some_and(|token| BEFORE_DATE.contains(&token.lower.as_str())));
    let date = dates::read(&rest[from..])?;
    let is_all = rest.len() <= from + date.length + 3;
    let end = before.iter().rposition(|token| !AUXILIARIES.contains(&token.lower.as_str()))? + 1;
    let author = &before[..end];
    if !is_all || !date.full || authors::begins_with_article(author) {
        return None;
    }
    let named = authors::is_name(author);
    let address = authors::ends_with_address(author) && author.len() <= 10;
    match (address, date.short_weekday && date.clock) {
        (true, _) => Some(Certainty::Certain),
        (false, true) if named => Some(Certainty::Certain),
        _ => named.then_some(Certainty::IfMarked),
    }
}

/// The date at the beginning, what follows it, and whether a comma is between them.
fn date_and_author(tokens: &[Token]) -> Option<(Moment, &[Token], bool)> {
    for skipped in 0..=2.min(tokens.len()) {
        if let Some(date) = dates::read(&tokens[skipped..]) {
            let (before, author) = tokens.split_at(skipped + date.length);
            return Some((date, author, before.last().is_some_and(|token| token.comma)));
        }
        let introduces = tokens.get(skipped).is_some_and(|token| {
            INTRODUCTIONS.contains(&token.lower.as_str()) || matches!(token.lower.as_str(), "dniu" | "giorno")
        });
        if !introduces {
            return None;
        }
    }
    None
}

fn without_auxiliaries(tokens: &[Token]) -> &[Token] {
    let is_own = |token: &Token| !AUXILIARIES.contains(&token.lower.as_str());
    let first = tokens.iter().position(is_own).unwrap_or(tokens.len());
    let last = tokens.iter().rposition(is_own).map_or(first, |last| last + 1);
    &tokens[first..last.max(first)]
}

fn certainty(date: Moment, author: &[Token], comma: bool, dashed: bool) -> Option<Certainty> {
    let first = author.first()?;
    let address = authors::ends_with_address(author) && author.len() <= 14;
    let in_program_form = date.full && date.clock && (date.weekday || date.zone || date.comma_before_clock);
    // Without an address, a person could write all but this.
    let abbreviated = date.full && date.clock && (date.short_weekday || date.zone);
    let article = authors::begins_with_article(author);
    let named = authors::is_name(author)
        || comma
            && author.len() <= 2
            && !article
            && first.text.chars().all(|c| c.is_alphanumeric() || c == ':');
    if address && date.full {
        let bracketed = author.last().is_some_and(|token| token.text.contains(['>', ')', ']']));
        let certain =
            in_program_form && (comma || bracketed) || !article && (authors::begins_as_name(first) || comma);
        return certain.then_some(Certainty::Certain);
    }
    match named && !article {
        true if abbreviated || dashed && date.full => Some(Certainty::Certain),
        true if date.full || date.clock || date.weekday => Some(Certainty::IfMarked),
        _ => None,
    }
}
