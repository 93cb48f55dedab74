//! The texts of messages, kept as files in the binary. A file contains the text of one kind of message in one
//! language; its HTML is generated from the same text, so that both have the same content.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, State, Value, context};
use serde::Serialize;

use crate::config::Config;
use crate::language::locale::Locale;
use crate::outbox::MessageKind;
use crate::problem::Result;
use crate::templates::Templates;

/// The files of these kinds, in both languages.
macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(
            (concat!("es/", $name), include_str!(concat!("templates/es/", $name, ".txt"))),
            (concat!("en/", $name), include_str!(concat!("templates/en/", $name, ".txt"))),
        )+]
    };
}

/// `layout` surrounds all of them; each kind of message has one.
const FILES: &[(&str, &str)] = files![
    "layout",
    "accepted",
    "action_overdue",
    "appointment_voided",
    "archived",
    "assigned",
    "became_critical",
    "closed",
    "due_soon",
    "email_changed",
    "escalated",
    "followup",
    "held",
    "information_requested",
    "invitation",
    "new_ticket",
    "overdue",
    "parent_solved",
    "password_changed",
    "password_reset",
    "received",
    "reopened",
    "rescheduled",
    "resumed",
    "returned",
    "solved",
    "survey_reminder",
    "waiting_for_staff",
    "webhook_ended",
];

const HTML: (&str, &str) = ("layout.html", include_str!("templates/layout.html"));

/// In both languages.
const TREE_HEAD: (&str, &str) = ("tree_head", include_str!("templates/tree_head.txt"));

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
    Templates::new(|environment| {
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
            true => AutoEscape::Html,
            false => AutoEscape::None,
        });
        environment.add_filter("quoted", quoted);
        environment.add_filter("moment", moment);
        let mut all = FILES.iter().chain([&HTML, &TREE_HEAD]);
        all.try_for_each(|(name, source)| environment.add_template(name, source))
    })
});

/// The text of a person, marked line by line as a quotation.
fn quoted(text: &str) -> String {
    let lines: Vec<String> =
        text.trim().lines().map(|line| format!("> {line}").trim_end().to_owned()).collect();
    lines.join("\n")
}

/// A time in RFC 3339 as text, by the context's `locale` and `timezone`; other values unchanged.
fn moment(state: &State, text: &str) -> String {
    let known = |name| state.lookup(name).and_then(|value| value.as_str().map(str::to_owned));
    let locale =
        if known("locale").as_deref() == Some(Locale::En.as_str()) { Locale::En } else { Locale::Es };
    let timezone = known("timezone").and_then(|name| name.parse::<Tz>().ok()).unwrap_or(Tz::UTC);
    text.parse::<DateTime<Utc>>().map_or_else(|_| text.to_owned(), |at| locale.moment(at, timezone))
}

/// The text of a message of this kind, signed by the entity. `context` has the variables of its file.
///
/// # Errors
/// A fault of a file or of the context: a fault of the build.
pub fn text(kind: MessageKind, locale: Locale, config: &Config, context: impl Serialize) -> Result<String> {
    render(kind, locale, config.timezone, config.entity.own_name(), context)
}

/// `timezone` is that of the times in the text; `entity` signs it.
pub(super) fn render(
    kind: MessageKind,
    locale: Locale,
    timezone: Tz,
    entity: Option<&str>,
    context: impl Serialize,
) -> Result<String> {
    let name = format!("{}/{}", locale.as_str(), kind.as_str());
    let house = context! { locale => locale.as_str(), timezone => timezone.name(), entity };
    let text = TEMPLATES.render(&name, context! { ..house, ..Value::from(Serde(context)) })?;
    // An omitted condition leaves no gap.
    let mut tidy = String::with_capacity(text.len());
    let mut gap = false;
    for line in text.trim().lines().map(str::trim_end) {
        if !(line.is_empty() && gap) {
            tidy.push_str(line);
            tidy.push('\n');
        }
        gap = line.is_empty();
    }
    Ok(tidy)
}

/// The mail with a signed tree head.
pub fn tree_head(context: impl Serialize) -> Result<String> {
    TEMPLATES.render(TREE_HEAD.0, Serde(context))
}

/// One part of a text between empty lines.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Part<'a> {
    Paragraph { lines: Vec<&'a str> },
    Quote { lines: Vec<&'a str> },
    Link { label: &'a str, url: &'a str },
}

/// The same text as HTML. A line that ends in `link` becomes that link; no other address does.
///
/// # Errors
/// As for `text`.
pub fn html(text: &str, title: &str, locale: Locale, link: Option<&str>) -> Result<String> {
    #[derive(Serialize)]
    struct Page<'a> {
        locale: &'static str,
        title: &'a str,
        parts: Vec<Part<'a>>,
    }
    let page = Page { locale: locale.as_str(), title, parts: parts(text, link) };
    TEMPLATES.render(HTML.0, Serde(page))
}

fn parts<'a>(text: &'a str, link: Option<&'a str>) -> Vec<Part<'a>> {
    let blocks = text.split("\n\n").map(str::trim_end).filter(|block| !block.is_empty());
    blocks
        .map(|block| {
            let labelled = link.and_then(|url| Some((block.strip_suffix(url)?.strip_suffix(": ")?, url)));
            let lines: Vec<&str> = block.lines().collect();
            match labelled {
                Some((label, url)) if lines.len() == 1 => Part::Link { label, url },
                _ if lines.iter().all(|line| line.starts_with('>')) => Part::Quote {
                    lines: lines
                        .into_iter()
                        .map(|line| line.strip_prefix("> ").unwrap_or(&line[1..]))
                        .collect(),
                },
                _ => Part::Paragraph { lines },
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_can_be_read_and_both_languages_have_the_same_ones() {
        assert_eq!(TEMPLATES.count(), FILES.len() + 2);
    }

    /// The newline after a block is not part of the text: in a line of the text it has to be kept by `+%}`.
    #[test]
    fn a_line_that_ends_in_a_block_keeps_its_newline() {
        for (name, source) in FILES {
            for line in source.lines().filter(|line| line.ends_with("%}") && !line.ends_with("+%}")) {
                let outside: String =
                    line.split("{%").map(|part| part.rsplit("%}").next().unwrap_or_default()).collect();
                assert!(outside.trim().is_empty(), "{name}: {line}");
            }
        }
    }

    #[test]
    fn a_text_is_paragraphs_quotations_and_the_one_link() {
        let url = "https://mesa.example/s/abc";
        let text =
            format!("Hola:\ndos líneas\n\n> uno\n>\n> > dos\n\nResponder: {url}\n\nVea https://otro.example");
        let [paragraph, quote, link, last] = &parts(&text, Some(url))[..] else { panic!("{text}") };
        assert_eq!(*paragraph, Part::Paragraph { lines: vec!["Hola:", "dos líneas"] });
        assert_eq!(*quote, Part::Quote { lines: vec!["uno", "", "> dos"] });
        assert_eq!(*link, Part::Link { label: "Responder", url });
        assert_eq!(*last, Part::Paragraph { lines: vec!["Vea https://otro.example"] });
        assert!(matches!(parts(&text, None)[2], Part::Paragraph { .. }));
    }

    #[test]
    fn whatever_people_write_is_words_in_html() {
        let page = html("> <script>alert('x')</script> & \"más\"\n", "<b>", Locale::Es, None).unwrap();
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
        assert!(page.contains("&lt;script&gt;"), "{page}");
    }

    #[test]
    fn a_quotation_is_marked_line_by_line() {
        assert_eq!(quoted("  uno \n\ndos\r\n"), "> uno\n>\n> dos");
    }
}
