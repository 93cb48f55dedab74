//! The blocks of a document as pieces that are placed on pages.

use std::rc::Rc;

use super::head::BLUE;
use super::pages::{DARK, Frame, LINE};
use super::pieces::{Align, Area, Body, Border, INDENT, Line, Mark, Piece, Row};
use super::table::{self, Need};
use super::tags::{Node, Role, TITLE, Tags};
use crate::documents::cell::Cell;
use crate::documents::drawing::Color;
use crate::documents::font::{Font, one_line, printable};
use crate::documents::model::{Block, Document, Field, Figure, Finding, Head, Part, Signature, Table};

const GRID: Color = [0xc9, 0xd0, 0xd8];
const SHADE: Color = [0xe8, 0xed, 0xf2];
/// The size of running text and of values.
const TEXT: f32 = 9.5;
const LABEL: f32 = 7.5;
/// The sizes of a table's text, the largest that has room is used.
const SIZES: [f32; 5] = [8.5, 8.0, 7.5, 7.0, 6.0];
/// The white space at both sides of a cell, together.
const SIDES: f32 = 8.5;

pub struct Layout<'a> {
    document: &'a Document,
    frame: Frame,
    tags: &'a mut Tags,
    /// A form has boxes, a report has lines.
    boxed: bool,
}

impl<'a> Layout<'a> {
    pub fn new(document: &'a Document, frame: Frame, tags: &'a mut Tags) -> Self {
        let boxed = matches!(document.head, Head::Form(_));
        Layout { document, frame, tags, boxed }
    }

    pub fn pieces(mut self) -> Vec<Piece> {
        let document = self.document;
        let mut pieces = Vec::new();
        for part in &document.parts {
            pieces.extend(self.part(part));
        }
        pieces
    }

    fn part(&mut self, part: &Part) -> Vec<Piece> {
        let node = self.tags.add(None, Role::Part);
        let mut pieces = Vec::new();
        for block in &part.blocks {
            match block {
                Block::Heading(text) => pieces.push(self.heading(node, text)),
                Block::Subheading(text) => pieces.push(self.subheading(node, text)),
                Block::Text(text) => pieces.extend(self.text(node, text)),
                Block::Findings(findings) => pieces.extend(self.findings(node, findings)),
                Block::Fields(fields) => pieces.extend(self.fields(node, fields)),
                Block::Table(table) => pieces.extend(self.table(node, table)),
                Block::Figure(figure) => pieces.extend(self.figure(node, figure)),
                Block::Signatures(signatures) => {
                    // Nobody signs a page that has nothing else.
                    if let Some(last) = pieces.last_mut() {
                        last.keep = true;
                    }
                    pieces.extend(self.signatures(node, signatures));
                }
            }
        }
        if let Some(first) = pieces.first_mut() {
            first.anchor = Some(part.name.clone());
        }
        if part.new_page {
            pieces.insert(
                0,
                Piece { body: Body::NewPage, gap: 0.0, keep: false, repeated: None, anchor: None },
            );
        }
        pieces
    }

    fn lines(text: &str, font: Font, size: f32, width: f32, color: Color) -> Vec<Line> {
        let line = |text| Line { text, font, size, color, light: None };
        font.wrapped(text, size, width).into_iter().map(line).collect()
    }

    /// Lines over the whole width.
    fn whole(&self, lines: Vec<Line>, node: Node) -> Area {
        Area::new(self.frame.left, self.frame.width, lines, Mark::Element(node))
    }

    fn heading(&mut self, parent: Node, text: &str) -> Piece {
        let level = TITLE.saturating_add(1);
        let node = self.tags.add(Some(parent), Role::Heading(level, one_line(text)));
        if self.boxed {
            let lines = Self::lines(&text.to_uppercase(), Font::Bold, 9.0, self.frame.width - SIDES, DARK);
            let mut area = self.whole(lines, node);
            area.fill = Some(SHADE);
            return Piece::row(Row::new(vec![area], Border::Box)).below(8.0).kept();
        }
        let lines = Self::lines(text, Font::Bold, 13.0, self.frame.width, BLUE);
        Piece::row(Row::new(vec![self.whole(lines, node)], Border::None)).below(16.0).kept()
    }

    fn subheading(&mut self, parent: Node, text: &str) -> Piece {
        let level = TITLE.saturating_add(2);
        let node = self.tags.add(Some(parent), Role::Heading(level, one_line(text)));
        let lines = Self::lines(text, Font::Bold, 10.5, self.frame.width, DARK);
        Piece::row(Row::new(vec![self.whole(lines, node)], Border::None)).below(12.0).kept()
    }

    /// A title above a table or a figure.
    fn title(&mut self, parent: Node, text: &str) -> Piece {
        let node = self.tags.add(Some(parent), Role::Paragraph);
        let lines = Self::lines(text, Font::Bold, TEXT, self.frame.width, DARK);
        let mut row = Row::new(vec![self.whole(lines, node)], Border::None);
        row.padding = 2.0;
        Piece::row(row).below(10.0).kept()
    }

