//! Drawings made of shapes: written as SVG and as PDF. Pure.

/// A drawing of this width and height, its origin at the top left.
#[derive(Clone)]
pub struct Drawing {
    pub width: f64,
    pub height: f64,
    pub shapes: Vec<Shape>,
}

#[derive(Clone)]
pub enum Shape {
    Box { x: f64, y: f64, width: f64, height: f64, color: Color },
    Line { from: (f64, f64), to: (f64, f64), thick: f64, color: Color },
    Dot { at: (f64, f64), radius: f64, color: Color },
    Text { at: (f64, f64), size: f64, anchor: Anchor, text: String },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// Red, green and blue.
pub type Color = [u8; 3];

impl Drawing {
    /// The drawing as an SVG element. `title` is its accessible description.
    pub fn svg(&self, title: &str) -> String {
        let mut svg = format!(
            "<svg viewBox=\"0 0 {:.0} {:.0}\" role=\"img\" aria-label=\"{}\" xmlns=\"http://www.w3.org/2000/svg\">",
            self.width,
            self.height,
            escaped(title)
        );
        for shape in &self.shapes {
            svg.push_str(&shape.svg());
        }
        svg.push_str("</svg>");
        svg
    }
}

impl Shape {
    fn svg(&self) -> String {
        let hex = |[red, green, blue]: &Color| format!("#{red:02x}{green:02x}{blue:02x}");
        match self {
            Shape::Box { x, y, width, height, color } => format!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{}\"/>",
                hex(color)
            ),
            Shape::Line { from, to, thick, color } => format!(
                "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{}\" stroke-width=\"{thick}\"/>",
                from.0,
                from.1,
                to.0,
                to.1,
                hex(color)
            ),
            Shape::Dot { at, radius, color } => {
                format!(
                    "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\" fill=\"{}\"/>",
                    at.0,
                    at.1,
                    hex(color)
                )
            }
            Shape::Text { at, size, anchor, text } => {
                let anchor = match anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                    Anchor::End => "end",
                };
                format!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\">{}</text>",
                    at.0,
                    at.1,
                    escaped(text)
                )
            }
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
