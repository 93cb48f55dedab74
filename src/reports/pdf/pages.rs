//! Pages that are written from top to bottom; a full page is followed by a new one.

use pdf_writer::{Content, Name, Str};

use super::font::{Font, encoded};
use crate::reports::chart::{Anchor, Color, Drawing, Shape};

/// A4, in points.
pub const WIDTH: f64 = 595.28;
pub const HEIGHT: f64 = 841.89;
pub const MARGIN: f64 = 48.0;
/// The top of the page footer.
const BOTTOM: f64 = 60.0;

pub const REGULAR: Name<'static> = Name(b"F1");
pub const BOLD: Name<'static> = Name(b"F2");
pub const LOGO: Name<'static> = Name(b"Logo");
pub const DARK: Color = [0x1b, 0x24, 0x30];

/// The content of the pages so far.
pub struct Pages {
    done: Vec<Content>,
    current: Content,
    /// The vertical position of the next line.
    pub y: f64,
}

impl Pages {
    pub fn new() -> Self {
        Pages { done: Vec::new(), current: Content::new(), y: HEIGHT - MARGIN }
    }

    /// Begins a new page unless this much space is left; returns whether it did.
    pub fn need(&mut self, height: f64) -> bool {
        if self.y - height >= BOTTOM || self.is_fresh() {
            return false;
        }
        self.done.push(std::mem::replace(&mut self.current, Content::new()));
        self.y = HEIGHT - MARGIN;
        true
    }

    fn is_fresh(&self) -> bool {
        self.y >= HEIGHT - MARGIN
    }

    pub fn text(&mut self, font: Font, size: f64, (x, y): (f64, f64), color: Color, text: &str) {
        let [red, green, blue] = color.map(|part| f32::from(part) / 255.0);
        let name = if font == Font::Regular { REGULAR } else { BOLD };
        self.current.set_fill_rgb(red, green, blue);
        self.current.begin_text().set_font(name, size as f32).next_line(x as f32, y as f32);
        self.current.show(Str(&encoded(text))).end_text();
    }

    /// Text over the whole width, in as many lines as needed.
    pub fn paragraph(&mut self, font: Font, size: f64, color: Color, text: &str) {
        for line in font.wrapped(text, size, WIDTH - 2.0 * MARGIN) {
            self.need(size * 1.4);
            self.y -= size * 1.4;
            self.text(font, size, (MARGIN, self.y), color, &line);
        }
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), thick: f64, color: Color) {
        let [red, green, blue] = color.map(|part| f32::from(part) / 255.0);
        self.current.set_stroke_rgb(red, green, blue).set_line_width(thick as f32);
        self.current.move_to(from.0 as f32, from.1 as f32).line_to(to.0 as f32, to.1 as f32).stroke();
    }

    /// The logo at the top right of the page, in a box of this width and height.
    pub fn logo(&mut self, (width, height): (f64, f64)) {
        let (x, y) = (WIDTH - MARGIN - width, HEIGHT - MARGIN - height);
        self.current.save_state();
        self.current.transform([width as f32, 0.0, 0.0, height as f32, x as f32, y as f32]);
        self.current.x_object(LOGO).restore_state();
    }

    /// A drawing over the whole width.
    pub fn drawing(&mut self, drawing: &Drawing) {
        let scale = (WIDTH - 2.0 * MARGIN) / drawing.width;
        self.need(drawing.height * scale);
        let top = self.y;
        let at = |(x, y): (f64, f64)| (MARGIN + x * scale, top - y * scale);
        for shape in &drawing.shapes {
            match shape {
                Shape::Box { x, y, width, height, color } => {
                    let [red, green, blue] = color.map(|part| f32::from(part) / 255.0);
                    let (left, bottom) = at((*x, y + height));
                    self.current.set_fill_rgb(red, green, blue);
                    let (width, height) = (width * scale, height * scale);
                    self.current.rect(left as f32, bottom as f32, width as f32, height as f32).fill_nonzero();
                }
                Shape::Line { from, to, thick, color } => {
                    self.line(at(*from), at(*to), thick * scale, *color)
                }
                Shape::Dot { at: middle, radius, color } => {
                    // A line of zero length with round ends.
                    self.current.save_state();
                    self.current.set_line_cap(pdf_writer::types::LineCapStyle::RoundCap);
                    let (x, y) = at(*middle);
                    self.line((x, y), (x, y), radius * 2.0 * scale, *color);
                    self.current.restore_state();
                }
                Shape::Text { at: place, size, anchor, text } => {
                    let size = size * scale;
                    let (x, y) = at(*place);
                    let width = Font::Regular.width(text, size);
                    let x = match anchor {
                        Anchor::Start => x,
                        Anchor::Middle => x - width / 2.0,
                        Anchor::End => x - width,
                    };
                    self.text(Font::Regular, size, (x, y), DARK, text);
                }
            }
        }
        self.y -= drawing.height * scale;
    }

    /// The content of each page, with a footer that has its number.
    pub fn finish(mut self, foot: &str) -> Vec<Vec<u8>> {
        let last = self.current;
        self.done.push(last);
        let count = self.done.len();
        let mut pages = Vec::new();
        for (number, content) in self.done.into_iter().enumerate() {
            let mut page = Pages { done: Vec::new(), current: content, y: 0.0 };
            let place = format!("Página {} de {count}", number + 1);
            let x = WIDTH - MARGIN - Font::Regular.width(&place, 8.0);
            page.text(Font::Regular, 8.0, (x, 36.0), DARK, &place);
            let foot = Font::Regular.wrapped(foot, 8.0, x - MARGIN - 12.0);
            page.text(Font::Regular, 8.0, (MARGIN, 36.0), DARK, foot.first().map_or("", String::as_str));
            pages.push(page.current.finish().into_vec());
        }
        pages
    }
}
