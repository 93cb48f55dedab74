//! The report as one self-contained page, without scripts or other files.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Value, context};

use super::chart;
use super::document::{Cell, Document, Finding, Light, Passage, Section, Signature, Table};
use crate::config::logo::Logo;
use crate::language::Locale;
use crate::problem::Result;
use crate::templates::Templates;

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
    Templates::new(|environment| environment.add_template("page.html", include_str!("page.html")))
});
const STYLE: &str = include_str!("page.css");

/// # Errors
/// If the template is invalid.
pub fn write(document: &Document, logo: Option<&Logo>) -> Result<Vec<u8>> {
    let sections: Vec<Value> = document.sections.iter().map(section).collect();
    let signatures: Vec<Value> = document.signatures.iter().map(signature).collect();
    let context = context! {
        entity => &document.entity,
        title => &document.title,
        code => &document.code,
        notes => &document.notes,
        style => Value::from_safe_string(STYLE.to_owned()),
        logo => logo.map(|logo| format!("data:image/png;base64,{}", STANDARD.encode(&logo.bytes))),
        sections,
        signatures,
    };
    Ok(TEMPLATES.render("page.html", context)?.into_bytes())
}

fn section(section: &Section) -> Value {
    let tables: Vec<Value> = section.tables.iter().map(table).collect();
    let finding =
        |one: &Finding| context! { mark => mark(one.mark.light(), one.mark.word()), text => &one.text };
    let groups = section.findings.iter().map(|group| {
        let findings: Vec<Value> = group.findings.iter().map(finding).collect();
        context! { title => group.title, findings }
    });
    let groups: Vec<Value> = groups.collect();
    let passages: Vec<Value> = section.passages.iter().map(passage).collect();
    let ends_page = section.ends_page;
    context! { title => section.title, text => &section.text, groups, passages, tables, ends_page }
}

fn passage(one: &Passage) -> Value {
    let lines: Vec<String> = one.lines().map(str::to_owned).collect();
    context! { title => &one.title, lines }
}

fn mark(light: Light, word: &str) -> Value {
    context! { word, symbol => light.symbol(), tone => light.name() }
}

fn signature(one: &Signature) -> Value {
    context! { label => one.label, name => &one.name, position => &one.position }
}

fn table(table: &Table) -> Value {
    let cell = |cell: &Cell| {
        let mark = match cell {
            Cell::Light(light, word) => Some(mark(*light, word)),
            _ => None,
        };
        context! { shown => cell.shown(Locale::Es), number => cell.is_number(), mark }
    };
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
