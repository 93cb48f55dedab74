//! A document for all formats: sections of findings, text and tables, some with charts; signatures. Pure.

pub use crate::documents::cell::{Cell, Light};
pub use crate::documents::chart::ChartKind;

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

    pub fn light(self) -> Light {
        match self {
            Mark::Met | Mark::NotWorse => Light::Green,
            Mark::Warned | Mark::Open => Light::Yellow,
            Mark::Missed | Mark::Worse | Mark::Overdue => Light::Red,
            Mark::NoData | Mark::Nothing | Mark::Proposed => Light::Gray,
        }
    }
}

impl From<Mark> for Cell {
    fn from(mark: Mark) -> Self {
        Cell::Light(mark.light(), mark.word().to_owned())
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
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_can_be_told_apart_without_colour() {
        let marks = [
            (Mark::Met, "Cumple", "●"),
            (Mark::Warned, "En alerta", "▲"),
            (Mark::Missed, "No cumple", "■"),
            (Mark::NoData, "Sin datos", "○"),
        ];
        for (mark, word, symbol) in marks {
            assert_eq!((mark.word(), mark.light().symbol()), (word, symbol));
        }
    }
}
