//! The content of a document, in the order in which it is read. Pure.

use std::sync::Arc;

use chrono::NaiveDate;

use super::cell::{Cell, Light};
use super::drawing::Drawing;
use crate::config::logo::Logo;
use crate::language::Locale;

/// A document in one language.
pub struct Document {
    pub locale: Locale,
    /// The entity that issues it.
    pub entity: String,
    pub logo: Option<Arc<Logo>>,
    pub title: String,
    pub head: Head,
    /// Wider than high.
    pub landscape: bool,
    pub parts: Vec<Part>,
}

/// What is at the top of a document.
pub enum Head {
    /// A box on every page, as forms have it.
    Form(FormHead),
    /// The entity, the title and some lines on the first page.
    Report { notes: Vec<String> },
}

/// The identification of a form in the entity's quality system.
#[derive(Debug, Clone, PartialEq)]
pub struct FormHead {
    /// The process that the form belongs to.
    pub process: String,
    pub code: String,
    pub version: Option<String>,
    /// The day from which this version applies.
    pub valid_from: Option<NaiveDate>,
}

/// One record, or one section: a sheet of a workbook.
pub struct Part {
    /// Names the sheet, and the place in the outline of a PDF file.
    pub name: String,
    /// Whether it begins on a new page.
    pub new_page: bool,
    pub blocks: Vec<Block>,
}

pub enum Block {
    Heading(String),
    /// A heading below another one.
    Subheading(String),
    /// Its line breaks are kept.
    Text(String),
    /// Sentences with their lights.
    Findings(Vec<Finding>),
    /// Labelled values in rows of twelve columns.
    Fields(Vec<Field>),
    Table(Table),
    Figure(Figure),
    Signatures(Vec<Signature>),
}

/// A sentence with a light, and the meaning of the light in a word.
pub struct Finding {
    pub light: Light,
    pub word: String,
    pub text: String,
}

/// A labelled value in a box.
pub struct Field {
    pub label: String,
    pub value: Cell,
    /// The width of the box, from 1 to 12.
    pub columns: u8,
}

impl Field {
    pub fn new(label: impl Into<String>, value: Cell, columns: u8) -> Self {
        Field { label: label.into(), value, columns: columns.clamp(1, 12) }
    }

    /// Over the whole width.
    pub fn wide(label: impl Into<String>, value: Cell) -> Self {
        Self::new(label, value, 12)
    }
}

/// Rows of cells under the names of their columns.
pub struct Table {
    pub title: Option<String>,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
    /// Whether the first cell of a row is its name.
    pub named_rows: bool,
}

impl Table {
    /// Whether a column has numbers, which are aligned to the right.
    pub fn is_of_numbers(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.get(column));
        let has_number = cells.clone().any(Cell::is_number);
        has_number && cells.all(|cell| cell.is_number() || *cell == Cell::Nothing)
    }
}

/// A drawing with a title.
pub struct Figure {
    pub title: String,
    pub drawing: Drawing,
    /// What the drawing shows, for those who do not see it.
    pub description: String,
}

/// A place for a signature.
pub struct Signature {
    /// What the signature means: `Elaboró`, `Aprobó`.
    pub role: String,
    /// The name under the line; empty for a line to be filled in by hand.
    pub name: String,
    /// The post under the name.
    pub post: Option<String>,
    /// How and when it was signed in the system.
    pub note: Option<String>,
}

impl Document {
    /// A fixed text in the document's language.
    pub fn fixed(&self, es: &'static str, en: &'static str) -> &'static str {
        match self.locale {
            Locale::Es => es,
            Locale::En => en,
        }
    }
}

impl FormHead {
    /// Label and value of each line of the box, without the number of the page.
    pub fn lines(&self, document: &Document) -> Vec<(&'static str, String)> {
        let mut lines = vec![(document.fixed("Código", "Code"), self.code.clone())];
        if let Some(version) = &self.version {
            lines.push((document.fixed("Versión", "Version"), version.clone()));
        }
        if let Some(day) = self.valid_from {
            lines.push((document.fixed("Fecha", "Date"), Cell::Day(day).shown(document.locale)));
        }
        lines
    }
}
