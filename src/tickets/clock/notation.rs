//! Properties of an expression that the parser does not report, read from its text.

const WEEKDAYS: [&str; 7] = ["mo", "tu", "we", "th", "fr", "sa", "su"];

/// The states that can precede a comment.
const STATES: [&str; 4] = ["open", "off", "closed", "unknown"];

/// The first comment without a state before it: the parser treats the rule as open, although by the specification the
/// comment determines its state.
pub fn comment_without_state(text: &str) -> Option<String> {
    let mut from = 0;
    while let Some(start) = text[from..].find('"').map(|at| from + at) {
        let end = text[start + 1..].find('"').map(|at| start + 1 + at)?;
        let before = text[..start].trim_end().to_lowercase();
        let stated = STATES.iter().any(|state| {
            before.strip_suffix(state).is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()))
        });
        if !stated {
            return Some(text[start..=end].to_owned());
        }
        from = end + 1;
    }
    None
}

/// `PH Mo-Fr` or `Mo-Fr PH`, with a space: holidays that fall on these weekdays. The parser treats it as `PH,Mo-Fr`.
pub fn holiday_beside_weekday(text: &str) -> Option<String> {
    let text = without_comments(text);
    ["PH", "SH"]
        .iter()
        .flat_map(|name| text.match_indices(name))
        .find_map(|(at, name)| {
            let after = &text[at + name.len()..];
            let day = skip_offset(after).strip_prefix(' ')?.trim_start();
            let weekday = starts_with_weekday(day);
            weekday.then(|| text[at..text.len() - day.len() + 2].to_owned())
        })
        .or_else(|| {
            ["PH", "SH"].iter().flat_map(|name| text.match_indices(name)).find_map(|(at, name)| {
                let before = text[..at].strip_suffix(' ')?.trim_end();
                let first = ends_with_weekday(before)?;
                Some(text[first..at + name.len()].to_owned())
            })
        })
}

/// The same text with comments replaced by spaces.
fn without_comments(text: &str) -> String {
    let mut quoted = false;
    let blank = |c: char| {
        let inside = quoted || c == '"';
        if c == '"' {
            quoted = !quoted;
        }
        if inside { ' ' } else { c }
    };
    text.chars().map(blank).collect()
}

fn starts_with_weekday(text: &str) -> bool {
    let name = text.get(..2).map(str::to_lowercase);
    let ends = !text[2.min(text.len())..].starts_with(|c: char| c.is_alphabetic());
    name.is_some_and(|name| WEEKDAYS.contains(&name.as_str())) && ends
}

/// The start of the weekday at the end of the text: `Fr`, `Fr[1]`, `Fr[1] +2 days`.
fn ends_with_weekday(text: &str) -> Option<usize> {
    let days = text.strip_suffix("days").or_else(|| text.strip_suffix("day"));
    let text = match days {
        Some(text) => {
            text.trim_end().trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['+', '-'])
        }
        None => text,
    }
    .trim_end();
    let text = if text.ends_with(']') { &text[..text.rfind('[')?] } else { text };
    let at = text.len().checked_sub(2)?;
    let name = text.get(at..)?;
    let begins = !text[..at].ends_with(|c: char| c.is_alphabetic());
    (begins && WEEKDAYS.contains(&name.to_lowercase().as_str())).then_some(at)
}

/// The text after ` +1 day`, if present.
fn skip_offset(text: &str) -> &str {
    let offset = || {
        let sign = text.strip_prefix(' ')?.strip_prefix(['+', '-'])?;
        let rest = sign.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(" day")?;
        Some(rest.strip_prefix('s').unwrap_or(rest))
    };
    offset().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_needs_a_state_before_it() {
        let found = |text: &str| comment_without_state(text);
        assert_eq!(found("Mo 08:00-12:00 open \"sede\"; Su off \"cerrado\""), None);
        assert_eq!(found("Mo 08:00-12:00 \"sede\"").as_deref(), Some("\"sede\""));
        assert_eq!(found("\"open\"").as_deref(), Some("\"open\""));
        assert_eq!(found("\"invierno\": Mo off").as_deref(), Some("\"invierno\""));
        assert_eq!(found("Mo reopen \"x\"").as_deref(), Some("\"x\""));
    }

    #[test]
    fn a_space_between_holidays_and_weekdays_is_found() {
        let found = |text: &str| holiday_beside_weekday(text);
        assert_eq!(found("PH Mo-Fr off").as_deref(), Some("PH Mo"));
        assert_eq!(found("Mo-Fr PH off").as_deref(), Some("Fr PH"));
        assert_eq!(found("PH +1 day mo off").as_deref(), Some("PH +1 day mo"));
        assert_eq!(found("Fr[1] +2 days PH off").as_deref(), Some("Fr[1] +2 days PH"));
        for text in [
            "PH off",
            "PH,Mo-Fr 08:00-12:00",
            "Mo,PH off",
            "Su 08:00-12:00; PH off",
            "PH open \"Mo\"",
            "Su off \"PH Mo\"",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
