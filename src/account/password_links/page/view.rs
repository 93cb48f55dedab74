//! The page as HTML.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, Value, context};
use sha2::{Digest, Sha256};

use crate::account::password_links::links::{Opened, Purpose};
use crate::auth::passwords::{LONGEST, SHORTEST};
use crate::language::locale::Locale;
use crate::problem::{Problem, Result, Text};

const STYLE: &str = include_str!("page.css");
const PAGE: (&str, &str) = ("page.html", include_str!("page.html"));

static ENVIRONMENT: LazyLock<std::result::Result<Environment<'static>, minijinja::Error>> =
    LazyLock::new(|| {
        let mut environment = Environment::new();
        environment.add_template(PAGE.0, PAGE.1)?;
        Ok(environment)
    });

/// The page may use its inline style and submit its form, nothing else.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// The page's `Content-Security-Policy`.
pub fn policy() -> &'static str {
    &POLICY
}

/// The state of the page.
pub enum State<'a> {
    /// The form, with the fault of the password that was sent.
    Form(&'a Opened, Option<&'a Text>),
    Set(&'a Opened),
    Invalid,
    TooMany,
    Failed,
}

pub struct View<'a> {
    pub locale: Locale,
    pub state: &'a State<'a>,
}

impl View<'_> {
    pub fn html(&self) -> Result<String> {
        let environment = ENVIRONMENT.as_ref().map_err(Problem::internal)?;
        let template = environment.get_template(PAGE.0).map_err(Problem::internal)?;
        template.render(self.context()).map_err(Problem::internal)
    }

    fn context(&self) -> Value {
        let locale = self.locale;
        let (state, opened, fault) = match self.state {
            State::Form(opened, fault) => ("form", Some(opened), fault.map(|fault| fault.in_locale(locale))),
            State::Set(opened) => ("set", Some(opened), None),
            State::Invalid => ("invalid", None, None),
            State::TooMany => ("too_many", None, None),
            State::Failed => ("failed", None, None),
        };
        let choose = move |es: String, en: String| if locale == Locale::Es { es } else { en };
        context! {
            locale => locale.as_str(),
            state,
            style => STYLE,
            t => Value::from_function(choose),
            email => opened.map(|opened| opened.email.as_str()),
            invited => opened.is_some_and(|opened| opened.purpose == Purpose::Invitation),
            fault,
            shortest => SHORTEST,
            longest => LONGEST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_can_be_shown_in_both_languages() {
        let opened = Opened {
            user_id: uuid::Uuid::nil(),
            purpose: Purpose::Reset,
            email: "<b>@mesa.test".to_owned(),
            full_name: String::new(),
            locale: Locale::Es,
        };
        let fault = Text::new("<i>no</i>", "<i>no</i>");
        let states = [
            State::Form(&opened, None),
            State::Form(&opened, Some(&fault)),
            State::Set(&opened),
            State::Invalid,
            State::TooMany,
            State::Failed,
        ];
        for state in &states {
            for locale in Locale::ALL.iter().copied() {
                let html = (View { locale, state }).html().unwrap();
                assert!(html.contains("<h1>") && !html.contains("<b>") && !html.contains("<i>"), "{html}");
            }
        }
    }
}
