//! The format of a response: the parameter `format`, or otherwise the `Accept` header (RFC 9110, section 12.5.1).

/// A format that an operation can return.
pub trait Format: Copy + 'static {
    /// All of them; the first is the default.
    const ALL: &'static [Self];

    fn media_type(self) -> &'static str;
}

/// The preferred format of an `Accept` header: the one with the greatest weight, and the first of several. The weight of a
/// format is that of the most specific range that names it. The default if the header names none.
pub fn accepted<F: Format>(header: &str) -> Option<F> {
    let ranges: Vec<(String, f32)> = header.split(',').map(range).collect();
    let weight = |format: F| {
        let media_type = format.media_type();
        let group = media_type.split_once('/').map(|(group, _)| format!("{group}/*")).unwrap_or_default();
        let named = |range: &str| ranges.iter().find(|(each, _)| each == range).map(|(_, weight)| *weight);
        named(media_type).or_else(|| named(&group)).or_else(|| named("*/*")).unwrap_or_default()
    };
    let best = F::ALL.iter().map(|format| (*format, weight(*format)));
    let best = best.reduce(|best, one| if one.1 > best.1 { one } else { best });
    best.map(|(format, _)| format)
}

/// A media range and its weight, from 0 to 1.
fn range(text: &str) -> (String, f32) {
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    let range = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
    (range, weight.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Kind {
        Json,
        Html,
        Pdf,
    }

    impl Format for Kind {
        const ALL: &'static [Self] = &[Kind::Json, Kind::Html, Kind::Pdf];

        fn media_type(self) -> &'static str {
            match self {
                Kind::Json => "application/json",
                Kind::Html => "text/html",
                Kind::Pdf => "application/pdf",
            }
        }
    }

    #[test]
    fn the_format_has_the_greatest_weight() {
        for (header, format) in [
            ("", Kind::Json),
            ("*/*", Kind::Json),
            ("application/*", Kind::Json),
            ("text/*", Kind::Html),
            ("image/png", Kind::Json),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Kind::Html),
            ("application/json;q=0.5, application/pdf", Kind::Pdf),
            ("Application/PDF;q=0, text/html;Q=0.1", Kind::Html),
            ("application/json;q=0, */*", Kind::Html),
            ("text/*;q=0.2, */*;q=0.1, application/json;q=0", Kind::Html),
        ] {
            assert_eq!(accepted(header), Some(format), "{header}");
        }
    }
}
