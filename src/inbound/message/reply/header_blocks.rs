//! The block of header fields that Outlook and others write above a quotation: `De:`, `Enviado el:`, `Para:`,
//! `Asunto:`, in any order.

use super::authors;
use super::dates::{self, Moment};
use super::fields::{Field, Kind};
use super::lines::{self, Line};

/// A block of header fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// The number of its lines.
    pub lines: usize,
    /// Whether a mail program wrote it; else a person, as in a memorandum or in the pasted source of a message.
    pub is_mail: bool,
}

/// The most fields, and the most lines, that are looked at.
const MOST_FIELDS: usize = 12;
const MOST_LINES: usize = 24;

/// The most fields of an author directly above a block.
const MOST_ABOVE: usize = 4;

/// The most lines on which the value of a field continues.
const MOST_CONTINUED: usize = 3;

/// The block that begins at this line, which must be a field; none if there are fewer than two.
pub fn at(lines: &[Line], fields: &[Option<Field>], first: usize) -> Option<Block> {
    fields[first]?;
    let depth = lines[first].depth;
    let mut found: Vec<(Field, String)> = Vec::new();
    let (mut length, mut skipped, mut blank) = (0, 0, false);
    // Whether empty lines separate the fields: then all of them, or else they belong to different lists.
    let mut spaced = None;
    let window = lines[first..].iter().zip(&fields[first..]).take(MOST_LINES).enumerate();
    for (index, (line, field)) in window {
        if line.depth != depth || found.len() == MOST_FIELDS {
            break;
        }
        match field {
            Some(_) if index > 0 && *spaced.get_or_insert(blank) != blank => break,
            Some(field) => {
                found.push((*field, field.value.to_owned()));
                (length, skipped, blank) = (index + 1, 0, false);
            }
            None if line.words.is_empty() && !blank && (skipped == 0 || spaced == Some(true)) => blank = true,
            None if line.words.is_empty() => break,
            // The list of addresses goes on.
            None if skipped < MOST_CONTINUED && !blank => {
                skipped += 1;
                if let Some((_, value)) = found.last_mut() {
                    value.push(' ');
                    value.push_str(line.beginning());
                }
            }
            None => break,
        }
    }
    let above = lines[..first].iter().rev().zip(fields[..first].iter().rev()).take(10);
    let is_source = above
        .take_while(|(line, _)| !line.words.is_empty())
        .any(|(_, field)| field.is_some_and(|field| field.kind == Kind::Source))
        || found.iter().any(|(field, _)| field.kind == Kind::Source);
    (found.len() >= 2).then(|| Block { lines: length, is_mail: !is_source && is_mail(&found) })
}

/// Whether the field at this line is no part of the block that a mail program wrote directly below it: that one has
/// such a field itself, and begins with the author.
pub fn is_above_block(lines: &[Line], fields: &[Option<Field>], first: usize) -> bool {
    let Some(field) = fields[first] else { return false };
    let glued = lines.iter().zip(fields).skip(first + 1).take(MOST_ABOVE);
    let below = glued.take_while(|(line, _)| !line.words.is_empty());
    let author =
        below.map(|(_, field)| *field).position(|field| field.is_some_and(|field| field.kind == Kind::From));
    let Some(start) = author.map(|author| first + 1 + author) else { return false };
    let Some(block) = at(lines, fields, start).filter(|block| block.is_mail) else { return false };
    let end = start + block.lines;
    lines[start..end].iter().all(|line| !line.words.is_empty())
        && fields[start..end].iter().flatten().any(|below| below.kind == field.kind)
}

/// The block at the beginning of marked lines, as Zimbra and Orange write it.
pub fn marked(lines: &[Line], fields: &[Option<Field>], first: usize) -> bool {
    let words = |at: &usize| !lines[*at].words.is_empty();
    let quoted =
        || (first..lines.len()).take_while(|at| lines[*at].is_quoted()).take(MOST_LINES).filter(words);
    let Some(start) = quoted().next() else { return false };
    let title = lines[start].beginning().to_lowercase();
    let titled = title
        .strip_prefix("message du ")
        .is_some_and(|date| moment(date).is_some_and(|date| date.full && date.clock));
    if !titled {
        return fields[start].is_some() && at(lines, fields, start).is_some_and(|block| block.is_mail);
    }
    let author = quoted().nth(1).and_then(|next| fields[next]);
    author.is_some_and(|author| author.kind == Kind::From && has_address(author.value))
}

/// Whether a line that begins with a field has the other ones too, as where a program lost the ends of lines.
pub fn is_on_one_line(field: &Field) -> bool {
    const SENT: &[&str] =
        &[" enviado: ", " enviado el: ", " sent: ", " date: ", " fecha: ", " enviada em: ", " gesendet: "];
    const SUBJECT: &[&str] = &[" asunto: ", " subject: ", " assunto: ", " betreff: "];
    const TO: &[&str] = &[" para: ", " to: ", " an: "];
    if field.kind != Kind::From {
        return false;
    }
    let value = field.value.replace('*', "").to_lowercase();
    let has = |names: &[&str]| names.iter().any(|name| value.contains(name));
    let address = value.split_whitespace().take(12).any(authors::is_address);
    address && has(SENT) && has(SUBJECT) && has(TO)
}

fn is_mail(found: &[(Field, String)]) -> bool {
    let value =
        |kind: Kind| found.iter().find(|(field, _)| field.kind == kind).map(|(_, value)| value.as_str());
    let Some(author) = value(Kind::From) else { return false };
    let kinds = [Kind::From, Kind::Sent, Kind::Date, Kind::To, Kind::Copy, Kind::Subject];
    let count = kinds.iter().filter(|kind| value(**kind).is_some()).count();
    let addressed = has_address(author) || value(Kind::To).is_some_and(has_address);
    let answers = value(Kind::Subject).is_some_and(is_answer);
    let sent = value(Kind::Sent).map(|value| moment(value).unwrap_or_default());
    let date = value(Kind::Date).and_then(moment).unwrap_or_default();
    match (count, sent) {
        (3.., Some(sent)) => {
            addressed
                || sent.full && sent.clock && (sent.weekday || answers) && value(Kind::Subject).is_some()
        }
        (3.., None) if value(Kind::Date).is_some() => {
            addressed && (date.clock || date.weekday) || answers && date.clock && date.full
        }
        (3.., None) => has_address(author) && answers,
        (2, Some(sent)) => has_address(author) && sent.full && sent.clock,
        (2, None) => has_address(author) && date.full && date.clock && date.weekday,
        _ => false,
    }
}

fn has_address(value: &str) -> bool {
    value.split_whitespace().take(40).any(authors::is_address)
}

fn is_answer(subject: &str) -> bool {
    const PREFIXES: &[&str] =
        &["re:", "rv:", "r:", "aw:", "fw:", "fwd:", "sv:", "res:", "[#", "antw:", "rép:", "ref:"];
    let subject = subject.to_lowercase();
    PREFIXES.iter().any(|prefix| subject.starts_with(prefix))
}

fn moment(value: &str) -> Option<Moment> {
    dates::read(&authors::tokens(lines::trim(value))?)
}
