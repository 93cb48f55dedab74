//! The 5 × 5 map of risks as a drawing for documents. Pure.

use super::level::{IMPACTS, PROBABILITIES, RiskLevel};
use crate::documents::drawing::{Anchor, Color, Drawing, Shape};
use crate::language::Locale;

const PROBABILITIES_EN: [&str; 5] = ["Very low", "Low", "Medium", "High", "Very high"];
const IMPACTS_EN: [&str; 5] = ["Minor", "Low", "Moderate", "Major", "Catastrophic"];
/// Width and height of a cell.
const CELL: (f64, f64) = (96.0, 40.0);
/// The position of the first cell.
const FROM: (f64, f64) = (110.0, 24.0);
/// How many risks a line of a cell names, and how many lines there are.
const PER_LINE: usize = 3;
const LINES: usize = 2;

pub fn probabilities(locale: Locale) -> [&'static str; 5] {
    if locale == Locale::Es { PROBABILITIES } else { PROBABILITIES_EN }
}

pub fn impacts(locale: Locale) -> [&'static str; 5] {
    if locale == Locale::Es { IMPACTS } else { IMPACTS_EN }
}

/// A value from 1 to 5 with its name: `3 Media`.
pub fn named(value: i16, scale: [&'static str; 5]) -> String {
    let name = usize::try_from(value - 1).ok().and_then(|place| scale.get(place));
    format!("{value} {}", name.copied().unwrap_or_default())
}

/// Black text on each of them has a contrast of 7 to 1 or more.
const fn fill(level: RiskLevel) -> Color {
    match level {
        RiskLevel::Low => [0xa8, 0xd8, 0xa0],
        RiskLevel::Moderate => [0xff, 0xe6, 0x99],
        RiskLevel::High => [0xf9, 0xb2, 0x6b],
        RiskLevel::Extreme => [0xf2, 0x8b, 0x82],
    }
}

/// Number, probability and impact of each risk.
pub fn draw(risks: &[(i32, i16, i16)], locale: Locale) -> Drawing {
    let mut shapes = Vec::new();
    let text =
        |x: f64, y: f64, anchor: Anchor, text: String| Shape::Text { at: (x, y), size: 10.5, anchor, text };
    for (column, name) in (0..5i16).zip(impacts(locale)) {
        let x = FROM.0 + (f64::from(column) + 0.5) * CELL.0;
        shapes.push(text(x, FROM.1 - 8.0, Anchor::Middle, format!("{} {name}", column + 1)));
    }
    for probability in (1..=5i16).rev() {
        let y = FROM.1 + f64::from(5 - probability) * CELL.1;
        let name = named(probability, probabilities(locale));
        shapes.push(text(FROM.0 - 8.0, y + CELL.1 / 2.0 + 4.0, Anchor::End, name));
        for impact in 1..=5i16 {
            let x = FROM.0 + f64::from(impact - 1) * CELL.0;
            let color = fill(RiskLevel::assess(probability, impact));
            shapes.push(Shape::Box { x, y, width: CELL.0 - 1.5, height: CELL.1 - 1.5, color });
            let here = risks.iter().filter(|(_, p, i)| (*p, *i) == (probability, impact));
            let numbers: Vec<String> = here.map(|(number, _, _)| format!("R{number}")).collect();
            for (line, y) in lines(numbers).into_iter().zip([y + 16.0, y + 30.0]) {
                shapes.push(text(x + CELL.0 / 2.0, y, Anchor::Middle, line));
            }
        }
    }
    let bottom = FROM.1 + 5.0 * CELL.1;
    Drawing { width: FROM.0 + 5.0 * CELL.0 + 10.0, height: bottom + 4.0, shapes }
}

/// Those that do not fit are counted.
fn lines(mut names: Vec<String>) -> Vec<String> {
    let room = PER_LINE * LINES;
    if names.len() > room {
        let more = names.len() - (room - 1);
        names.truncate(room - 1);
        names.push(format!("+{more}"));
    }
    names.chunks(PER_LINE).map(|line| line.join(" ")).collect()
}
