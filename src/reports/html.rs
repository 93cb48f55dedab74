//! The report as one self-contained page, without scripts or other files.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Value, context};

use super::chart;
use super::document::{Cell, Document, Table};
use crate::config::logo::Logo;
use crate::problem::Result;
use crate::templates::Templates;

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
    Templates::new(|environment| environment.add_template("page.html", include_str!("page.html")))
});
const STYLE: &str = include_str!("page.css");

/// # Errors
/// If the template is invalid.
pub fn write(document: &Document, logo: Option<&Logo>) -> Result<Vec<u8>> {
    let sections: Vec<Value> = document
        .sections
        .iter()
        .map(|section| {
            let tables: Vec<Value> = section.tables.iter().map(table).collect();
            context! { title => section.title, text => &section.text, tables }
        })
        .collect();
    let context = context! {
        entity => &document.entity,
        title => &document.title,
        notes => &document.notes,
        style => Value::from_safe_string(STYLE.to_owned()),
        logo => logo.map(|logo| format!("data:image/png;base64,{}", STANDARD.encode(&logo.bytes))),
        sections,
    };
    Ok(TEMPLATES.render("page.html", context)?.into_bytes())
}

fn table(table: &Table) -> Value {
    let cell = |cell: &Cell| context! { shown => cell.shown(), number => cell.is_number() };
    let rows: Vec<Vec<Value>> = table.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    let numbers: Vec<Value> = (0..table.columns.len())
        .map(|place| {
            let is_number = table.rows.iter().any(|row| row.get(place).is_some_and(Cell::is_number));
            context! { name => table.columns[place], number => is_number }
        })
        .collect();
    let drawing = table.chart.as_ref().and_then(|chart| {
        let svg = chart::draw(table)?.svg(&format!("{}. Los datos están en la tabla.", chart.title));
        Some(context! { title => &chart.title, svg => Value::from_safe_string(svg) })
    });
    context! { title => &table.title, columns => numbers, rows, chart => drawing }
}
