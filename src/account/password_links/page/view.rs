//! The page as HTML.

use std::sync::LazyLock;

use minijinja::{Value, context};

use crate::account::password_links::links::{Opened, Purpose};
use crate::auth::passwords::{LONGEST, SHORTEST};
use crate::http::page::Page;
use crate::language::locale::Locale;
use crate::problem::Text;

pub static PAGE: LazyLock<Page> =
    LazyLock::new(|| Page::new(include_str!("page.html"), include_str!("page.css")));

/// The state of the page.
pub enum State<'a> {
    /// The form, with the fault of the password that was sent.
    Form(&'a Opened, Option<&'a Text>),
    Set(&'a Opened),
    Invalid,
    TooMany,
    Failed,
}

impl State<'_> {
    /// What the template is rendered with.
    pub fn context(&self, locale: Locale) -> Value {
        let (state, opened, fault) = match self {
            State::Form(opened, fault) => ("form", Some(opened), fault.map(|fault| fault.in_locale(locale))),
            State::Set(opened) => ("set", Some(opened), None),
            State::Invalid => ("invalid", None, None),
            State::TooMany => ("too_many", None, None),
            State::Failed => ("failed", None, None),
        };
        context! {
            state,
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
    use crate::config::Entity;

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
        let entity = Entity { name: "<b>Alcaldía</b>".to_owned(), ..Entity::default() };
        for state in &states {
            for locale in Locale::ALL.iter().copied() {
                let html = PAGE.html(locale, &entity, state.context(locale)).unwrap();
                assert!(html.contains("<h1>") && !html.contains("<b>") && !html.contains("<i>"), "{html}");
            }
        }
    }
}
