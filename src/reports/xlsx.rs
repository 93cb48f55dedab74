//! The report as a workbook: a sheet per section, typed numbers and dates, charts that refer to the cells.

use chrono::{DateTime, Utc};
use rust_xlsxwriter::{
    Chart, ChartType, Color, DocProperties, Format, FormatAlign, FormatBorder, Image, Workbook, Worksheet,
    XlsxError,
};

use super::content::MOST_BARS;
use super::document::{Cell, ChartKind, Document, Light, Mark, Section, Signature, Table};
use crate::config::logo::Logo;
use crate::documents::xlsx::{A4, day, put};
use crate::problem::{Problem, Result};

/// The number of rows of a chart, below its table.
const CHART_ROWS: u32 = 18;

struct Formats {
    title: Format,
    heading: Format,
    text: Format,
    day: Format,
    count: Format,
    share: Format,
    points: Format,
    number: Format,
    /// A line to sign on.
    line: Format,
}

impl Formats {
    fn new() -> Self {
        let cell = || Format::new().set_border_bottom(FormatBorder::Hair).set_align(FormatAlign::Top);
        Formats {
            title: Format::new().set_bold().set_font_size(14),
            heading: Format::new()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::Bottom)
                .set_border_bottom(FormatBorder::Thin),
            text: cell().set_text_wrap(),
            day: cell().set_num_format("dd/mm/yyyy").set_align(FormatAlign::Right),
            count: cell().set_num_format("#,##0"),
            share: cell().set_num_format("0.0%"),
            points: cell().set_num_format("0.0\" p. p.\""),
            number: cell().set_num_format("#,##0.00"),
            line: Format::new().set_border_bottom(FormatBorder::Thin),
        }
    }

    fn of(&self, cell: &Cell) -> Format {
        match cell {
            Cell::Text(_) | Cell::Nothing => self.text.clone(),
            Cell::Light(light, _) => self.light(*light),
            Cell::Day(_) => self.day.clone(),
            Cell::Count(_) => self.count.clone(),
            Cell::Share(_) => self.share.clone(),
            Cell::Points(_) => self.points.clone(),
            Cell::Number(_) => self.number.clone(),
        }
    }

    fn light(&self, light: Light) -> Format {
        let [red, green, blue] = light.color().map(u32::from);
        self.text.clone().set_bold().set_font_color(Color::RGB(red << 16 | green << 8 | blue))
    }
}

/// # Errors
/// If the workbook cannot be written.
pub fn write(document: &Document, logo: Option<&Logo>, at: DateTime<Utc>) -> Result<Vec<u8>> {
    workbook(document, logo, at).map_err(Problem::internal)
}

fn workbook(
    document: &Document,
    logo: Option<&Logo>,
    at: DateTime<Utc>,
) -> std::result::Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let created = day(at.date_naive())?;
    let properties = DocProperties::new();
    let properties = properties.set_title(&document.title).set_company(&document.entity);
    workbook.set_properties(&properties.set_creation_datetime(&created));
    let formats = Formats::new();
    for (place, section) in document.sections.iter().enumerate() {
        let sheet = workbook.add_worksheet();
        sheet.set_name(section.title)?;
        sheet.set_paper_size(A4).set_landscape().set_print_fit_to_pages(1, 0);
        let mut row = 0;
        if place == 0 {
            sheet.write_with_format(0, 0, document.entity.as_str(), &formats.title)?;
            sheet.write_with_format(1, 0, document.title.as_str(), &formats.title)?;
            sheet.write(2, 0, document.code.as_str())?;
            row = 3;
            for note in &document.notes {
                sheet.write(row, 0, note.as_str())?;
                row += 1;
            }
            row += 1;
            if let Some(logo) = logo {
                let image = Image::new_from_buffer(&logo.bytes)?.set_alt_text(&document.entity);
                sheet.insert_image(0, 6, &image.set_scale_to_size(160, 80, true))?;
            }
        }
        let end = fill(sheet, row, section, &formats)?;
        if place == 0 {
            sign(sheet, end, &document.signatures, &formats)?;
        }
    }
    workbook.save_to_buffer()
}

