//! The format of a response: the parameter `format`, or otherwise the `Accept` header (RFC 9110, section 12.5.1).

/// A format that an operation can return.
pub trait Format: Copy + 'static {
    /// All of them; the first is the default.
    const ALL: &'static [Self];

    fn media_type(self) -> &'static str;
}

/// The preferred format of an `Accept` header; the default if it names none. For a range such as `text/*` it is the first
/// format within.
pub fn accepted<F: Format>(header: &str) -> Option<F> {
    let wish = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let wanted = parts.next()?.to_ascii_lowercase();
        let matches = |format: &&F| match wanted.strip_suffix('*') {
            Some("*/") => true,
            Some(group) => format.media_type().starts_with(group),
            None => format.media_type() == wanted,
        };
        let format = *F::ALL.iter().find(matches)?;
        let weight = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse::<f32>().ok());
        let weight = weight.unwrap_or(1.0);
        (weight > 0.0).then_some((weight, format))
    };
    let best = header.split(',').filter_map(wish).reduce(|best, one| if one.0 > best.0 { one } else { best });
    best.map(|(_, format)| format).or_else(|| F::ALL.first().copied())
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
            ("Application/PDF;q=0, text/html;q=0.1", Kind::Html),
        ] {
            assert_eq!(accepted(header), Some(format), "{header}");
        }
    }
}
