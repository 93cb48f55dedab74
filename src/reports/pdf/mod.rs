//! The report as PDF: A4, in Helvetica, which does not need to be embedded.

mod font;
mod pages;

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, TextStr};

use self::font::Font;
use self::pages::{BOLD, DARK, HEIGHT, LOGO, MARGIN, Pages, REGULAR, WIDTH};
use super::chart;
use super::chart::{Color, Drawing};
use super::document::{Cell, Document, Table};
use crate::config::logo::Logo;

const BLUE: Color = [0x0b, 0x4f, 0x8a];
const GRID: Color = [0xdd, 0xe2, 0xe8];
/// The font size in tables.
const SIZE: f64 = 8.0;
const LINE: f64 = SIZE * 1.3;
/// The gap between two columns.
const GAP: f64 = 6.0;

/// The document as a file.
pub fn write(document: &Document, logo: Option<&Logo>) -> Vec<u8> {
    let mut pages = Pages::new();
    if let Some(logo) = logo {
        let scale = (120.0 / f64::from(logo.width)).min(48.0 / f64::from(logo.height));
        pages.logo((f64::from(logo.width) * scale, f64::from(logo.height) * scale));
        pages.y -= 52.0;
    }
    pages.paragraph(Font::Bold, 11.0, BLUE, &document.entity);
    pages.paragraph(Font::Bold, 15.0, DARK, &document.title);
    pages.paragraph(Font::Regular, 9.5, DARK, &document.code);
    for note in &document.notes {
        pages.paragraph(Font::Regular, 9.5, DARK, note);
    }
    for section in &document.sections {
        pages.y -= 14.0;
        // A heading is never the last line of a page.
        let first = section.tables.first().and_then(chart::draw);
        pages.need(110.0 + first.map_or(0.0, |drawing| height(&drawing)));
        pages.paragraph(Font::Bold, 13.0, BLUE, section.title);
        for text in &section.text {
            pages.paragraph(Font::Regular, 9.5, DARK, text);
        }
        for group in &section.findings {
            pages.y -= 6.0;
            pages.need(48.0);
            pages.paragraph(Font::Bold, 9.5, DARK, group.title);
            for finding in &group.findings {
                let text = format!("{}: {}", finding.mark.word(), finding.text);
                pages.paragraph(Font::Regular, 9.5, finding.mark.tone().color(), &text);
            }
        }
        for passage in &section.passages {
            pages.y -= 6.0;
            pages.need(48.0);
            pages.paragraph(Font::Bold, 9.5, DARK, &passage.title);
            passage.lines().for_each(|line| pages.paragraph(Font::Regular, 9.5, DARK, line));
        }
        for table in &section.tables {
            if let (Some(chart), Some(drawing)) = (&table.chart, chart::draw(table)) {
                pages.y -= 8.0;
                pages.need(24.0 + height(&drawing));
                pages.paragraph(Font::Bold, 9.5, DARK, &chart.title);
                pages.y -= 6.0;
                pages.drawing(&drawing);
            }
            write_table(&mut pages, table);
        }
        if section.ends_page {
            pages.need(HEIGHT);
        }
    }
    for signature in &document.signatures {
        pages.need(90.0);
        pages.y -= 14.0;
        pages.paragraph(Font::Regular, 9.5, DARK, &format!("{}:", signature.label));
        pages.y -= 40.0;
        pages.line((MARGIN, pages.y), (MARGIN + 220.0, pages.y), 0.8, DARK);
        pages.paragraph(Font::Regular, 9.5, DARK, signature.name.as_deref().unwrap_or("Nombre:"));
        pages.paragraph(Font::Regular, 9.5, DARK, signature.position.as_deref().unwrap_or("Cargo:"));
    }
    file(document, logo, pages.finish(&format!("{} – {}", document.entity, document.title)))
}

/// The height of a drawing on the page.
fn height(drawing: &Drawing) -> f64 {
    drawing.height * (WIDTH - 2.0 * MARGIN) / drawing.width
}

fn write_table(pages: &mut Pages, table: &Table) {
    pages.y -= 8.0;
    pages.need(60.0);
    pages.paragraph(Font::Bold, 9.5, DARK, &table.title);
    let widths = widths(table);
    let names: Vec<Cell> = table.columns.iter().map(|name| Cell::text(*name)).collect();
    let numbers: Vec<bool> = (0..widths.len())
        .map(|place| table.rows.iter().any(|row| row.get(place).is_some_and(Cell::is_number)))
        .collect();
    let right = |place: usize| numbers.get(place).copied().unwrap_or_default();
    row(pages, &names, &widths, Font::Bold, right);
    pages.line((MARGIN, pages.y - 2.0), (WIDTH - MARGIN, pages.y - 2.0), 0.8, DARK);
    if table.rows.is_empty() {
        pages.paragraph(Font::Regular, SIZE, DARK, "No hay datos.");
    }
    for cells in &table.rows {
        let height =
            lines(cells, &widths, Font::Regular).iter().map(Vec::len).max().unwrap_or(1) as f64 * LINE + 4.0;
        if pages.need(height) {
            row(pages, &names, &widths, Font::Bold, right);
            pages.line((MARGIN, pages.y - 2.0), (WIDTH - MARGIN, pages.y - 2.0), 0.8, DARK);
        }
        row(pages, cells, &widths, Font::Regular, right);
        pages.line((MARGIN, pages.y - 2.0), (WIDTH - MARGIN, pages.y - 2.0), 0.4, GRID);
    }
}