    /// A paragraph for each line break.
    fn text(&mut self, parent: Node, text: &str) -> Vec<Piece> {
        let text = printable(text);
        let paragraphs = text.trim().split('\n').map(str::trim);
        let mut pieces: Vec<Piece> = Vec::new();
        for paragraph in paragraphs.filter(|paragraph| !paragraph.is_empty()) {
            let node = self.tags.add(Some(parent), Role::Paragraph);
            let lines = Self::lines(paragraph, Font::Regular, TEXT, self.frame.width, DARK);
            let row = Row { flows: true, ..Row::new(vec![self.whole(lines, node)], Border::None) };
            pieces.push(Piece::row(row).below(5.0));
        }
        pieces
    }

    /// Each with its light and the word for it in front.
    fn findings(&mut self, parent: Node, findings: &[Finding]) -> Vec<Piece> {
        let word = |finding: &Finding| Font::Bold.width(&finding.word, TEXT);
        let first = findings.iter().map(word).fold(0.0, f32::max) + TEXT * INDENT + 10.0;
        let mut pieces = Vec::new();
        for finding in findings {
            let node = Mark::Element(self.tags.add(Some(parent), Role::Paragraph));
            let (left, width) = (self.frame.left, self.frame.width - first);
            let mut word = Self::lines(&finding.word, Font::Bold, TEXT, first, finding.light.color());
            if let Some(line) = word.first_mut() {
                line.light = Some(finding.light);
                line.text.push(' ');
            }
            let text = Self::lines(&finding.text, Font::Regular, TEXT, width, DARK);
            let areas = vec![Area::new(left, first, word, node), Area::new(left + first, width, text, node)];
            pieces.push(Piece::row(Row::new(areas, Border::None)).below(4.0));
        }
        pieces
    }

    /// Fields beside each other until their columns are full; the last one of a row gets what is left.
    fn fields(&mut self, parent: Node, fields: &[Field]) -> Vec<Piece> {
        let mut rows: Vec<Vec<&Field>> = Vec::new();
        let mut used = 12;
        for field in fields {
            if used + field.columns > 12 {
                rows.push(Vec::new());
                used = 0;
            }
            used += field.columns;
            if let Some(row) = rows.last_mut() {
                row.push(field);
            }
        }
        rows.into_iter().map(|row| self.field_row(parent, &row)).collect()
    }

    fn field_row(&mut self, parent: Node, fields: &[&Field]) -> Piece {
        let column = self.frame.width / 12.0;
        let mut x = self.frame.left;
        let mut areas = Vec::new();
        for (place, field) in fields.iter().enumerate() {
            let is_last = place + 1 == fields.len();
            let right = self.frame.left + self.frame.width;
            let width = if is_last { right - x } else { column * f32::from(field.columns) };
            let node = self.tags.add(Some(parent), Role::Paragraph);
            let mut lines = Self::lines(&field.label, Font::Bold, LABEL, width - SIDES, LINE);
            lines.extend(self.value(&field.value, TEXT, width - SIDES));
            areas.push(Area::new(x, width, lines, Mark::Element(node)));
            x += width;
        }
        Piece::row(Row::new(areas, Border::Box))
    }

    fn value(&self, cell: &Cell, size: f32, width: f32) -> Vec<Line> {
        let light = match cell {
            Cell::Light(light, _) => Some(*light),
            _ => None,
        };
        let indent = if light.is_some() { size * INDENT } else { 0.0 };
        let shown = cell.shown(self.document.locale);
        let mut lines = Self::lines(&shown, Font::Regular, size, width - indent, DARK);
        if let Some(first) = lines.first_mut() {
            first.light = light;
        }
        lines
    }

    fn figure(&mut self, parent: Node, figure: &Figure) -> Vec<Piece> {
        let title = self.title(parent, &figure.title);
        let node = self.tags.add(Some(parent), Role::Figure(one_line(&figure.description)));
        let body = Body::Figure { drawing: Rc::new(figure.drawing.clone()), node };
        vec![title, Piece { body, gap: 4.0, keep: false, repeated: None, anchor: None }]
    }

