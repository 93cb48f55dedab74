//! A document for all formats: sections of findings, text and tables, some with charts; signatures. Pure.

use chrono::NaiveDate;

/// A document in Spanish.
pub struct Document {
    pub entity: String,
    pub title: String,
    /// The code and the version of the procedure that requires the document, as one line.
    pub code: String,
    /// Lines under the title: the date and the approval.
    pub notes: Vec<String>,
    pub sections: Vec<Section>,
    /// At the end of the document.
    pub signatures: Vec<Signature>,
}

/// Its parts are shown in this order.
#[derive(Default)]
pub struct Section {
    /// At most 31 characters without `[]:*?/\`: the name of a sheet in a workbook.
    pub title: &'static str,
    pub text: Vec<String>,
    pub findings: Vec<FindingGroup>,
    pub passages: Vec<Passage>,
    pub tables: Vec<Table>,
    /// Whether the next section begins on a new page.
    pub ends_page: bool,
}

/// Findings under one heading.
pub struct FindingGroup {
    pub title: &'static str,
    pub findings: Vec<Finding>,
}

/// A sentence with its mark.
pub struct Finding {
    pub mark: Mark,
    pub text: String,
}

/// The mark of a finding: a word and a symbol, and a colour that adds nothing to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A target is met.
    Met,
    /// A target is missed, its limit is not.
    Warned,
    /// A target and its limit are missed.
    Missed,
    /// There are no data.
    NoData,
    /// A figure is worse than before.
    Worse,
    /// Nothing is worse than before.
    NotWorse,
    /// Nothing is to be done.
    Nothing,
    /// Something is to be done by a day that has not passed.
    Open,
    /// Something was to be done by a day that has passed.
    Overdue,
    /// Something is proposed.
    Proposed,
}

impl Mark {
    pub fn word(self) -> &'static str {
        match self {
            Mark::Met => "Cumple",
            Mark::Warned => "En alerta",
            Mark::Missed => "No cumple",
            Mark::NoData => "Sin datos",
            Mark::Worse => "Empeoró",
            Mark::NotWorse => "Sin desmejora",
            Mark::Nothing => "Ninguna",
            Mark::Open => "En curso",
            Mark::Overdue => "Vencida",
            Mark::Proposed => "Propuesta",
        }
    }

    /// Each colour has a shape of its own.
    pub fn symbol(self) -> &'static str {
        match self.tone() {
            Tone::Green => "●",
            Tone::Yellow => "▲",
            Tone::Red => "■",
            Tone::Gray => "○",
        }
    }

    pub fn tone(self) -> Tone {
        match self {
            Mark::Met | Mark::NotWorse => Tone::Green,
            Mark::Warned | Mark::Open => Tone::Yellow,
            Mark::Missed | Mark::Worse | Mark::Overdue => Tone::Red,
            Mark::NoData | Mark::Nothing | Mark::Proposed => Tone::Gray,
        }
    }
}

/// The colour of a light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Green,
    Yellow,
    Red,
    Gray,
}

impl Tone {
    /// Red, green and blue: dark enough for text on white.
    pub fn color(self) -> [u8; 3] {
        match self {
            Tone::Green => [0x1b, 0x6e, 0x3a],
            Tone::Yellow => [0x8a, 0x58, 0x00],
            Tone::Red => [0xa6, 0x1b, 0x1b],
            Tone::Gray => [0x4d, 0x57, 0x63],
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Tone::Green => "green",
            Tone::Yellow => "yellow",
            Tone::Red => "red",
            Tone::Gray => "gray",
        }
    }
}

/// A text that a person wrote, with its line breaks.
pub struct Passage {
    pub title: String,
    pub text: String,
}

impl Passage {
    /// The lines of the text; an empty one separates paragraphs.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(str::trim_end)
    }
}

/// A line to sign on, with the name and the position of the person below it.
pub struct Signature {
    /// Such as `Elaboró`.
    pub label: &'static str,
    pub name: Option<String>,
    pub position: Option<String>,
}

/// Rows of cells; the first column names the row.
pub struct Table {
    pub title: String,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<Cell>>,
    pub chart: Option<Chart>,
}

/// How some columns of a table are drawn as a chart.
pub struct Chart {
    pub kind: ChartKind,
    pub title: String,
    /// The indexes of the drawn columns, three at most.
    pub series: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChartKind {
    /// Vertical bars side by side, for periods.
    Columns,
    /// Horizontal bars, for names.
    Bars,
    /// A line, for periods.
    Line,
}

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
    Mark(Mark),
    /// No value.
    Nothing,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Cell::Text(text.into())
    }

    pub fn share(share: Option<f64>) -> Self {
        share.map_or(Cell::Nothing, Cell::Share)
    }

    pub fn number(number: Option<f64>) -> Self {
        number.map_or(Cell::Nothing, Cell::Number)
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
            Cell::Text(_) | Cell::Day(_) | Cell::Mark(_) | Cell::Nothing => None,
        }
    }

    /// Formatted in Spanish.
    pub fn shown(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Day(day) => day.format("%d/%m/%Y").to_string(),
            Cell::Count(count) => grouped(&count.to_string()),
            Cell::Share(share) => format!("{} %", decimal(share * 100.0, 1)),
            Cell::Points(points) => format!("{} p. p.", decimal(points * 100.0, 1)),
            Cell::Number(number) => decimal(*number, 2),
            Cell::Mark(mark) => mark.word().to_owned(),
            Cell::Nothing => "–".to_owned(),
        }
    }

    pub fn is_number(&self) -> bool {
        !matches!(self, Cell::Text(_) | Cell::Mark(_))
    }
}

/// With a decimal comma and a dot as thousands separator.
pub fn decimal(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    // A number that is rounded to zero has no sign.
    let nothing = text.starts_with('-') && text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    let text = if nothing { text.replace('-', "") } else { text };
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{},{fraction}", grouped(whole)),
        None => grouped(&text),
    }
}

fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let mut text = String::from(sign);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_in_spanish() {
        for (cell, text) in [
            (Cell::Count(1_234_567), "1.234.567"),
            (Cell::Count(-999), "-999"),
            (Cell::Share(0.9751), "97,5 %"),
            (Cell::Number(1234.5), "1.234,50"),
            (Cell::Number(-0.001), "0,00"),
            (Cell::Points(-0.0123), "-1,2 p. p."),
            (Cell::Nothing, "–"),
            (Cell::Day(NaiveDate::from_ymd_opt(2026, 10, 1).unwrap()), "01/10/2026"),
        ] {
            assert_eq!(cell.shown(), text);
        }
    }

    #[test]
    fn marks_can_be_told_apart_without_colour() {
        let marks = [
            (Mark::Met, "Cumple", "●"),
            (Mark::Warned, "En alerta", "▲"),
            (Mark::Missed, "No cumple", "■"),
            (Mark::NoData, "Sin datos", "○"),
        ];
        for (mark, word, symbol) in marks {
            assert_eq!((mark.word(), mark.symbol()), (word, symbol));
        }
    }
}