fn fill(
    sheet: &mut Worksheet,
    mut row: u32,
    section: &Section,
    formats: &Formats,
) -> std::result::Result<u32, XlsxError> {
    sheet.set_column_width(0, 44)?;
    let widest = section.tables.iter().map(|table| table.columns.len()).max().unwrap_or(1);
    for column in 1..widest {
        // Definitions are text, all other columns are numbers.
        sheet.set_column_width(
            column_number(column),
            if section.tables.iter().all(has_numbers) { 14 } else { 100 },
        )?;
    }
    if !section.findings.is_empty() && section.tables.is_empty() {
        sheet.set_column_width(1, 100)?;
    }
    for text in &section.text {
        sheet.write(row, 0, text.as_str())?;
        row += 1;
    }
    for group in &section.findings {
        sheet.write_with_format(row, 0, group.title, &formats.title)?;
        for finding in &group.findings {
            row += 1;
            sheet.write_string_with_format(
                row,
                0,
                marked(finding.mark),
                &formats.light(finding.mark.light()),
            )?;
            sheet.write_string_with_format(row, 1, &finding.text, &formats.text)?;
        }
        row += 2;
    }
    for passage in &section.passages {
        sheet.write_with_format(row, 0, passage.title.as_str(), &formats.title)?;
        for line in passage.lines() {
            row += 1;
            sheet.write_string(row, 0, line)?;
        }
        row += 2;
    }
    for table in &section.tables {
        sheet.write_with_format(row, 0, table.title.as_str(), &formats.title)?;
        row += 1;
        for (column, name) in table.columns.iter().enumerate() {
            sheet.write_with_format(row, column_number(column), *name, &formats.heading)?;
        }
        let heading = row;
        for cells in &table.rows {
            row += 1;
            for (column, cell) in cells.iter().enumerate() {
                put(sheet, row, column_number(column), cell, &formats.of(cell))?;
            }
        }
        row += 2;
        if let Some(chart) = drawn(section.title, table, heading) {
            sheet.insert_chart(row, 0, &chart)?;
            row += CHART_ROWS;
        }
    }
    Ok(row)
}

/// The lines to sign on, one below the other.
fn sign(
    sheet: &mut Worksheet,
    mut row: u32,
    signatures: &[Signature],
    formats: &Formats,
) -> std::result::Result<(), XlsxError> {
    for one in signatures {
        sheet.write(row, 0, format!("{}:", one.label))?;
        sheet.write_with_format(row + 1, 0, "", &formats.line)?;
        sheet.write(row + 2, 0, one.name.as_deref().unwrap_or("Nombre:"))?;
        sheet.write(row + 3, 0, one.position.as_deref().unwrap_or("Cargo:"))?;
        row += 5;
    }
    Ok(())
}

fn marked(mark: Mark) -> String {
    format!("{} {}", mark.light().symbol(), mark.word())
}

/// The chart of a table whose column names are in this row; `None` if there are no values.
fn drawn(sheet: &str, table: &Table, heading: u32) -> Option<Chart> {
    let chart = table.chart.as_ref()?;
    let most = if chart.kind == ChartKind::Bars { MOST_BARS } else { usize::MAX };
    let rows = u32::try_from(table.rows.len().min(most)).ok().filter(|rows| *rows > 0)?;
    let (first, last) = (heading + 1, heading + rows);
    let mut drawn = Chart::new(match chart.kind {
        ChartKind::Columns => ChartType::Column,
        ChartKind::Bars => ChartType::Bar,
        ChartKind::Line => ChartType::Line,
    });
    for place in &chart.series {
        let column = column_number(*place);
        drawn
            .add_series()
            .set_name((sheet, heading, column))
            .set_categories((sheet, first, 0, last, 0))
            .set_values((sheet, first, column, last, column));
    }
    drawn.title().set_name(&chart.title);
    drawn.set_alt_text(&chart.title);
    if chart.kind == ChartKind::Bars {
        // The first row on top, as in the table.
        drawn.x_axis().set_reverse();
    }
    if chart.series.len() == 1 {
        drawn.legend().set_hidden();
    }
    drawn.set_width(720).set_height(340);
    Some(drawn)
}

fn has_numbers(table: &Table) -> bool {
    table.rows.iter().flatten().any(Cell::is_number) || table.rows.is_empty()
}

fn column_number(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}
