//! The comments of the surveys of a quarter, without names, addresses and numbers.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::policy::Role;
use crate::db::schema::{surveys, tickets, users};
use crate::problem::Result;
use crate::statistics::disclosure::{FEWEST, WithheldReason};

/// The comments of the surveys that were answered in a quarter.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ReportComments {
    /// The comments in alphabetical order, without the names of the people of the ticket and of the staff, email
    /// addresses, and numbers of telephones and documents. Empty if they are withheld.
    #[schema(max_items = 40, max_length = 2000)]
    pub texts: Vec<String>,
    /// The number of comments that are not shown because there are more than 40.
    pub omitted_count: i64,
    /// Why no comments are shown; `null` if they are not withheld. With fewer than five answers it could be concluded who
    /// wrote a comment.
    #[serde(rename = "withheld_reason")]
    pub withheld: Option<WithheldReason>,
}

/// The maximum number of comments.
const MOST: usize = 40;
/// The maximum length of a comment, in characters.
const LONGEST: usize = 600;

impl ReportComments {
    /// The latest comments of a period, if enough surveys were answered in it.
    pub fn of_period(
        tx: &mut PgConnection,
        (begin, end): (DateTime<Utc>, DateTime<Utc>),
        answered: i64,
    ) -> Result<Self> {
        if answered < FEWEST {
            return Ok(Self::withheld(WithheldReason::FewAnswers));
        }
        let of_period = surveys::table
            .filter(surveys::answered_at.ge(begin).and(surveys::answered_at.lt(end)))
            .filter(surveys::comment.is_not_null());
        let rows: Vec<(Option<String>, String)> = of_period
            .inner_join(tickets::table.on(tickets::id.eq(surveys::ticket_id)))
            .order((surveys::answered_at.desc(), surveys::id))
            .limit(i64::try_from(MOST).unwrap_or(i64::MAX))
            .select((surveys::comment, tickets::requester_full_name))
            .load(tx)?;
        let count: i64 = of_period.count().get_result(tx)?;
        let staff: Vec<String> =
            users::table.filter(users::role.ne(Role::Requester)).select(users::full_name).load(tx)?;
        let staff = names(staff.iter().map(String::as_str));
        let clean = |(comment, requester): &(Option<String>, String)| {
            let mut known = names([requester.as_str()]);
            known.extend(staff.iter().cloned());
            comment.as_deref().map(|comment| anonymous(comment, &known))
        };
        let mut texts: Vec<String> =
            rows.iter().filter_map(clean).filter(|comment| !comment.is_empty()).collect();
        // Not in the order of the answers.
        texts.sort_by_cached_key(|comment| folded(comment));
        Ok(ReportComments {
            texts,
            omitted_count: count - i64::try_from(rows.len()).unwrap_or(count),
            withheld: None,
        })
    }

    pub fn withheld(reason: WithheldReason) -> Self {
        ReportComments { withheld: Some(reason), ..Self::default() }
    }
}

/// Words of names that are common words too: they name nobody on their own.
const PARTICLES: [&str; 12] = ["de", "del", "la", "las", "los", "el", "y", "da", "do", "san", "santa", "mac"];

/// The words of these names.
fn names<'a>(full_names: impl IntoIterator<Item = &'a str>) -> HashSet<String> {
    let mut words = HashSet::new();
    for name in full_names {
        // Accents that are characters of their own divide no word.
        let name = folded(name);
        let known = parts(&name).filter(|word| word.chars().count() > 1 && !PARTICLES.contains(word));
        words.extend(known.map(str::to_owned));
    }
    words
}

/// Titles that a name follows, also of people whom the desk does not know.
const TITLES: [&str; 20] = [
    "señor",
    "señora",
    "señorita",
    "sr",
    "sra",
    "srta",
    "don",
    "doña",
    "doctor",
    "doctora",
    "dr",
    "dra",
    "ingeniero",
    "ingeniera",
    "ing",
    "funcionario",
    "funcionaria",
    "compañero",
    "compañera",
    "licenciado",
];

