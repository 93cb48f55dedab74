//! The report as PDF.

use std::sync::Arc;

use super::chart;
use super::document::{Document, Section};
use crate::config::logo::Logo;
use crate::documents::model::{self, Block, Figure, Finding, Head, Part, Signature};
use crate::documents::pdf;
use crate::language::Locale;
use crate::problem::Result;

/// # Errors
/// If the file cannot be written.
pub fn write(document: &Document, logo: Option<&Arc<Logo>>) -> Result<Vec<u8>> {
    let mut parts: Vec<Part> = Vec::new();
    let mut new_page = false;
    for section in &document.sections {
        parts.push(part(section, new_page));
        new_page = section.ends_page;
    }
    if let Some(last) = parts.last_mut().filter(|_| !document.signatures.is_empty()) {
        let signature = |one: &super::document::Signature| Signature {
            role: one.position.clone().unwrap_or_else(|| "Cargo:".to_owned()),
            name: format!("{}: {}", one.label, one.name.as_deref().unwrap_or_default()),
            post: None,
            note: None,
        };
        last.blocks.push(Block::Signatures(document.signatures.iter().map(signature).collect()));
    }
    let notes = [&document.code].into_iter().chain(&document.notes).cloned().collect();
    pdf::write(&model::Document {
        locale: Locale::Es,
        entity: document.entity.clone(),
        logo: logo.cloned(),
        title: document.title.clone(),
        head: Head::Report { notes },
        landscape: false,
        parts,
    })
}

fn part(section: &Section, new_page: bool) -> Part {
    let mut blocks = vec![Block::Heading(section.title.to_owned())];
    blocks.extend(section.text.iter().cloned().map(Block::Text));
    for group in &section.findings {
        let finding = |one: &super::document::Finding| Finding {
            light: one.mark.light(),
            word: one.mark.word().to_owned(),
            text: one.text.clone(),
        };
        blocks.push(Block::Subheading(group.title.to_owned()));
        blocks.push(Block::Findings(group.findings.iter().map(finding).collect()));
    }
    for passage in &section.passages {
        blocks.push(Block::Subheading(passage.title.clone()));
        blocks.push(Block::Text(passage.text.clone()));
    }
    for table in &section.tables {
        if let (Some(chart), Some(drawing)) = (&table.chart, chart::draw(table)) {
            let description = format!("{}. Los datos están en la tabla «{}».", chart.title, table.title);
            blocks.push(Block::Figure(Figure { title: chart.title.clone(), drawing, description }));
        }
        blocks.push(Block::Table(model::Table {
            title: Some(table.title.clone()),
            columns: table.columns.iter().map(|name| (*name).to_owned()).collect(),
            rows: table.rows.clone(),
            named_rows: true,
        }));
    }
    Part { name: section.title.to_owned(), new_page, blocks }
}
