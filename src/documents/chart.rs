//! Charts as drawings. Pure.

use super::cell::decimal;
use super::drawing::{Anchor, Color, Drawing, Shape};
use crate::language::Locale;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChartKind {
    /// Vertical bars side by side, for periods.
    Columns,
    /// Horizontal bars, for names.
    Bars,
    /// A line, for periods.
    Line,
}

/// What is drawn in one colour.
pub struct Series {
    pub name: String,
    pub values: Vec<Option<f64>>,
    /// The formatted values.
    pub shown: Vec<String>,
}

/// They differ in lightness, so that they can be distinguished without colour vision.
const COLORS: [Color; 3] = [[0x0b, 0x4f, 0x8a], [0xe0, 0x8a, 0x1e], [0x8f, 0xb8, 0xde]];
const AXIS: Color = [0x55, 0x5f, 0x6b];
const GRID: Color = [0xdd, 0xe2, 0xe8];
const WIDTH: f64 = 600.0;
const SIZE: f64 = 12.0;

/// A chart of these series, three at most, over these labels; `None` if there are no values above zero.
pub fn draw(kind: ChartKind, labels: &[String], series: &[Series], locale: Locale) -> Option<Drawing> {
    let largest = series.iter().flat_map(|one| &one.values).flatten().copied().fold(0.0, f64::max);
    if largest <= 0.0 {
        return None;
    }
    Some(match kind {
        ChartKind::Bars => bars(labels, series, largest),
        kind => over_time(kind, labels, series, largest, locale),
    })
}

fn text(at: (f64, f64), anchor: Anchor, text: impl Into<String>) -> Shape {
    Shape::Text { at, size: SIZE, anchor, text: text.into() }
}

/// The legend with the colour of each column, above a chart.
fn legend(shapes: &mut Vec<Shape>, series: &[Series], left: f64) {
    let mut x = left;
    for (one, color) in series.iter().zip(COLORS) {
        shapes.push(Shape::Box { x, y: 4.0, width: 12.0, height: 12.0, color });
        shapes.push(text((x + 18.0, 14.5), Anchor::Start, one.name.as_str()));
        x += 34.0 + one.name.chars().count() as f64 * SIZE * 0.56;
    }
}

fn bars(labels: &[String], series: &[Series], largest: f64) -> Drawing {
    let (left, right, top, bar) = (190.0, WIDTH - 60.0, 30.0, if series.len() == 1 { 18.0 } else { 14.0 });
    let row = bar * series.len() as f64 + 10.0;
    let mut shapes = Vec::new();
    legend(&mut shapes, series, left);
    for (place, label) in labels.iter().enumerate() {
        let y = top + row * place as f64;
        let middle = y + bar * series.len() as f64 / 2.0 + SIZE * 0.35;
        shapes.push(text((left - 8.0, middle), Anchor::End, shortened(label, 28)));
        for (number, (one, color)) in series.iter().zip(COLORS).enumerate() {
            let y = y + bar * number as f64;
            let value = one.values.get(place).copied().flatten();
            let width = (right - left) * value.unwrap_or_default().max(0.0) / largest;
            if width > 0.0 {
                shapes.push(Shape::Box { x: left, y, width, height: bar - 2.0, color });
            }
            let shown = one.shown.get(place).cloned().unwrap_or_default();
            shapes.push(text((left + width + 6.0, y + bar * 0.5 + SIZE * 0.3), Anchor::Start, shown));
        }
    }
    let bottom = top + row * labels.len() as f64 - 4.0;
    shapes.push(Shape::Line { from: (left, top - 4.0), to: (left, bottom), thick: 1.0, color: AXIS });
    Drawing { width: WIDTH, height: bottom + 6.0, shapes }
}

