//! A document as one self-contained page, without scripts or other files, for screen and paper.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Value, context};

use super::cell::{Cell, Light};
use super::model::{Block, Document, Field, Finding, Head, Table};
use crate::config::logo::Logo;
use crate::problem::Result;
use crate::templates::Templates;

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
    Templates::new(|environment| environment.add_template("page.html", include_str!("page.html")))
});
const STYLE: &str = include_str!("page.css");

/// Prevents a browser from running scripts or loading resources in a page.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// # Errors
/// If the template is invalid.
pub fn write(document: &Document) -> Result<Vec<u8>> {
    let parts: Vec<Value> = document
        .parts
        .iter()
        .map(|part| {
            // Regions of a page have different names.
            let mut heading = "";
            let mut blocks: Vec<Value> = Vec::new();
            for block in &part.blocks {
                if let Block::Heading(text) = block {
                    heading = text;
                }
                let label = format!("{heading} ({}) {}", part.name, blocks.len() + 1);
                blocks.push(block_of(document, block, label.trim()));
            }
            context! { new_page => part.new_page, blocks }
        })
        .collect();
    let (form, notes) = match &document.head {
        Head::Form(form) => {
            let lines = form.lines(document);
            let lines: Vec<Value> =
                lines.into_iter().map(|(label, value)| context! { label, value }).collect();
            (Some(context! { process => &form.process, lines }), None)
        }
        Head::Report { notes } => (None, Some(notes)),
    };
    let page = match document.landscape {
        true => "@page { size: A4 landscape }",
        false => "@page { size: A4 portrait }",
    };
    let context = context! {
        language => document.locale.as_str(),
        entity => &document.entity,
        title => &document.title,
        form,
        notes,
        landscape => document.landscape,
        page_word => document.fixed("Página", "Page"),
        of_word => document.fixed("de", "of"),
        style => Value::from_safe_string(format!("{STYLE}{page}")),
        logo => document.logo.as_deref().map(data_url),
        parts,
    };
    Ok(TEMPLATES.render("page.html", context)?.into_bytes())
}

/// The logo within the page.
pub fn data_url(logo: &Logo) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(&logo.bytes))
}

fn block_of(document: &Document, block: &Block, label: &str) -> Value {
    match block {
        Block::Heading(text) => context! { kind => "heading", text },
        Block::Subheading(text) => context! { kind => "subheading", text },
        Block::Text(text) => {
            let paragraphs = text.split('\n').map(str::trim).filter(|text| !text.is_empty());
            context! { kind => "text", paragraphs => paragraphs.map(str::to_owned).collect::<Vec<_>>() }
        }
        Block::Findings(findings) => {
            let finding = |one: &Finding| context! { light => light_of(one.light), word => &one.word, text => &one.text };
            context! { kind => "findings", findings => findings.iter().map(finding).collect::<Vec<_>>() }
        }
        Block::Fields(fields) => {
            let fields: Vec<Value> = fields.iter().map(|field| field_of(document, field)).collect();
            context! { kind => "fields", fields }
        }
        Block::Table(table) => table_of(document, table, label),
        Block::Figure(figure) => {
            let svg = Value::from_safe_string(figure.drawing.svg(&figure.description));
            context! { kind => "figure", title => &figure.title, label, svg }
        }
        Block::Signatures(signatures) => {
            let signatures: Vec<Value> = signatures
                .iter()
                .map(|one| context! { role => &one.role, name => &one.name, post => &one.post, note => &one.note })
                .collect();
            context! { kind => "signatures", signatures }
        }
    }
}

fn light_of(light: Light) -> Value {
    let [red, green, blue] = light.color();
    context! { color => format!("#{red:02x}{green:02x}{blue:02x}"), symbol => light.symbol() }
}

fn field_of(document: &Document, field: &Field) -> Value {
    context! { label => &field.label, columns => field.columns, value => cell_of(document, &field.value) }
}

fn cell_of(document: &Document, cell: &Cell) -> Value {
    let light = match cell {
        Cell::Light(light, _) => Some(light_of(*light)),
        _ => None,
    };
    context! { shown => cell.shown(document.locale), number => cell.is_number(), light }
}

fn table_of(document: &Document, table: &Table, label: &str) -> Value {
    let columns: Vec<Value> = table
        .columns
        .iter()
        .enumerate()
        .map(|(place, name)| context! { name, number => table.is_of_numbers(place) })
        .collect();
    let rows: Vec<Vec<Value>> =
        table.rows.iter().map(|row| row.iter().map(|cell| cell_of(document, cell)).collect()).collect();
    context! {
        kind => "table",
        title => &table.title,
        label,
        named_rows => table.named_rows,
        none => document.fixed("No hay datos.", "There are no data."),
        columns,
        rows,
    }
}
