//! The page as HTML.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::form::{COMMENT, Form};
use crate::language::locale::Locale;
use crate::problem::{Problem, Result, Text};
use crate::surveys::links::Opened;

const STYLE: &str = include_str!("page.css");
const PAGE: (&str, &str) = ("page.html", include_str!("page.html"));

/// An error if the template is invalid, which the tests would detect.
static ENVIRONMENT: LazyLock<std::result::Result<Environment<'static>, minijinja::Error>> =
    LazyLock::new(|| {
        let mut environment = Environment::new();
        environment.add_template(PAGE.0, PAGE.1)?;
        Ok(environment)
    });

/// The page may only use its own style and send its own form.
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

/// What the page shows.
pub enum State<'a> {
    Form(&'a Opened, &'a Form),
    /// The ticket's number, and the formatted time of the answer.
    Answered(i64, String),
    /// The form was sent a second time.
    AnsweredBefore,
    /// `open`: the ticket is open again; otherwise it ended without a solution.
    Unsolved {
        open: bool,
    },
    Expired,
    Unknown,
    Failed,
}

pub struct View<'a> {
    pub locale: Locale,
    pub state: State<'a>,
}

/// From very bad to very good.
const SCALE: [Text; 5] = [
    Text::new("Muy mal", "Very bad"),
    Text::new("Mal", "Bad"),
    Text::new("Regular", "Fair"),
    Text::new("Bien", "Good"),
    Text::new("Muy bien", "Very good"),
];

#[derive(Serialize)]
struct Question<'a> {
    name: String,
    text: &'a str,
    required: bool,
    chosen: Option<i16>,
    fault: Option<&'a str>,
}

impl View<'_> {
    /// # Errors
    /// If the template is invalid, which is a defect of the build.
    pub fn html(&self) -> Result<String> {
        let environment = ENVIRONMENT.as_ref().map_err(Problem::internal)?;
        let template = environment.get_template(PAGE.0).map_err(Problem::internal)?;
        template.render(self.context()).map_err(Problem::internal)
    }

    fn context(&self) -> Value {
        let state = match &self.state {
            State::Form(opened, form) => return self.form(opened, form),
            State::Answered(ticket, at) => {
                return context! { ..self.common("answered"), ..context! { ticket, at } };
            }
            State::AnsweredBefore => "answered_before",
            State::Unsolved { open: true } => "open_again",
            State::Unsolved { open: false } => "unsolved",
            State::Expired => "expired",
            State::Unknown => "unknown",
            State::Failed => "failed",
        };
        self.common(state)
    }

    fn common(&self, state: &str) -> Value {
        let locale = self.locale;
        let choose = move |es: String, en: String| if locale == Locale::Es { es } else { en };
        context! { locale => locale.as_str(), state, style => STYLE, t => Value::from_function(choose) }
    }

    fn form(&self, opened: &Opened, form: &Form) -> Value {
        let in_locale = |text: &Text| text.in_locale(self.locale).to_owned();
        let questions: Vec<Question<'_>> = form
            .questions
            .iter()
            .map(|asked| Question {
                name: asked.name(),
                text: match self.locale {
                    Locale::Es => &asked.question.text.es,
                    Locale::En => &asked.question.text.en,
                },
                required: asked.question.standing,
                chosen: asked.chosen,
                fault: asked.fault.as_ref().map(|fault| fault.in_locale(self.locale)),
            })
            .collect();
        let scale: Vec<String> = SCALE.iter().map(in_locale).collect();
        let form = context! {
            ticket => opened.row.ticket_id,
            subject => opened.subject.as_str(),
            solution => opened.solution.as_deref(),
            questions => Value::from(Serde(questions)),
            scale,
            sound => form.is_sound(),
            comment => form.comment.as_str(),
            comment_fault => form.comment_fault.as_ref().map(in_locale),
            comment_length => COMMENT,
        };
        context! { ..self.common("form"), ..form }
    }
}