fn over_time(kind: ChartKind, labels: &[String], series: &[Series], largest: f64, locale: Locale) -> Drawing {
    let (left, right, top, bottom) = (60.0, WIDTH - 10.0, 40.0, 230.0);
    let (step, steps) = scale(largest);
    let height = |value: f64| bottom - (bottom - top) * value / (step * steps as f64);
    let mut shapes = Vec::new();
    legend(&mut shapes, series, left);
    for number in 0..=steps {
        let value = step * number as f64;
        let y = height(value);
        shapes.push(Shape::Line {
            from: (left, y),
            to: (right, y),
            thick: 1.0,
            color: if number == 0 { AXIS } else { GRID },
        });
        let decimals = usize::from(step < 1.0);
        shapes.push(text((left - 8.0, y + SIZE * 0.35), Anchor::End, decimal(value, decimals, locale)));
    }
    let place_width = (right - left) / labels.len().max(1) as f64;
    for (place, label) in labels.iter().enumerate() {
        let middle = left + place_width * (place as f64 + 0.5);
        shapes.push(text((middle, bottom + 20.0), Anchor::Middle, label.as_str()));
    }
    for (number, (one, color)) in series.iter().zip(COLORS).enumerate() {
        let mut last = None;
        for (place, value) in one.values.iter().enumerate() {
            let Some(value) = *value else {
                last = None;
                continue;
            };
            let middle = left + place_width * (place as f64 + 0.5);
            if kind == ChartKind::Line {
                let at = (middle, height(value));
                if let Some(from) = last {
                    shapes.push(Shape::Line { from, to: at, thick: 2.5, color });
                }
                shapes.push(Shape::Dot { at, radius: 4.0, color });
                last = Some(at);
            } else {
                let width = (place_width * 0.8 / series.len() as f64).min(60.0);
                let x = middle + width * (number as f64 - series.len() as f64 / 2.0);
                shapes.push(Shape::Box {
                    x,
                    y: height(value),
                    width: width - 2.0,
                    height: bottom - height(value),
                    color,
                });
                let shown = one.shown.get(place).cloned().unwrap_or_default();
                let at = (x + width / 2.0 - 1.0, height(value) - 4.0);
                shapes.push(Shape::Text { at, size: 10.0, anchor: Anchor::Middle, text: shown });
            }
        }
    }
    Drawing { width: WIDTH, height: bottom + 28.0, shapes }
}

/// A round step, and how many steps reach the largest value.
fn scale(largest: f64) -> (f64, usize) {
    let rough = largest / 4.0;
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough);
    let step = step.unwrap_or(rough).max(if largest >= 4.0 { 1.0 } else { 0.0 });
    (step, (largest / step).ceil().max(1.0) as usize)
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(kind: ChartKind, values: &[Option<f64>]) -> Option<Drawing> {
        let labels: Vec<String> = values.iter().map(|_| "<b> & \"c\"".to_owned()).collect();
        let shown = values.iter().map(|value| format!("{value:?}")).collect();
        draw(kind, &labels, &[Series { name: "N".to_owned(), values: values.to_vec(), shown }], Locale::Es)
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        for kind in [ChartKind::Bars, ChartKind::Columns, ChartKind::Line] {
            assert!(drawn(kind, &[]).is_none());
            assert!(drawn(kind, &[Some(0.0), None]).is_none());
            assert!(drawn(kind, &[Some(1.0)]).is_some());
        }
    }

    #[test]
    fn what_people_wrote_cannot_break_out_of_a_drawing() {
        let svg = drawn(ChartKind::Bars, &[Some(3.0)]).unwrap().svg("a \"b\" <c>");
        assert!(
            svg.contains("&lt;b&gt; &amp; &quot;c&quot;")
                && svg.contains("aria-label=\"a &quot;b&quot; &lt;c&gt;\"")
        );
    }

    #[test]
    fn axes_end_at_or_above_the_largest_value_in_few_round_steps() {
        for largest in [0.3, 1.0, 3.0, 7.0, 99.9, 100.0, 1234.0, 87_654.0] {
            let (step, steps) = scale(largest);
            assert!(step * steps as f64 >= largest && (1..=5).contains(&steps), "{largest}: {step} {steps}");
        }
    }

    #[test]
    fn a_line_has_a_gap_where_nothing_was_measured() {
        let lines = |values: &[Option<f64>]| {
            let drawing = drawn(ChartKind::Line, values).unwrap();
            let thick = |shape: &&Shape| matches!(shape, Shape::Line { thick, .. } if *thick > 2.0);
            drawing.shapes.iter().filter(thick).count()
        };
        assert_eq!(lines(&[Some(0.5), Some(0.5), Some(0.5)]), 2);
        assert_eq!(lines(&[Some(0.5), None, Some(0.5)]), 0);
    }
}
