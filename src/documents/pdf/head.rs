//! What is at the top and at the foot of every page: the box of a form, or the title of a report.

use super::MARGIN;
use super::pages::{DARK, LINE, Op, Page};
use super::pieces::Mark;
use super::tags::{Node, Role, TITLE, Tags};
use crate::documents::drawing::Color;
use crate::documents::font::{Font, one_line};
use crate::documents::model::{Document, FormHead, Head};

pub const BLUE: Color = [0x0b, 0x4f, 0x8a];
/// The box of a form: the widths of its first and last column, as parts of the whole.
const LOGO_PART: f32 = 0.2;
const CODE_PART: f32 = 0.24;
const SIZE: f32 = 8.5;

/// The content of the first page and of the others, without the number of the page.
pub struct Layout {
    first: Vec<(Option<Node>, Line)>,
    shapes: Vec<Op>,
    logo: Option<(f32, f32, f32, f32)>,
    /// Where the box is repeated.
    repeats: bool,
    language: PageNumber,
    footer_text: Option<(String, f32)>,
    number_at: (f32, f32),
    /// Whether the number begins at its place, and does not end there.
    number_from: bool,
    pub first_bottom: f32,
    pub bottom: f32,
    pub footer: f32,
}

#[derive(Clone)]
struct Line {
    text: String,
    font: Font,
    size: f32,
    color: Color,
    x: f32,
    y: f32,
}

/// `Página`, `de` in the document's language.
type PageNumber = (&'static str, &'static str);

pub fn layout(document: &Document, size: (f32, f32), tags: &mut Tags) -> Layout {
    match &document.head {
        Head::Form(form) => form_box(document, form, size, tags),
        Head::Report { notes } => report(document, notes, size, tags),
    }
}

fn language(document: &Document) -> PageNumber {
    (document.fixed("Página", "Page"), document.fixed("de", "of"))
}

/// The size of the logo in this room.
fn logo_size(document: &Document, room: (f32, f32)) -> Option<(f32, f32)> {
    let logo = document.logo.as_deref()?;
    let (width, height) = (logo.width.max(1) as f32, logo.height.max(1) as f32);
    let scale = (room.0 / width).min(room.1 / height);
    Some((width * scale, height * scale))
}

fn form_box(document: &Document, form: &FormHead, size: (f32, f32), tags: &mut Tags) -> Layout {
    let (left, top, width) = (MARGIN, MARGIN, size.0 - 2.0 * MARGIN);
    let (logo_width, code_width) = (width * LOGO_PART, width * CODE_PART);
    let (middle, code) = (left + logo_width, left + width - code_width);
    let mut texts: Vec<(Role, String, Font, f32)> = Vec::new();
    let title = one_line(&document.title);
    let inner = code - middle - 12.0;
    for text in Font::Regular.wrapped(&document.entity, 9.0, inner) {
        texts.push((Role::Paragraph, text, Font::Regular, 9.0));
    }
    for text in Font::Bold.wrapped(&title.to_uppercase(), 12.0, inner) {
        texts.push((Role::Heading(TITLE, title.clone()), text, Font::Bold, 12.0));
    }
    for text in Font::Regular.wrapped(&form.process, 9.0, inner) {
        texts.push((Role::Paragraph, text, Font::Regular, 9.0));
    }
    let text_height: f32 = texts.iter().map(|(_, _, _, size)| size * 1.35).sum();
    let lines = form.lines(document);
    let rows = lines.len() as f32 + 1.0;
    let height = (text_height + 14.0).max(rows * 16.0).max(56.0);
    let mut first = Vec::new();
    let mut heading = None;
    let mut y = top + (height - text_height) / 2.0;
    for (role, text, font, text_size) in texts {
        let x = middle + (code - middle - font.width(&text, text_size)) / 2.0;
        y += text_size * 1.35;
        let line =
            Line { text: format!("{text} "), font, size: text_size, color: DARK, x, y: y - text_size * 0.35 };
        let node = match (&role, heading) {
            (Role::Heading(..), Some(node)) => node,
            _ => tags.add(None, role.clone()),
        };
        if matches!(role, Role::Heading(..)) {
            heading = Some(node);
        }
        first.push((Some(node), line));
    }
    let step = height / rows;
    let base = |row: f32| top + step * row + step / 2.0 + SIZE * 0.36;
    for (row, (label, value)) in lines.iter().enumerate() {
        let node = tags.add(None, Role::Paragraph);
        let label = format!("{label}: ");
        let (x, y) = (code + 6.0, base(row as f32));
        let value_x = x + Font::Bold.width(&label, SIZE);
        let value = Font::Regular.wrapped(value, SIZE, left + width - value_x - 4.0).swap_remove(0);
        first.push((Some(node), Line { text: label, font: Font::Bold, size: SIZE, color: DARK, x, y }));
        let line = Line { text: value, font: Font::Regular, size: SIZE, color: DARK, x: value_x, y };
        first.push((Some(node), line));
    }
    let bottom = top + height;
    let mut shapes = Vec::new();
    let mut line = |from, to| shapes.push(Op::Line { from, to, thick: 0.8, color: LINE });
    line((left, top), (left + width, top));
    line((left, bottom), (left + width, bottom));
    for x in [left, middle, code, left + width] {
        line((x, top), (x, bottom));
    }
    for row in 1..=lines.len() {
        line((code, top + step * row as f32), (left + width, top + step * row as f32));
    }
    let logo = logo_size(document, (logo_width - 12.0, height - 10.0))
        .map(|(w, h)| (left + (logo_width - w) / 2.0, top + (height - h) / 2.0, w, h));
    Layout {
        first,
        shapes,
        logo,
        repeats: true,
        language: language(document),
        footer_text: None,
        number_at: (code + 6.0, base(lines.len() as f32)),
        number_from: true,
        first_bottom: bottom + 12.0,
        bottom: bottom + 12.0,
        footer: 0.0,
    }
}

