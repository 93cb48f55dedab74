//! What is placed on pages from top to bottom: rows of cells, which may be divided between two pages, and figures.

use std::rc::Rc;

use super::tags::Node;
use crate::documents::cell::Light;
use crate::documents::drawing::{Color, Drawing};
use crate::documents::font::Font;

/// The distance of two lines, in parts of the font size.
const LEADING: f32 = 1.25;
/// The room of a light before its text, in parts of the font size.
pub const INDENT: f32 = 1.2;
/// How many lines of a divided row stay together.
const TOGETHER: usize = 3;

/// What drawn content is in the structure of the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mark {
    Element(Node),
    /// Repeated or decorative: not part of the structure.
    Header,
    Footer,
    Decoration,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Align {
    Left,
    Right,
}

#[derive(Debug, Clone)]
pub struct Line {
    pub text: String,
    pub font: Font,
    pub size: f32,
    pub color: Color,
    /// A coloured symbol before the text.
    pub light: Option<Light>,
}

impl Line {
    pub fn height(&self) -> f32 {
        self.size * LEADING
    }

    /// The width of the symbol and its distance from the text.
    pub fn indent(&self) -> f32 {
        if self.light.is_some() { self.size * INDENT } else { 0.0 }
    }
}

#[derive(Debug, Clone)]
pub struct Area {
    pub x: f32,
    pub width: f32,
    pub lines: Vec<Line>,
    pub mark: Mark,
    pub align: Align,
    pub fill: Option<Color>,
    /// A line on top, to sign on.
    pub ruled: bool,
}

impl Area {
    pub fn new(x: f32, width: f32, lines: Vec<Line>, mark: Mark) -> Self {
        Area { x, width, lines, mark, align: Align::Left, fill: None, ruled: false }
    }

    fn height(&self) -> f32 {
        self.lines.iter().map(Line::height).sum()
    }

    /// How many lines have room in this height.
    fn fitting(&self, height: f32) -> usize {
        let mut used = 0.0;
        let fits = |line: &&Line| {
            used += line.height();
            used <= height + 0.01
        };
        self.lines.iter().take_while(fits).count()
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Border {
    None,
    /// Around each cell.
    Box,
    /// A line below.
    Below(Color, f32),
}

/// Cells beside each other, of one height.
#[derive(Debug, Clone)]
pub struct Row {
    pub cells: Vec<Area>,
    pub padding: f32,
    /// Free space above the cells.
    pub space: f32,
    pub border: Border,
    /// Whether it may be divided even if it is short.
    pub flows: bool,
}

impl Row {
    pub fn new(cells: Vec<Area>, border: Border) -> Self {
        Row {
            cells,
            padding: if border == Border::None { 0.0 } else { 3.0 },
            space: 0.0,
            border,
            flows: false,
        }
    }

    pub fn height(&self) -> f32 {
        self.cells.iter().map(Area::height).fold(0.0, f32::max) + 2.0 * self.padding + self.space
    }

    /// The height that it needs on the page where it begins. A page is `page` high.
    fn begins_with(&self, page: f32) -> f32 {
        let height = self.height();
        if !self.flows && height <= page * 0.3 {
            return height;
        }
        let first = |area: &Area| area.lines.iter().take(TOGETHER).map(Line::height).sum::<f32>();
        let lines = self.cells.iter().map(first).fold(0.0, f32::max);
        height.min(lines + 2.0 * self.padding + self.space)
    }

    /// Divides it so that the first part has room in this height, with a line at least.
    pub fn divided(self, height: f32) -> (Row, Option<Row>) {
        let room = height - 2.0 * self.padding - self.space;
        let (mut first, mut rest) = (self.clone(), self);
        rest.space = 0.0;
        for (area, later) in first.cells.iter_mut().zip(&mut rest.cells) {
            let fitting = area.fitting(room).max(1).min(area.lines.len());
            later.lines.drain(..fitting);
            area.lines.truncate(fitting);
        }
        let is_done = rest.cells.iter().all(|area| area.lines.is_empty());
        (first, (!is_done).then_some(rest))
    }
}

pub enum Body {
    Row(Row),
    Figure {
        drawing: Rc<Drawing>,
        node: Node,
    },
    /// The following begins on a new page.
    NewPage,
}

/// One thing to be placed.
pub struct Piece {
    pub body: Body,
    /// The distance from the piece above.
    pub gap: f32,
    /// Whether it stays on the page of the next piece.
    pub keep: bool,
    /// The rows that are repeated above it at the top of a page: the names of a table's columns.
    pub repeated: Option<Rc<Vec<Row>>>,
    /// Its name in the outline of the file.
    pub anchor: Option<String>,
}

impl Piece {
    pub fn row(row: Row) -> Self {
        Piece { body: Body::Row(row), gap: 0.0, keep: false, repeated: None, anchor: None }
    }

    pub fn below(self, gap: f32) -> Self {
        Piece { gap, ..self }
    }

    pub fn kept(self) -> Self {
        Piece { keep: true, ..self }
    }

    /// The height that it needs on the page where it begins.
    pub fn begins_with(&self, width: f32, page: f32) -> f32 {
        match &self.body {
            Body::Row(row) if self.keep => row.height().min(page * 0.5),
            Body::Row(row) => row.begins_with(page),
            Body::Figure { drawing, .. } => drawing_height(drawing, width) * SMALLEST,
            Body::NewPage => 0.0,
        }
    }
}

/// How far a figure may be scaled down to stay on its page.
pub const SMALLEST: f32 = 0.7;

/// The height of a drawing over this width.
pub fn drawing_height(drawing: &Drawing, width: f32) -> f32 {
    (drawing.height / drawing.width) as f32 * width
}