    fn table(&mut self, parent: Node, table: &Table) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = table.title.iter().map(|title| self.title(parent, title)).collect();
        let numbers: Vec<bool> = (0..table.columns.len()).map(|column| table.is_of_numbers(column)).collect();
        let (size, widths) = self.columns(table, &numbers);
        let node = self.tags.add(Some(parent), Role::Table);
        let head = self.tags.add(Some(node), Role::TableHead);
        let head = self.tags.add(Some(head), Role::Row);
        let border = |color, thick| if self.boxed { Border::Box } else { Border::Below(color, thick) };
        let (head_border, border) = (border(DARK, 0.8), border(GRID, 0.5));
        let mut areas = Vec::new();
        let mut x = self.frame.left;
        for ((name, width), number) in table.columns.iter().zip(&widths).zip(&numbers) {
            let node = self.tags.add(Some(head), Role::ColumnName);
            let lines = Self::lines(name, Font::Bold, size, width - SIDES + 0.2, DARK);
            let mut area = Area::new(x, *width, lines, Mark::Element(node));
            area.align = if *number { Align::Right } else { Align::Left };
            area.fill = self.boxed.then_some(SHADE);
            areas.push(area);
            x += width;
        }
        let names = Row::new(areas, head_border);
        let repeated = Some(Rc::new(vec![names.clone()]));
        let gap = if table.title.is_some() || self.boxed { 0.0 } else { 8.0 };
        pieces.push(Piece::row(names).below(gap).kept());
        let body = self.tags.add(Some(node), Role::TableBody);
        for cells in &table.rows {
            let row = self.tags.add(Some(body), Role::Row);
            let mut areas = Vec::new();
            let mut x = self.frame.left;
            for (place, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                let is_name = place == 0 && table.named_rows;
                let node = self.tags.add(Some(row), if is_name { Role::RowName } else { Role::Cell });
                let lines = self.value(cell, size, width - SIDES + 0.2);
                let mut area = Area::new(x, *width, lines, Mark::Element(node));
                let number = numbers.get(place).copied().unwrap_or_default();
                area.align = if number { Align::Right } else { Align::Left };
                areas.push(area);
                x += width;
            }
            let piece = Piece { repeated: repeated.clone(), ..Piece::row(Row::new(areas, border)) };
            pieces.push(piece);
        }
        if table.rows.is_empty() {
            let row = self.tags.add(Some(body), Role::Row);
            let node = self.tags.add(Some(row), Role::Cell);
            let none = self.document.fixed("No hay datos.", "There are no data.");
            let lines = Self::lines(none, Font::Regular, size, self.frame.width - SIDES, DARK);
            pieces.push(Piece::row(Row::new(vec![self.whole(lines, node)], border)));
        }
        // A row alone at the top of a page looks lost: the last two stay together.
        let count = pieces.len();
        if table.rows.len() > 2
            && let Some(before_last) = count.checked_sub(2).and_then(|place| pieces.get_mut(place))
        {
            before_last.keep = true;
        }
        pieces
    }

    /// The size of a table's text and the widths of its columns, so that no word is broken if there is room.
    fn columns(&self, table: &Table, numbers: &[bool]) -> (f32, Vec<f32>) {
        let locale = self.document.locale;
        let shown: Vec<Vec<String>> = (0..table.columns.len())
            .map(|column| {
                let cells = table.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| printable(&cell.shown(locale))).collect()
            })
            .collect();
        let needs = |size: f32| -> Vec<Need> {
            let columns = table.columns.iter().zip(&shown).zip(numbers);
            let lights = |column: usize| {
                table
                    .rows
                    .iter()
                    .filter_map(|row| row.get(column))
                    .any(|cell| matches!(cell, Cell::Light(..)))
            };
            columns
                .enumerate()
                .map(|(place, ((name, cells), number))| {
                    let padding = SIDES + if lights(place) { size * INDENT } else { 0.0 };
                    Need::of(name, cells.iter().map(String::as_str), *number, size, padding)
                })
                .collect()
        };
        let fits = |size: &&f32| needs(**size).iter().map(|need| need.least).sum::<f32>() <= self.frame.width;
        let size = SIZES.iter().find(fits).copied().unwrap_or(SIZES[4]);
        (size, table::widths(&needs(size), self.frame.width))
    }

    /// Two beside each other.
    fn signatures(&mut self, parent: Node, signatures: &[Signature]) -> Vec<Piece> {
        let gap = 36.0;
        let width = (self.frame.width - gap) / 2.0;
        let mut pieces = Vec::new();
        for pair in signatures.chunks(2) {
            let mut areas = Vec::new();
            for (place, signature) in pair.iter().enumerate() {
                let node = self.tags.add(Some(parent), Role::Paragraph);
                let mut lines = Self::lines(&signature.name, Font::Bold, TEXT, width, DARK);
                if signature.name.is_empty() {
                    lines.clear();
                }
                for text in [signature.post.as_ref(), Some(&signature.role), signature.note.as_ref()]
                    .into_iter()
                    .flatten()
                {
                    lines.extend(Self::lines(text, Font::Regular, 8.5, width, DARK));
                }
                let x = self.frame.left + (width + gap) * place as f32;
                areas.push(Area { ruled: true, ..Area::new(x, width, lines, Mark::Element(node)) });
            }
            let row = Row { space: 44.0, padding: 3.0, ..Row::new(areas, Border::None) };
            pieces.push(Piece::row(row));
        }
        pieces
    }
}
