//! A typed value of a document: written as text in the document's language, and as a number or date in a workbook.

use chrono::NaiveDate;

use crate::language::Locale;

/// The value of a cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Text(String),
    Day(NaiveDate),
    Count(i64),
    /// From 0 to 1.
    Share(f64),
    /// The difference of two shares: 0.01 is one percentage point.
    Points(f64),
    /// With two decimals.
    Number(f64),
    /// A traffic light with its meaning in words.
    Light(Light, String),
    /// No value.
    Nothing,
}

/// The colour of a traffic light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    Green,
    Yellow,
    Orange,
    Red,
    /// Neither good nor bad.
    Gray,
}

impl Light {
    /// Red, green and blue: dark enough for text on white.
    pub fn color(self) -> [u8; 3] {
        match self {
            Light::Green => [0x1b, 0x6e, 0x3a],
            Light::Yellow => [0x8a, 0x58, 0x00],
            Light::Orange => [0xa8, 0x47, 0x00],
            Light::Red => [0xa6, 0x1b, 0x1b],
            Light::Gray => [0x4d, 0x57, 0x63],
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Light::Green => "green",
            Light::Yellow => "yellow",
            Light::Orange => "orange",
            Light::Red => "red",
            Light::Gray => "gray",
        }
    }

    /// Each colour has a shape of its own.
    pub fn symbol(self) -> &'static str {
        match self {
            Light::Green => "●",
            Light::Yellow => "▲",
            Light::Orange => "►",
            Light::Red => "■",
            Light::Gray => "○",
        }
    }
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Cell::Text(text.into())
    }

    /// The text, or no value.
    pub fn optional(text: Option<impl Into<String>>) -> Self {
        text.map_or(Cell::Nothing, Self::text)
    }

    pub fn share(share: Option<f64>) -> Self {
        share.map_or(Cell::Nothing, Cell::Share)
    }

    pub fn number(number: Option<f64>) -> Self {
        number.map_or(Cell::Nothing, Cell::Number)
    }

    pub fn day(day: Option<NaiveDate>) -> Self {
        day.map_or(Cell::Nothing, Cell::Day)
    }

    /// Converts minutes to hours.
    pub fn hours(minutes: Option<f64>) -> Self {
        Self::number(minutes.map(|minutes| minutes / 60.0))
    }

    /// The numeric value, if there is one; a share in percent.
    pub fn value(&self) -> Option<f64> {
        match self {
            Cell::Count(count) => Some(*count as f64),
            Cell::Share(share) | Cell::Points(share) => Some(share * 100.0),
            Cell::Number(number) => Some(*number),
            Cell::Text(_) | Cell::Day(_) | Cell::Light(..) | Cell::Nothing => None,
        }
    }

    /// As text.
    pub fn shown(&self, locale: Locale) -> String {
        match self {
            Cell::Text(text) | Cell::Light(_, text) => text.clone(),
            Cell::Day(day) => match locale {
                Locale::Es => day.format("%d/%m/%Y").to_string(),
                Locale::En => day.format("%-d %b %Y").to_string(),
            },
            Cell::Count(count) => grouped(&count.to_string(), locale),
            Cell::Share(share) => match locale {
                Locale::Es => format!("{} %", decimal(share * 100.0, 1, locale)),
                Locale::En => format!("{}%", decimal(share * 100.0, 1, locale)),
            },
            Cell::Points(points) => {
                let unit = if locale == Locale::Es { "p. p." } else { "pp" };
                format!("{} {unit}", decimal(points * 100.0, 1, locale))
            }
            Cell::Number(number) => decimal(*number, 2, locale),
            Cell::Nothing => "–".to_owned(),
        }
    }

    /// Whether it is aligned as numbers are.
    pub fn is_number(&self) -> bool {
        !matches!(self, Cell::Text(_) | Cell::Light(..))
    }
}

/// In Spanish with a decimal comma and a dot as thousands separator, in English the other way round.
pub fn decimal(number: f64, decimals: usize, locale: Locale) -> String {
    let text = format!("{number:.decimals$}");
    // A number that is rounded to zero has no sign.
    let nothing = text.starts_with('-') && text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    let text = if nothing { text.replace('-', "") } else { text };
    let point = if locale == Locale::Es { ',' } else { '.' };
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{}{point}{fraction}", grouped(whole, locale)),
        None => grouped(&text, locale),
    }
}

fn grouped(digits: &str, locale: Locale) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let mut text = String::from(sign);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(if locale == Locale::Es { '.' } else { ',' });
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_in_their_language() {
        for (cell, es, en) in [
            (Cell::Count(1_234_567), "1.234.567", "1,234,567"),
            (Cell::Count(-999), "-999", "-999"),
            (Cell::Share(0.9751), "97,5 %", "97.5%"),
            (Cell::Number(1234.5), "1.234,50", "1,234.50"),
            (Cell::Number(-0.001), "0,00", "0.00"),
            (Cell::Points(-0.0123), "-1,2 p. p.", "-1.2 pp"),
            (Cell::Nothing, "–", "–"),
            (Cell::Day(NaiveDate::from_ymd_opt(2026, 10, 1).unwrap()), "01/10/2026", "1 Oct 2026"),
        ] {
            assert_eq!((cell.shown(Locale::Es).as_str(), cell.shown(Locale::En).as_str()), (es, en));
        }
    }
}
