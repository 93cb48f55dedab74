//! Places pieces on pages: headings stay with what follows, names of columns are repeated, long rows are divided.

use std::collections::VecDeque;
use std::rc::Rc;

use super::pieces::{Align, Area, Body, Border, Mark, Piece, Row, SMALLEST, drawing_height};
use crate::documents::drawing::{Anchor, Color, Drawing, Shape};
use crate::documents::font::Font;

pub const DARK: Color = [0x1b, 0x24, 0x30];
pub const LINE: Color = [0x55, 0x5f, 0x6b];

/// Something drawn at a place of a page, whose origin is at the top left.
pub enum Op {
    Text {
        x: f32,
        y: f32,
        font: Font,
        size: f32,
        color: Color,
        text: String,
    },
    Line {
        from: (f32, f32),
        to: (f32, f32),
        thick: f32,
        color: Color,
    },
    Fill {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        color: Color,
    },
    Dot {
        x: f32,
        y: f32,
        radius: f32,
        color: Color,
    },
    Logo {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
    },
    /// Nothing: an empty cell.
    Empty,
}

/// A place in the outline: name, page and vertical position.
pub struct Place {
    pub name: String,
    pub page: usize,
    pub y: f32,
}

/// The part of a page that pieces are placed in.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    pub left: f32,
    pub width: f32,
    /// Of the first page.
    pub first_top: f32,
    /// Of the other pages.
    pub top: f32,
    pub bottom: f32,
}

pub type Page = Vec<(Mark, Op)>;

pub struct Pages {
    frame: Frame,
    pub done: Vec<Page>,
    pub places: Vec<Place>,
    y: f32,
    fresh: bool,
}

impl Pages {
    /// All pieces on as many pages as they need.
    pub fn of(frame: Frame, pieces: Vec<Piece>) -> Self {
        let mut pages =
            Pages { frame, done: vec![Vec::new()], places: Vec::new(), y: frame.first_top, fresh: true };
        let mut waiting = VecDeque::from(pieces);
        while let Some(piece) = waiting.pop_front() {
            if matches!(piece.body, Body::NewPage) {
                if !pages.fresh {
                    pages.turn(None);
                }
                continue;
            }
            let needed = pages.needed(&piece, &waiting);
            if !pages.fresh && pages.y + piece.gap + needed > frame.bottom + 0.01 {
                pages.turn(piece.repeated.as_ref());
            }
            if let Some(rest) = pages.place(piece) {
                waiting.push_front(rest);
            }
        }
        pages
    }

    fn height(&self) -> f32 {
        self.frame.bottom - self.frame.top
    }

    /// The height of a piece and of those that it stays with.
    fn needed(&self, piece: &Piece, waiting: &VecDeque<Piece>) -> f32 {
        let (width, page) = (self.frame.width, self.height());
        let mut needed = piece.begins_with(width, page);
        let mut keep = piece.keep;
        for next in waiting {
            if !keep {
                break;
            }
            needed += next.gap + next.begins_with(width, page);
            keep = next.keep;
        }
        needed
    }

    fn turn(&mut self, repeated: Option<&Rc<Vec<Row>>>) {
        self.done.push(Vec::new());
        self.y = self.frame.top;
        self.fresh = true;
        for row in repeated.into_iter().flat_map(|rows| rows.iter()) {
            self.draw_row(row, Some(Mark::Decoration));
        }
    }

    /// Draws it, or its first part; returns the rest.
    fn place(&mut self, piece: Piece) -> Option<Piece> {
        let Piece { body, gap, keep, repeated, anchor } = piece;
        if !self.fresh {
            self.y += gap;
        }
        if let Some(name) = anchor {
            self.places.push(Place { name, page: self.done.len() - 1, y: self.y });
        }
        let room = self.frame.bottom - self.y;
        let rest = match body {
            Body::Row(row) if row.height() <= room + 0.01 => {
                self.draw_row(&row, None);
                None
            }
            Body::Row(row) => {
                let (first, rest) = row.divided(room);
                self.draw_row(&first, None);
                rest.map(|rest| {
                    self.turn(repeated.as_ref());
                    Piece { body: Body::Row(rest), gap: 0.0, keep, repeated, anchor: None }
                })
            }
            Body::Figure { drawing, node } => {
                let full = drawing_height(&drawing, self.frame.width);
                let scale = (room / full).clamp(SMALLEST, 1.0).min(self.height() / full);
                self.draw_figure(&drawing, Mark::Element(node), scale);
                None
            }
            Body::NewPage => None,
        };
        if rest.is_none() {
            self.fresh = false;
        }
        rest
    }