/// The comment in one line, with names, addresses and numbers replaced.
fn anonymous(comment: &str, names: &HashSet<String>) -> String {
    let mut words: Vec<String> = Vec::new();
    // Whether the next word may be a name because a title precedes it.
    let mut titled = false;
    for word in comment.split_whitespace() {
        if is_address(word) {
            words.push("[correo]".to_owned());
            titled = false;
            continue;
        }
        let plain = folded(word);
        let bare = plain.trim_matches(|c: char| !c.is_alphanumeric());
        let is_title = TITLES.iter().any(|title| folded(title) == bare);
        let capital = word.chars().find(|c| c.is_alphanumeric()).is_some_and(char::is_uppercase);
        let is_name = parts(&plain).any(|part| names.contains(part)) || titled && capital && !is_title;
        titled = is_title || is_name && !word.ends_with(['.', ',', ';', ':', '!', '?']);
        if is_name {
            let end: String = plain.chars().rev().take_while(|c| !c.is_alphanumeric()).collect();
            let end: String = end.chars().rev().collect();
            // Several words of one name are one mark.
            match words.last_mut() {
                Some(last) if last == "[nombre]" => last.push_str(&end),
                _ => words.push(format!("[nombre]{end}")),
            }
        } else {
            words.push(word.to_owned());
        }
    }
    let text = without_numbers(&words.join(" "));
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text,
    }
}

fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty())
}

fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, domain)| {
        name.chars().any(char::is_alphanumeric) && domain.chars().any(char::is_alphanumeric)
    })
}

/// The minimum number of digits of a telephone or document.
const FEWEST_DIGITS: usize = 6;

/// Replaces runs of digits with separators between them. Dates and amounts of as many digits are replaced too.
fn without_numbers(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let (mut clean, mut place) = (String::new(), 0);
    while place < characters.len() {
        if !characters[place].is_ascii_digit() {
            clean.push(characters[place]);
            place += 1;
            continue;
        }
        let (mut end, mut digits, mut next) = (place, 0, place);
        while next < characters.len() {
            let character = characters[next];
            if character.is_ascii_digit() {
                digits += 1;
                end = next + 1;
            } else if !matches!(character, ' ' | '.' | '-' | '(' | ')' | '+' | '/') || next - end >= 2 {
                break;
            }
            next += 1;
        }
        if digits >= FEWEST_DIGITS {
            if clean.ends_with('+') {
                clean.pop();
            }
            clean.push_str("[número]");
        } else {
            clean.extend(&characters[place..end]);
        }
        place = end;
    }
    clean
}

/// In lower case and without accents.
fn folded(text: &str) -> String {
    let plain = |character: char| match character {
        'á' | 'à' | 'ä' | 'â' => 'a',
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'í' | 'ì' | 'ï' | 'î' => 'i',
        'ó' | 'ò' | 'ö' | 'ô' => 'o',
        'ú' | 'ù' | 'ü' | 'û' => 'u',
        'ñ' => 'n',
        other => other,
    };
    // Accents may be characters of their own.
    let is_mark = |character: &char| ('\u{300}'..='\u{36f}').contains(character);
    text.chars().flat_map(char::to_lowercase).filter(|character| !is_mark(character)).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_numbers_are_replaced() {
        let known = names(["Ana María Restrepo de la Cruz", "Tomás Ríos"]);
        for (comment, clean) in [
            ("Gracias a Tomás Ríos, muy amable.", "Gracias a [nombre], muy amable."),
            ("tomas rios no vino", "[nombre] no vino"),
            ("Soy ANA MARIA; llámenme al 300 123 45 67", "Soy [nombre]; llámenme al [número]"),
            ("Mi cédula es 43.111.222 (ana.restrepo@itagui.gov.co).", "Mi cédula es [número] [correo]"),
            ("El ingeniero Carlos Peña fue claro.", "El ingeniero [nombre] fue claro."),
            ("La Sra. Gómez atendió bien", "La Sra. [nombre] atendió bien"),
            ("Muy bien la atención de la mesa", "Muy bien la atención de la mesa"),
            ("Esperé 3 días, piso 12.", "Esperé 3 días, piso 12."),
            ("Tel. +57 (604) 373-7676 ext 14", "Tel. [número] ext 14"),
            ("Línea uno\n\nlínea dos", "Línea uno línea dos"),
            ("Toma\u{301}s respondió", "[nombre] respondió"),
            ("Restrepo/Ríos", "[nombre]"),
        ] {
            assert_eq!(anonymous(comment, &known), clean);
        }
    }

    #[test]
    fn a_long_comment_is_cut() {
        let long = anonymous(&"a".repeat(LONGEST + 50), &HashSet::new());
        assert_eq!(long.chars().count(), LONGEST + 1);
    }
}
