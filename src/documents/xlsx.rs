//! A document as a workbook: a sheet per part, typed numbers and dates, set up for A4.

use std::collections::HashSet;

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Image, Workbook, Worksheet, XlsxError,
};

use super::cell::Cell;
use super::model::{Block, Document, Field, FormHead, Head, Part, Signature, Table};
use crate::language::Locale;
use crate::problem::{Problem, Result};

/// The code of A4 in workbooks.
pub const A4: u8 = 9;
/// The columns of a sheet: those of the boxes, which tables share among theirs.
const COLUMNS: u16 = 12;
/// The most characters that a cell can have.
const LONGEST: usize = 32_767;

type Written<T = ()> = std::result::Result<T, XlsxError>;

struct Formats {
    entity: Format,
    title: Format,
    middle: Format,
    code: Format,
    heading: Format,
    label: Format,
    name: Format,
    text: Format,
    plain: Format,
    line: Format,
    day: Format,
    count: Format,
    share: Format,
    points: Format,
    number: Format,
}

impl Formats {
    fn new() -> Self {
        let cell = || Format::new().set_border(FormatBorder::Thin).set_align(FormatAlign::Top);
        let shaded = || cell().set_bold().set_background_color("#E8EDF2").set_text_wrap();
        let middle = || {
            let format = Format::new().set_align(FormatAlign::Center).set_align(FormatAlign::VerticalCenter);
            format.set_text_wrap().set_border(FormatBorder::Thin)
        };
        Formats {
            entity: middle(),
            title: middle().set_bold().set_font_size(13),
            middle: middle(),
            code: cell().set_align(FormatAlign::VerticalCenter),
            heading: shaded(),
            label: cell().set_bold().set_font_size(8).set_font_color("#555F6B").set_text_wrap(),
            name: shaded().set_align(FormatAlign::Bottom),
            text: cell().set_text_wrap(),
            plain: Format::new().set_text_wrap().set_align(FormatAlign::Top),
            line: Format::new().set_border_top(FormatBorder::Thin).set_text_wrap(),
            day: cell().set_num_format("dd/mm/yyyy").set_align(FormatAlign::Left),
            count: cell().set_num_format("#,##0"),
            share: cell().set_num_format("0.0%"),
            points: cell().set_num_format("0.0\" p. p.\""),
            number: cell().set_num_format("#,##0.00"),
        }
    }

    fn of(&self, cell: &Cell) -> &Format {
        match cell {
            Cell::Text(_) | Cell::Light(..) | Cell::Nothing => &self.text,
            Cell::Day(_) => &self.day,
            Cell::Count(_) => &self.count,
            Cell::Share(_) => &self.share,
            Cell::Points(_) => &self.points,
            Cell::Number(_) => &self.number,
        }
    }
}

/// # Errors
/// If the workbook cannot be written.
pub fn write(document: &Document, created: NaiveDate) -> Result<Vec<u8>> {
    workbook(document, created).map_err(Problem::internal)
}

fn workbook(document: &Document, created: NaiveDate) -> Written<Vec<u8>> {
    let mut workbook = Workbook::new();
    let properties = DocProperties::new().set_title(&document.title).set_company(&document.entity);
    workbook.set_properties(&properties.set_creation_datetime(&day(created)?));
    let formats = Formats::new();
    let mut names = HashSet::new();
    for part in &document.parts {
        let sheet = workbook.add_worksheet();
        sheet.set_name(sheet_name(&part.name, &mut names))?;
        Sheet { sheet, document, formats: &formats, row: 0 }.fill(part)?;
    }
    workbook.save_to_buffer()
}

/// At most 31 characters without those that a name of a sheet may not have, and different from the others.
fn sheet_name(name: &str, others: &mut HashSet<String>) -> String {
    let allowed = |character: char| if "[]:*?/\\'".contains(character) { ' ' } else { character };
    let name: String = name.chars().map(allowed).take(31).collect();
    let base = name.trim().to_owned();
    let base = if base.is_empty() { "–".to_owned() } else { base };
    let mut unique = base.clone();
    let mut number = 2;
    while !others.insert(unique.to_lowercase()) {
        let kept: String = base.chars().take(25).collect();
        unique = format!("{kept} ({number})");
        number += 1;
    }
    unique
}

