//! The content of a message about an improvement action.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use super::content::{Content, Recipient, one_line};
use super::templates;
use crate::config::Config;
use crate::db::schema::{improvement_actions, users};
use crate::outbox::delivery::Message;
use crate::problem::{Problem, Result, Text};

/// The variables of the templates.
#[derive(Serialize)]
struct Context<'a> {
    reader: &'a str,
    action: Action<'a>,
}

#[derive(Serialize)]
struct Action<'a> {
    number: i32,
    text: &'a str,
    due_on: String,
    owner: &'a str,
}

/// The improvement actions that the messages of a batch are about, with their owners.
pub(super) struct Known(HashMap<Uuid, (i32, String, NaiveDate, String)>);

impl Known {
    pub fn load(db: &mut PgConnection, wanted: &[Message]) -> Result<Self> {
        let ids: Vec<Uuid> = wanted.iter().filter_map(|message| message.improvement_action_id).collect();
        if ids.is_empty() {
            return Ok(Known(HashMap::new()));
        }
        let rows: Vec<(Uuid, i32, String, NaiveDate, String)> = improvement_actions::table
            .inner_join(users::table.on(users::id.eq(improvement_actions::owner_id)))
            .filter(improvement_actions::id.eq_any(ids))
            .select((
                improvement_actions::id,
                improvement_actions::number,
                improvement_actions::action,
                improvement_actions::due_on,
                users::full_name,
            ))
            .load(db)?;
        let action = |(id, number, text, due_on, owner): (_, _, _, _, String)| {
            (id, (number, text, due_on, one_line(&owner)))
        };
        Ok(Known(rows.into_iter().map(action).collect()))
    }

    pub fn content(
        &self,
        id: Uuid,
        message: &Message,
        reader: Option<&Recipient>,
        config: &Config,
    ) -> Result<Content> {
        let known = self.0.get(&id).zip(reader);
        let ((number, text, due_on, owner), reader) =
            known.ok_or_else(|| Problem::internal("a message without its action or its reader"))?;
        let subject = Text::made(
            format!("Venció la acción de mejora No. {number}"),
            format!("Improvement action No. {number} is overdue"),
        );
        let subject = subject.in_locale(reader.locale).to_owned();
        let context = Context {
            reader: &reader.name,
            action: Action { number: *number, text, due_on: reader.locale.day(*due_on), owner },
        };
        let text = templates::text(message.kind, reader.locale, config, context)?;
        Ok(Content {
            to_name: reader.name.clone(),
            to_address: reader.address.clone(),
            html: templates::html(&text, &subject, reader.locale, None)?,
            subject,
            text,
            root: message.id,
            link: None,
            shown_link: String::new(),
        })
    }
}