    fn push(&mut self, mark: Mark, op: Op) {
        if let Some(page) = self.done.last_mut() {
            page.push((mark, op));
        }
    }

    /// `mark` replaces the marks of a row that is repeated.
    fn draw_row(&mut self, row: &Row, mark: Option<Mark>) {
        let (top, height) = (self.y + row.space, row.height() - row.space);
        for area in &row.cells {
            if let Some(color) = area.fill {
                let (x, width) = (area.x, area.width);
                self.push(Mark::Decoration, Op::Fill { x, y: top, width, height, color });
            }
        }
        for area in &row.cells {
            self.draw_area(row, area, top, mark.unwrap_or(area.mark));
        }
        for area in &row.cells {
            self.draw_border(row.border, area, top, height);
        }
        self.y = top + height;
        self.fresh = self.fresh && mark.is_some();
    }

    fn draw_area(&mut self, row: &Row, area: &Area, top: f32, mark: Mark) {
        let side = if row.border == Border::None { 0.0 } else { 4.0 };
        let mut y = top + row.padding;
        if area.lines.iter().all(|line| line.text.is_empty() && line.light.is_none()) {
            self.push(mark, Op::Empty);
        }
        for (number, line) in area.lines.iter().enumerate() {
            let width = line.font.width(&line.text, line.size) + line.indent();
            let x = match area.align {
                Align::Left => area.x + side,
                Align::Right => area.x + area.width - side - width,
            };
            let base = y + line.height() * 0.5 + line.size * 0.36;
            if let Some(light) = line.light {
                let (text, color, size) = (light.symbol().to_owned(), light.color(), line.size * 1.15);
                self.push(Mark::Decoration, Op::Text { x, y: base, font: Font::Regular, size, color, text });
            }
            // A space separates the last word of the line from the first one of the next line.
            let is_last = number + 1 == area.lines.len();
            let text =
                if is_last || line.text.is_empty() { line.text.clone() } else { format!("{} ", line.text) };
            let (font, size, color) = (line.font, line.size, line.color);
            if !text.is_empty() {
                self.push(mark, Op::Text { x: x + line.indent(), y: base, font, size, color, text });
            }
            y += line.height();
        }
    }

    fn draw_border(&mut self, border: Border, area: &Area, top: f32, height: f32) {
        let (left, right, bottom) = (area.x, area.x + area.width, top + height);
        let mut line = |from, to, thick, color| {
            self.push(Mark::Decoration, Op::Line { from, to, thick, color });
        };
        match border {
            Border::None => {}
            Border::Below(color, thick) => line((left, bottom), (right, bottom), thick, color),
            Border::Box => {
                line((left, top), (right, top), 0.6, LINE);
                line((left, bottom), (right, bottom), 0.6, LINE);
                line((left, top), (left, bottom), 0.6, LINE);
                line((right, top), (right, bottom), 0.6, LINE);
            }
        }
        if area.ruled {
            line((left, top), (right, top), 0.8, DARK);
        }
    }

    fn draw_figure(&mut self, drawing: &Drawing, mark: Mark, part: f32) {
        let scale = self.frame.width * part / drawing.width as f32;
        let (left, top) = (self.frame.left + self.frame.width * (1.0 - part) / 2.0, self.y);
        let at = |(x, y): (f64, f64)| (left + x as f32 * scale, top + y as f32 * scale);
        for shape in &drawing.shapes {
            let op = match shape {
                Shape::Box { x, y, width, height, color } => {
                    let (x, y) = at((*x, *y));
                    let (width, height) = (*width as f32 * scale, *height as f32 * scale);
                    Op::Fill { x, y, width, height, color: *color }
                }
                Shape::Line { from, to, thick, color } => {
                    Op::Line { from: at(*from), to: at(*to), thick: *thick as f32 * scale, color: *color }
                }
                Shape::Dot { at: middle, radius, color } => {
                    let (x, y) = at(*middle);
                    Op::Dot { x, y, radius: *radius as f32 * scale, color: *color }
                }
                Shape::Text { at: place, size, anchor, text } => {
                    let (size, (x, y)) = (*size as f32 * scale, at(*place));
                    let text = crate::documents::font::printable(text).replace('\n', " ");
                    let width = Font::Regular.width(&text, size);
                    let x = match anchor {
                        Anchor::Start => x,
                        Anchor::Middle => x - width / 2.0,
                        Anchor::End => x - width,
                    };
                    Op::Text { x, y, font: Font::Regular, size, color: DARK, text: format!("{text} ") }
                }
            };
            self.push(mark, op);
        }
        self.y += drawing.height as f32 * scale;
        self.fresh = false;
    }
}