struct Sheet<'a> {
    sheet: &'a mut Worksheet,
    document: &'a Document,
    formats: &'a Formats,
    row: u32,
}

impl Sheet<'_> {
    fn fill(mut self, part: &Part) -> Written {
        self.sheet.set_paper_size(A4).set_print_fit_to_pages(1, 0);
        self.sheet.set_margins(0.4, 0.4, 0.5, 0.6, 0.3, 0.3);
        if self.document.landscape {
            self.sheet.set_landscape();
        }
        let (page, of) = (self.document.fixed("Página", "Page"), self.document.fixed("de", "of"));
        self.sheet.set_footer(format!("&R{page} &P {of} &N"));
        let width = if self.document.landscape { 13.0 } else { 8.5 };
        for column in 0..COLUMNS {
            self.sheet.set_column_width(column, width)?;
        }
        if let Head::Form(form) = &self.document.head {
            self.head(form)?;
        }
        for block in &part.blocks {
            match block {
                Block::Heading(text) => {
                    self.merged(0, COLUMNS, &text.to_uppercase(), &self.formats.heading)?;
                    self.row += 1;
                }
                Block::Subheading(text) => {
                    self.merged(0, COLUMNS, text, &self.formats.heading)?;
                    self.row += 1;
                }
                Block::Text(text) => {
                    for paragraph in text.split('\n').map(str::trim).filter(|text| !text.is_empty()) {
                        self.tall(&[(paragraph.to_owned(), COLUMNS)], 15.0)?;
                        self.merged(0, COLUMNS, paragraph, &self.formats.plain)?;
                        self.row += 1;
                    }
                }
                Block::Findings(findings) => {
                    for finding in findings {
                        let mark = format!("{} {}", finding.light.symbol(), finding.word);
                        self.tall(&[(finding.text.clone(), COLUMNS - 2)], 15.0)?;
                        self.merged(0, 2, &mark, &self.formats.name)?;
                        self.merged(2, COLUMNS - 2, &finding.text, &self.formats.text)?;
                        self.row += 1;
                    }
                }
                Block::Fields(fields) => self.fields(fields)?,
                Block::Table(table) => self.table(table)?,
                Block::Figure(figure) => {
                    self.merged(0, COLUMNS, &figure.description, &self.formats.plain)?;
                    self.row += 1;
                }
                Block::Signatures(signatures) => self.signatures(signatures)?,
            }
        }
        Ok(())
    }

    /// A text over these columns.
    fn merged(&mut self, column: u16, columns: u16, text: &str, format: &Format) -> Written {
        let text = fitting(text);
        if columns > 1 {
            self.sheet.merge_range(self.row, column, self.row, column + columns - 1, text, format)?;
        } else {
            self.sheet.write_string_with_format(self.row, column, text, format)?;
        }
        Ok(())
    }

    /// Makes the row as high as its texts need, since programs do not do this for merged cells.
    fn tall(&mut self, texts: &[(String, u16)], least: f64) -> Written {
        let width = if self.document.landscape { 13.0 } else { 8.5 };
        let lines = texts.iter().map(|(text, columns)| {
            let room = (width * f64::from(*columns) * 1.05).max(4.0);
            let lines = text.split('\n').map(|line| (line.chars().count() as f64 / room).ceil().max(1.0));
            lines.sum::<f64>()
        });
        let most = lines.fold(1.0, f64::max);
        // The largest height of a row.
        self.sheet.set_row_height(self.row, (most * 13.5 + 2.0).max(least).min(409.0))?;
        Ok(())
    }

    /// The box at the top; the number of the page is in the footer.
    fn head(&mut self, form: &FormHead) -> Written {
        let lines = form.lines(self.document);
        let height = u32::try_from(lines.len()).unwrap_or(3).max(3);
        self.sheet.merge_range(0, 0, height - 1, 1, "", &self.formats.middle)?;
        if let Some(logo) = &self.document.logo {
            let image = Image::new_from_buffer(&logo.bytes)?.set_alt_text(&self.document.entity);
            let width = if self.document.landscape { 180.0 } else { 118.0 };
            let image = image.set_scale_to_size(width, f64::from(height) * 27.0 - 6.0, true);
            self.sheet.insert_image_with_offset(0, 0, &image, 4, 3)?;
        }
        let document = self.document;
        let texts = [(&document.entity, &self.formats.entity), (&document.title, &self.formats.title)];
        for (row, (text, format)) in (0..).zip(texts) {
            self.sheet.merge_range(row, 2, row, 8, text, format)?;
        }
        self.sheet
            .merge_range(2, 2, height - 1, 8, &form.process, &self.formats.middle)
            .map(|_| ())
            .or_else(|_| {
                self.sheet.write_string_with_format(2, 2, &form.process, &self.formats.middle).map(|_| ())
            })?;
        for row in 0..height {
            let line = usize::try_from(row).ok().and_then(|row| lines.get(row));
            let text = line.map_or(String::new(), |(label, value)| format!("{label}: {value}"));
            self.sheet.merge_range(row, 9, row, COLUMNS - 1, &text, &self.formats.code)?;
            self.sheet.set_row_height(row, 20.0)?;
        }
        self.sheet.set_repeat_rows(0, height - 1)?;
        self.row = height + 1;
        Ok(())
    }

    /// Each field has its label in one row and its value in the next one.
    fn fields(&mut self, fields: &[Field]) -> Written {
        let mut rows: Vec<Vec<&Field>> = Vec::new();
        let mut used = COLUMNS;
        for field in fields {
            if used + u16::from(field.columns) > COLUMNS {
                rows.push(Vec::new());
                used = 0;
            }
            used += u16::from(field.columns);
            if let Some(row) = rows.last_mut() {
                row.push(field);
            }
        }
        for row in rows {
            let mut widths: Vec<u16> = row.iter().map(|field| u16::from(field.columns)).collect();
            let rest = COLUMNS - widths.iter().sum::<u16>();
            if let Some(last) = widths.last_mut() {
                *last += rest;
            }
            let mut column = 0;
            for (field, width) in row.iter().zip(&widths) {
                self.merged(column, *width, &field.label, &self.formats.label)?;
                column += width;
            }
            self.row += 1;
            let cells: Vec<&Cell> = row.iter().map(|field| &field.value).collect();
            self.cells(&cells, &widths)?;
        }
        Ok(())
    }

    /// Values beside each other, each over so many columns.
    fn cells(&mut self, cells: &[&Cell], widths: &[u16]) -> Written {
        let locale = self.document.locale;
        let texts: Vec<(String, u16)> =
            cells.iter().zip(widths).map(|(cell, width)| (cell.shown(locale), *width)).collect();
        self.tall(&texts, 15.0)?;
        let mut column = 0;
        for (cell, width) in cells.iter().zip(widths) {
            let format = self.formats.of(cell);
            if *width > 1 {
                self.sheet.merge_range(self.row, column, self.row, column + width - 1, "", format)?;
            }
            put(self.sheet, self.row, column, cell, format)?;
            column += width;
        }
        self.row += 1;
        Ok(())
    }

    /// A table takes the sheet's columns; if it has more than there are, it takes one for each of its own.
    fn table(&mut self, table: &Table) -> Written {
        if let Some(title) = &table.title {
            self.merged(0, COLUMNS, title, &self.formats.heading)?;
            self.row += 1;
        }
        let widths = shared(table, self.document);
        let names: Vec<(String, u16)> = table.columns.iter().cloned().zip(widths.iter().copied()).collect();
        self.tall(&names, 15.0)?;
        let mut column = 0;
        for (name, width) in &names {
            self.merged(column, *width, name, &self.formats.name)?;
            column += width;
        }
        self.row += 1;
        for row in &table.rows {
            self.cells(&row.iter().collect::<Vec<_>>(), &widths)?;
        }
        if table.rows.is_empty() {
            let none = self.document.fixed("No hay datos.", "There are no data.");
            self.merged(0, COLUMNS, none, &self.formats.text)?;
            self.row += 1;
        }
        Ok(())
    }

    fn signatures(&mut self, signatures: &[Signature]) -> Written {
        for pair in signatures.chunks(2) {
            self.row += 4;
            for (column, signature) in [0, 6].into_iter().zip(pair) {
                let lines = [
                    Some(&signature.name),
                    signature.post.as_ref(),
                    Some(&signature.role),
                    signature.note.as_ref(),
                ];
                let lines: Vec<&str> =
                    lines.into_iter().flatten().map(String::as_str).filter(|line| !line.is_empty()).collect();
                self.merged(column, 5, &lines.join("\n"), &self.formats.line)?;
            }
            self.sheet.set_row_height(self.row, 62.0)?;
            self.row += 1;
        }
        Ok(())
    }
}

