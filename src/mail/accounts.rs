//! What a message about the account of its recipient says.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use super::content::{Content, Purpose, Recipient};
use super::templates;
use crate::account::password_links::links::{self, INVITATION_DAYS, RESET_MINUTES};
use crate::config::Config;
use crate::outbox::MessageKind;
use crate::outbox::delivery::Message;
use crate::problem::{Problem, Result, Text};

/// The variables of the templates.
#[derive(Serialize)]
struct Context<'a> {
    locale: &'static str,
    timezone: &'static str,
    reader: &'a str,
    email: &'a str,
    link: &'a str,
    minutes: i64,
    days: i64,
}

/// The links of the messages of a batch that are about accounts.
pub(super) struct Known {
    links: HashMap<Uuid, String>,
    shown_link: String,
}

impl Known {
    pub fn load(
        db: &mut PgConnection,
        wanted: &[Message],
        purpose: Purpose,
        config: &Config,
    ) -> Result<Self> {
        let shown_link = links::url(config, "…");
        let about: Vec<(Uuid, (Uuid, links::Purpose))> = wanted
            .iter()
            .filter_map(|message| Some((message.id, (message.recipient_id, link_purpose(message.kind)?))))
            .collect();
        let links = match purpose {
            Purpose::Sending => {
                let accounts: Vec<_> = about.iter().map(|(_, account)| *account).collect();
                let made = links::make(db, &accounts, config)?;
                let link = |(id, account): &(Uuid, _)| Some((*id, made.get(account)?.clone()));
                about.iter().filter_map(link).collect()
            }
            Purpose::Showing => about.iter().map(|(id, _)| (*id, shown_link.clone())).collect(),
        };
        Ok(Known { links, shown_link })
    }

    pub fn content(&self, message: &Message, reader: Option<&Recipient>, config: &Config) -> Result<Content> {
        let known = self.links.get(&message.id).zip(reader);
        let (link, reader) = known.ok_or_else(|| Problem::internal("the account is not active"))?;
        let subject = match message.kind {
            MessageKind::Invitation => {
                Text::new("Su cuenta en la Mesa de Servicios", "Your service desk account")
            }
            _ => Text::new("Cambio de contraseña", "Password change"),
        };
        let subject = subject.in_locale(reader.locale).to_owned();
        let context = Context {
            locale: reader.locale.as_str(),
            timezone: config.timezone.name(),
            reader: &reader.name,
            email: &reader.address,
            link,
            minutes: RESET_MINUTES,
            days: INVITATION_DAYS,
        };
        let text = templates::text(message.kind, reader.locale, context)?;
        Ok(Content {
            to_name: reader.name.clone(),
            to_address: reader.address.clone(),
            html: templates::html(&text, &subject, reader.locale, Some(link))?,
            subject,
            text,
            root: message.id,
            link: Some(link.clone()),
            shown_link: self.shown_link.clone(),
        })
    }
}

fn link_purpose(kind: MessageKind) -> Option<links::Purpose> {
    match kind {
        MessageKind::PasswordReset => Some(links::Purpose::Reset),
        MessageKind::Invitation => Some(links::Purpose::Invitation),
        _ => None,
    }
}