/// Columns of text share the width. Columns of numbers are as wide as their longest word, and the first column gets
/// the rest.
fn widths(table: &Table) -> Vec<f64> {
    let (all, others) = (WIDTH - 2.0 * MARGIN, table.columns.len().saturating_sub(1));
    let words = table.rows.iter().flat_map(|row| row.iter().skip(1)).any(|cell| !cell.is_number());
    let needed = |place: usize| {
        let name = table.columns[place].split_whitespace().map(|word| Font::Bold.width(word, SIZE));
        let cells =
            table.rows.iter().filter_map(|row| Some(Font::Regular.width(&row.get(place)?.shown(), SIZE)));
        name.chain(cells).fold(36.0, f64::max) + GAP + 2.0
    };
    let mut widths: Vec<f64> = match words {
        true => vec![all * 0.72 / others.max(1) as f64; others],
        false => (1..=others).map(needed).collect(),
    };
    // At least a fifth of the width is left for the names of the rows.
    let sum: f64 = widths.iter().sum();
    let most = all * 0.8;
    if sum > most {
        widths.iter_mut().for_each(|width| *width *= most / sum);
    }
    widths.insert(0, all - widths.iter().sum::<f64>());
    widths
}

fn lines(cells: &[Cell], widths: &[f64], font: Font) -> Vec<Vec<String>> {
    cells.iter().zip(widths).map(|(cell, width)| font.wrapped(&cell.shown(), SIZE, width - GAP)).collect()
}

fn row(pages: &mut Pages, cells: &[Cell], widths: &[f64], font: Font, right: impl Fn(usize) -> bool) {
    let all = lines(cells, widths, font);
    let most = all.iter().map(Vec::len).max().unwrap_or(1);
    let top = pages.y - 3.0;
    let mut x = MARGIN;
    for (place, (lines, width)) in all.iter().zip(widths).enumerate() {
        for (number, line) in lines.iter().enumerate() {
            let at =
                if right(place) && place > 0 { x + width - GAP / 2.0 - font.width(line, SIZE) } else { x };
            pages.text(font, SIZE, (at, top - LINE * (number + 1) as f64 + 2.0), DARK, line);
        }
        x += width;
    }
    pages.y = top - LINE * most as f64 - 1.0;
}

/// The objects of the file, numbered in order.
fn file(document: &Document, logo: Option<&Logo>, contents: Vec<Vec<u8>>) -> Vec<u8> {
    let mut next = 0;
    let mut id = || {
        next += 1;
        Ref::new(next)
    };
    let (catalog, tree, info, regular, bold, image, mask) = (id(), id(), id(), id(), id(), id(), id());
    let mut pdf = Pdf::new();
    let mut root = pdf.catalog(catalog);
    root.pages(tree).lang(TextStr("es"));
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    pdf.document_info(info).title(TextStr(&document.title)).author(TextStr(&document.entity));
    for (font, name) in [(regular, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
        pdf.type1_font(font).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    if let Some(logo) = logo {
        let (width, height) =
            (i32::try_from(logo.width).unwrap_or(1), i32::try_from(logo.height).unwrap_or(1));
        let (colors, opacity) = (compressed(&logo.colors), compressed(&logo.opacity));
        let mut object = pdf.image_xobject(image, &colors);
        object.filter(Filter::FlateDecode);
        object.width(width).height(height).bits_per_component(8).s_mask(mask);
        object.color_space().device_rgb();
        object.finish();
        let mut object = pdf.image_xobject(mask, &opacity);
        object.filter(Filter::FlateDecode);
        object.width(width).height(height).bits_per_component(8);
        object.color_space().device_gray();
    }
    let mut kids = Vec::new();
    for content in contents {
        let (page, stream) = (id(), id());
        let content = compressed(&content);
        pdf.stream(stream, &content).filter(Filter::FlateDecode);
        let mut object = pdf.page(page);
        object.parent(tree).contents(stream).media_box(Rect::new(0.0, 0.0, WIDTH as f32, HEIGHT as f32));
        let mut resources = object.resources();
        resources.fonts().pair(REGULAR, regular).pair(BOLD, bold);
        if logo.is_some() {
            resources.x_objects().pair(LOGO, image);
        }
        resources.finish();
        object.finish();
        kids.push(page);
    }
    let count = i32::try_from(kids.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(kids).count(count);
    pdf.finish()
}

/// Writing to memory does not fail; an error would result in an empty stream.
fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}