/// How many of the sheet's columns each column of a table takes, by the length of its texts.
fn shared(table: &Table, document: &Document) -> Vec<u16> {
    let count = table.columns.len();
    let columns = usize::from(COLUMNS);
    if count == 0 || count >= columns {
        return vec![1; count];
    }
    let length = |place: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(place));
        let longest = cells.map(|cell| cell.shown(document.locale).chars().count()).max().unwrap_or(0);
        (longest.max(table.columns.get(place).map_or(0, |name| name.chars().count())) as f64).sqrt()
    };
    let lengths: Vec<f64> = (0..count).map(length).collect();
    let mut widths = vec![1u16; count];
    // Each further column goes to the text that has the least room.
    for _ in count..columns {
        let crowded = |place: &usize| lengths[*place] / f64::from(widths[*place]);
        let most = (0..count).max_by(|a, b| crowded(a).total_cmp(&crowded(b)).then(b.cmp(a)));
        if let Some(place) = most {
            widths[place] += 1;
        }
    }
    widths
}

/// Writes a value as what it is.
pub fn put(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell, format: &Format) -> Written {
    match cell {
        Cell::Text(_) | Cell::Light(..) => {
            let text = match cell {
                Cell::Light(light, text) => format!("{} {text}", light.symbol()),
                other => other.shown(Locale::Es),
            };
            sheet.write_string_with_format(row, column, fitting(&text), format)?
        }
        Cell::Day(date) => sheet.write_datetime_with_format(row, column, &day(*date)?, format)?,
        Cell::Count(count) => sheet.write_number_with_format(row, column, *count as f64, format)?,
        Cell::Share(share) => sheet.write_number_with_format(row, column, *share, format)?,
        // In percentage points.
        Cell::Points(points) => sheet.write_number_with_format(row, column, points * 100.0, format)?,
        Cell::Number(number) => sheet.write_number_with_format(row, column, *number, format)?,
        // A missing value is not zero.
        Cell::Nothing => sheet.write_blank(row, column, format)?,
    };
    Ok(())
}

/// What a cell can have of a text.
pub fn fitting(text: &str) -> &str {
    text.char_indices().nth(LONGEST).map_or(text, |(end, _)| &text[..end])
}

/// # Errors
/// The year is not one that a workbook can have.
pub fn time(at: NaiveDateTime) -> Written<ExcelDateTime> {
    let part = |number: u32| u8::try_from(number).unwrap_or_default();
    day(at.date())?.and_hms(u16::from(part(at.hour())), part(at.minute()), at.second())
}

pub fn day(date: NaiveDate) -> Written<ExcelDateTime> {
    let part = |number: u32| u8::try_from(number).unwrap_or(1);
    ExcelDateTime::from_ymd(u16::try_from(date.year()).unwrap_or(1900), part(date.month()), part(date.day()))
}
