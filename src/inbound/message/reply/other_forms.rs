//! Forms of an attribution that differ from `date, author, verb`.

use super::attributions::{Attribution, Beginning, Certainty, LONGEST, judge};
use super::lines::{self, Line, is_dash};
use super::{authors, dates};
use authors::Token;

/// `Quoting Ana <ana@x.test>:`
const QUOTING: &[&str] =
    &["quoting", "citando", "zitat", "zitiere", "citat", "citation", "citant", "citazione"];

/// Between the date and the address.
const BY: &[&str] = &["por", "by", "von", "par", "da", "van"];

/// `>>> Ana <ana@x.test> 24/11/2026 10:00 >>>`, of GroupWise.
pub fn groupwise<'a>(line: &Line<'a>) -> Option<Attribution<'a>> {
    let inner = lines::trim(line.raw).strip_prefix(">>>")?.strip_suffix(">>>")?;
    let tokens = authors::tokens(lines::beginning(inner))?;
    let date = (0..tokens.len()).find_map(|at| dates::read(&tokens[at..]))?;
    let found = Attribution { lines: 1, certainty: Certainty::Certain, is_followed: false, before: "" };
    (date.full && date.clock).then_some(found)
}

/// `2026-11-24 10:00 GMT-05:00 Ana <ana@x.test>:`, `Quoting Ana <ana@x.test>:`
pub fn without_verb(tokens: &[Token], kind: Beginning) -> Option<(Certainty, bool)> {
    let ends = tokens.last()?.text.ends_with([':', '：', '>']);
    if !ends {
        return None;
    }
    if kind == Beginning::Name
        && let Some(found) = date_in_brackets(tokens)
    {
        return Some((found, false));
    }
    if kind == Beginning::Name && is_catalan(tokens) {
        return Some((Certainty::Certain, false));
    }
    if !authors::ends_with_address(tokens) {
        return None;
    }
    if kind == Beginning::Date {
        let date = dates::read(tokens)?;
        let author = &tokens[date.length..];
        // `23 nov 2026, 10:15 por ana@x.test:`, of Tutanota.
        if let [by, _] = author
            && BY.contains(&by.lower.as_str())
        {
            return (date.full && date.clock).then_some((Certainty::IfMarked, false));
        }
        let fits =
            date.full && !author.is_empty() && author.len() <= 8 && authors::begins_as_name(&author[0]);
        let colon = tokens.last()?.text.ends_with([':', '：']);
        let certainty =
            if date.zone && date.clock && colon { Certainty::Certain } else { Certainty::IfMarked };
        return fits.then_some((certainty, false));
    }
    let quoting = tokens.iter().take(2).any(|token| QUOTING.contains(&token.lower.as_str()));
    (quoting && tokens.len() <= 10).then_some((Certainty::IfMarked, false))
}

/// `Ana Ruiz---24/11/2026 10:00:00---Su solicitud …`, of Notes.
pub fn notes(tokens: &[Token]) -> Option<Certainty> {
    let dashes = tokens.iter().take(12).position(|token| token.text.contains("---"))?;
    let (name, day) = tokens[dashes].text.split_once("---")?;
    let clock = tokens[dashes..].iter().skip(1).take(3).find(|token| token.text.contains("---"))?;
    let (time, _) = clock.text.split_once("---")?;
    let date = dates::read(&authors::tokens(&format!("{day} {time}"))?);
    let named = dashes > 0 && authors::is_name(&tokens[..dashes]) || name.starts_with(char::is_uppercase);
    let program = date.is_some_and(|date| date.full && date.clock) || time.ends_with(['m', '.']);
    (named && program).then_some(Certainty::Certain)
}

/// In Chinese, Japanese and Korean: `在 2026年11月24日，Ana <ana@x.test> 写道：`.
pub fn is_eastern(sentence: &str) -> bool {
    let words = sentence.trim_end_matches([':', '：', ' ']);
    let digits = words.chars().filter(char::is_ascii_digit).count();
    words.len() < sentence.len()
        && digits >= 6
        && ["写道", "のメッセージ", "작성"].iter().any(|end| words.ends_with(end))
}

/// `* Ana Ruiz <ana@x.test> [2026-11-24 10:00]:`
fn date_in_brackets(tokens: &[Token]) -> Option<Certainty> {
    let bracket = tokens.iter().position(|token| token.text.starts_with('['))?;
    let (author, day) = tokens.split_at(bracket);
    let date = dates::read(day)?;
    let fits =
        date.full && date.length == day.len() && authors::ends_with_address(author) && author.len() <= 8;
    fits.then_some(Certainty::IfMarked)
}

/// `Missatge de Ana <ana@x.test> del dia dl., 24 de nov. 2026 a les 10:00:`
fn is_catalan(tokens: &[Token]) -> bool {
    let word = |at: usize| tokens.get(at).map(|token| token.lower.as_str());
    if word(0) != Some("missatge") || word(1) != Some("de") {
        return false;
    }
    let Some(day) = tokens.iter().position(|token| token.lower == "dia") else { return false };
    let address = tokens[..day].iter().any(|token| authors::is_address(&token.text));
    let is_date = |from: usize| tokens.get(from..).and_then(dates::read).is_some_and(|date| date.full);
    address && (is_date(day + 1) || is_date(day + 2))
}

/// `Ya quedó. On Wed, Nov 24, 2026 at 10:00 AM, <a@x.test> wrote:`, where a program lost the end of a line.
pub fn after_words<'a>(line: &Line<'a>) -> Option<Attribution<'a>> {
    if line.words.len() > LONGEST || !line.words.ends_with(':') {
        return None;
    }
    let introduction = [" On ", " El ", " Le ", " Em ", " Am ", "--- On ", "--- El "];
    let at = introduction.iter().filter_map(|word| line.words.rfind(word)).max()?;
    let (before, sentence) = line.words.split_at(at);
    let tokens = authors::tokens(sentence)?;
    let (certainty, _) = judge(sentence, Beginning::Date)?;
    let date = dates::read(tokens.get(1..)?)?;
    let is_program = certainty == Certainty::Certain && date.weekday && date.full && date.clock;
    let before = before.trim_end_matches(|c: char| is_dash(c) || c == ' ');
    let found = Attribution { lines: 1, certainty, is_followed: false, before };
    (is_program && tokens.iter().any(|token| authors::is_address(&token.text))).then_some(found)
}
