//! A document for all formats: sections of text and tables, some with charts. Pure.

use chrono::NaiveDate;

/// A document in Spanish.
pub struct Document {
    pub entity: String,
    pub title: String,
    /// Lines under the title: the date and the approval.
    pub notes: Vec<String>,
    pub sections: Vec<Section>,
}

pub struct Section {
    /// At most 31 characters without `[]:*?/\`: the name of a sheet in a workbook.
    pub title: &'static str,
    pub text: Vec<String>,
    pub tables: Vec<Table>,
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
            Cell::Text(_) | Cell::Day(_) | Cell::Nothing => None,
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
            Cell::Nothing => "–".to_owned(),
        }
    }

    pub fn is_number(&self) -> bool {
        !matches!(self, Cell::Text(_))
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
}