fn report(document: &Document, notes: &[String], size: (f32, f32), tags: &mut Tags) -> Layout {
    let (left, width) = (MARGIN, size.0 - 2.0 * MARGIN);
    let logo = logo_size(document, (120.0, 48.0)).map(|(w, h)| (left + width - w, MARGIN, w, h));
    let text_width = width - logo.map_or(0.0, |(_, _, width, _)| width + 16.0);
    let title = one_line(&document.title);
    let mut y = MARGIN;
    let mut first = Vec::new();
    let mut paragraph = |role: Role, text: &str, font: Font, size: f32, color: Color, width: f32| {
        let node = tags.add(None, role);
        for text in font.wrapped(text, size, width) {
            y += size * 1.35;
            let text = format!("{text} ");
            first.push((Some(node), Line { text, font, size, color, x: left, y: y - size * 0.35 }));
        }
        y
    };
    paragraph(Role::Paragraph, &document.entity, Font::Bold, 11.0, BLUE, text_width);
    let after = paragraph(Role::Heading(TITLE, title.clone()), &title, Font::Bold, 15.0, DARK, text_width);
    let mut bottom = after.max(logo.map_or(0.0, |(_, y, _, height)| y + height));
    for note in notes {
        bottom = paragraph(Role::Paragraph, note, Font::Regular, 9.0, DARK, text_width).max(bottom);
    }
    let rule = bottom + 6.0;
    let shapes = vec![Op::Line { from: (left, rule), to: (left + width, rule), thick: 1.5, color: BLUE }];
    let text = format!("{} – {title}", one_line(&document.entity));
    let footer = Font::Regular.wrapped(&text, 8.0, width - 90.0).swap_remove(0);
    Layout {
        first,
        shapes,
        logo,
        repeats: false,
        language: language(document),
        footer_text: Some((footer, size.1 - MARGIN)),
        number_at: (left + width, size.1 - MARGIN),
        number_from: false,
        first_bottom: rule + 10.0,
        bottom: MARGIN,
        footer: 20.0,
    }
}

impl Layout {
    /// What surrounds the content of this page; it comes first in the order of reading.
    pub fn of_page(&self, number: usize, count: usize) -> Page {
        let mut page = Page::new();
        let is_first = number == 1;
        if is_first || self.repeats {
            let mark = if self.repeats { Mark::Header } else { Mark::Decoration };
            for shape in &self.shapes {
                if let Op::Line { from, to, thick, color } = shape {
                    page.push((mark, Op::Line { from: *from, to: *to, thick: *thick, color: *color }));
                }
            }
            if let Some((x, y, width, height)) = self.logo {
                page.push((mark, Op::Logo { x, y, width, height }));
            }
            for (node, line) in &self.first {
                let mark = node.filter(|_| is_first).map_or(Mark::Header, Mark::Element);
                page.push((mark, line.op()));
            }
        }
        let (word, of) = self.language;
        let text = format!("{word} {number} {of} {count}");
        let (mut x, y) = self.number_at;
        if self.number_from {
            let label = format!("{word}: ");
            page.push((Mark::Header, bold(x, y, label.clone())));
            x += Font::Bold.width(&label, SIZE);
            page.push((Mark::Header, regular(x, y, format!("{number} {of} {count}"))));
        } else {
            x -= Font::Regular.width(&text, SIZE);
            page.push((Mark::Footer, regular(x, y, text)));
        }
        if let Some((text, y)) = &self.footer_text {
            page.push((Mark::Footer, regular(MARGIN, *y, format!("{text} "))));
        }
        page
    }
}

impl Line {
    fn op(&self) -> Op {
        let Line { text, font, size, color, x, y } = self.clone();
        Op::Text { x, y, font, size, color, text }
    }
}

fn regular(x: f32, y: f32, text: String) -> Op {
    Op::Text { x, y, font: Font::Regular, size: SIZE, color: DARK, text }
}

fn bold(x: f32, y: f32, text: String) -> Op {
    Op::Text { x, y, font: Font::Bold, size: SIZE, color: DARK, text }
}
