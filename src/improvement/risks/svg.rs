//! The matrix as an image, made of `matrix.svg`.

use std::sync::LazyLock;

use minijinja::AutoEscape;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use serde::Serialize;

use super::level::{IMPACTS, PROBABILITIES, RiskLevel};
use super::matrix::{RiskMatrix, RiskMatrixBasis, RiskMatrixCell};
use crate::problem::Result;
use crate::templates::Templates;

/// Width and height of a cell, in the image's units.
const CELL: (i16, i16) = (140, 84);
/// The position of the first cell.
const FROM: (i16, i16) = (150, 96);
/// How many risks a line of a cell names, and how many lines there are.
const PER_LINE: usize = 3;
const LINES: usize = 3;

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
    Templates::new(|environment| {
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.add_template("matrix.svg", include_str!("matrix.svg"))
    })
});

#[derive(Serialize)]
struct Image {
    basis: &'static str,
    description: String,
    cells: Vec<Cell>,
    rows: Vec<Label>,
    columns: Vec<Label>,
}

#[derive(Serialize)]
struct Label {
    x: i16,
    y: i16,
    number: i16,
    name: &'static str,
}

#[derive(Serialize)]
struct Cell {
    x: i16,
    y: i16,
    width: i16,
    height: i16,
    fill: &'static str,
    level: &'static str,
    /// The whole matrix as text.
    title: String,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    y: i16,
    text: String,
}

/// Black text on each of them has a contrast of 7 to 1 or more.
const fn fill(level: RiskLevel) -> &'static str {
    match level {
        RiskLevel::Low => "#a8d8a0",
        RiskLevel::Moderate => "#ffe699",
        RiskLevel::High => "#f9b26b",
        RiskLevel::Extreme => "#f28b82",
    }
}

/// # Errors
/// A fault of the template: a fault of the build.
pub fn draw(matrix: &RiskMatrix) -> Result<String> {
    let cells: Vec<Cell> = matrix.cells.iter().map(cell).collect();
    let mut described: Vec<&str> = matrix
        .cells
        .iter()
        .zip(&cells)
        .filter(|(cell, _)| !cell.risks.is_empty())
        .map(|(_, shown)| shown.title.as_str())
        .collect();
    described.reverse();
    let description = match described.is_empty() {
        true => "No hay riesgos activos.".to_owned(),
        false => described.join(" "),
    };
    let place = |(number, name): (i16, &'static str)| {
        let column = Label { x: FROM.0 + (number - 1) * CELL.0 + CELL.0 / 2, y: FROM.1, number, name };
        let row = Label { x: FROM.0, y: top(number) + CELL.1 / 2, number, name };
        (column, row)
    };
    let image = Image {
        basis: match matrix.basis {
            RiskMatrixBasis::Inherent => "Riesgo inherente",
            RiskMatrixBasis::Residual => "Riesgo residual",
        },
        description,
        rows: (1..).zip(PROBABILITIES).map(|label| place(label).1).collect(),
        columns: (1..).zip(IMPACTS).map(|label| place(label).0).collect(),
        cells,
    };
    TEMPLATES.render("matrix.svg", Serde(image))
}

/// The vertical position of the row of a probability: the highest above.
fn top(probability: i16) -> i16 {
    FROM.1 + (5 - probability) * CELL.1
}

fn cell(cell: &RiskMatrixCell) -> Cell {
    let named = |scale: [&'static str; 5], value: i16| {
        usize::try_from(value - 1).ok().and_then(|place| scale.get(place).copied()).unwrap_or_default()
    };
    let risks: Vec<String> =
        cell.risks.iter().map(|risk| format!("R{}: {}", risk.number, risk.risk)).collect();
    let title = format!(
        "Probabilidad {}, impacto {}, nivel {}. {}.",
        named(PROBABILITIES, cell.probability).to_lowercase(),
        named(IMPACTS, cell.impact).to_lowercase(),
        cell.level.name().to_lowercase(),
        if risks.is_empty() { "Sin riesgos".to_owned() } else { risks.join("; ") },
    );
    let y = top(cell.probability);
    Cell {
        x: FROM.0 + (cell.impact - 1) * CELL.0,
        y,
        width: CELL.0,
        height: CELL.1,
        fill: fill(cell.level),
        level: cell.level.name(),
        title,
        lines: lines(cell).into_iter().zip(0..).map(|(text, n)| Line { y: y + 40 + n * 18, text }).collect(),
    }
}

/// The numbers of a cell's risks; those that do not fit are counted, and the cell's title has all of them.
fn lines(cell: &RiskMatrixCell) -> Vec<String> {
    let mut names: Vec<String> = cell.risks.iter().map(|risk| format!("R{}", risk.number)).collect();
    let room = PER_LINE * LINES;
    if names.len() > room {
        let more = names.len() - (room - 1);
        names.truncate(room - 1);
        names.push(format!("+{more}"));
    }
    names.chunks(PER_LINE).map(|line| line.join(" ")).collect()
}
