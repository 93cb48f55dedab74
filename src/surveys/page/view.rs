//! The page as HTML.

use std::sync::LazyLock;

use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::form::{COMMENT, Form};
use crate::http::page::Page;
use crate::language::locale::Locale;
use crate::problem::Text;
use crate::surveys::links::Opened;

pub static PAGE: LazyLock<Page> =
    LazyLock::new(|| Page::new(include_str!("page.html"), include_str!("page.css")));

/// What the page shows.
pub enum State<'a> {
    Form(&'a Opened, &'a Form),
    /// The ticket's number, and the formatted time of the answer.
    Answered(i64, String),
    /// The form was sent a second time.
    AnsweredBefore,
    /// The requester attended the ticket.
    Attended,
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
    Text::new("Muy malo", "Very bad"),
    Text::new("Malo", "Bad"),
    Text::new("Regular", "Fair"),
    Text::new("Bueno", "Good"),
    Text::new("Muy bueno", "Very good"),
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
    /// What the template is rendered with.
    pub fn context(&self) -> Value {
        let state = match &self.state {
            State::Form(opened, form) => return self.form(opened, form),
            State::Answered(ticket, at) => {
                return context! { state => "answered", ticket, at };
            }
            State::AnsweredBefore => "answered_before",
            State::Attended => "attended",
            State::Unsolved { open: true } => "open_again",
            State::Unsolved { open: false } => "unsolved",
            State::Expired => "expired",
            State::Unknown => "unknown",
            State::Failed => "failed",
        };
        context! { state }
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
        context! {
            state => "form",
            ticket => opened.row.ticket_id,
            subject => opened.subject.as_str(),
            solution => opened.solution.as_deref(),
            questions => Value::from(Serde(questions)),
            scale,
            sound => form.is_sound(),
            comment => form.comment.as_str(),
            comment_fault => form.comment_fault.as_ref().map(in_locale),
            comment_length => COMMENT,
        }
    }
}
