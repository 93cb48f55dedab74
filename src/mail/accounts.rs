//! The content of a message about the account of its recipient.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::content::{Content, Purpose, Recipient, one_line};
use super::templates;
use crate::account::password_links::links::{self, INVITATION_DAYS, RESET_MINUTES};
use crate::auth::policy::Role;
use crate::config::Config;
use crate::outbox::MessageKind;
use crate::outbox::delivery::Message;
use crate::people::person::{self, Person};
use crate::problem::{Problem, Result, Text};

/// The variables of the templates.
#[derive(Serialize)]
struct Context<'a> {
    reader: &'a str,
    email: &'a str,
    /// None in a notice.
    link: Option<&'a str>,
    minutes: i64,
    days: i64,
    data: &'a Value,
    /// The person who changed the address of the account.
    changed_by: Option<ChangedBy<'a>>,
    /// The desk's own address; none if mail is off.
    desk_address: Option<&'a str>,
}

#[derive(Serialize)]
struct ChangedBy<'a> {
    name: &'a str,
    role: Role,
    /// The recipient changed it.
    is_reader: bool,
}

/// The data for the messages of a batch that are about accounts: their links, and who changed an account.
pub(super) struct Known {
    links: HashMap<Uuid, String>,
    people: HashMap<Uuid, Person>,
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
        let mut people = person::by_id(db, wanted.iter().filter_map(changed_by_id))?;
        for person in people.values_mut() {
            person.full_name = one_line(&person.full_name);
        }
        Ok(Known { links, people, shown_link })
    }

    pub fn content(&self, message: &Message, reader: Option<&Recipient>, config: &Config) -> Result<Content> {
        let reader = reader.ok_or_else(|| Problem::internal("a message without its reader"))?;
        let link = self.links.get(&message.id).map(String::as_str);
        if link.is_none() && link_purpose(message.kind).is_some() {
            return Err(Problem::internal("the account is not active"));
        }
        let address = message.data["to"].as_str().unwrap_or(&reader.address);
        let subject = match message.kind {
            MessageKind::Invitation => {
                Text::new("Su cuenta en la Mesa de Servicios", "Your service desk account")
            }
            MessageKind::EmailChanged => Text::new(
                "Se cambió la dirección de correo electrónico de su cuenta",
                "The email address of your account was changed",
            ),
            MessageKind::PasswordChanged => {
                Text::new("Se cambió la contraseña de su cuenta", "The password of your account was changed")
            }
            MessageKind::WebhookEnded => {
                Text::new("Un webhook de la Mesa de Servicios terminó", "A webhook of the service desk ended")
            }
            _ => Text::new("Cambio de contraseña", "Password change"),
        };
        let subject = subject.in_locale(reader.locale).to_owned();
        let context = Context {
            reader: &reader.name,
            email: address,
            link,
            minutes: RESET_MINUTES,
            days: INVITATION_DAYS,
            data: &message.data,
            changed_by: changed_by_id(message).and_then(|id| self.people.get(&id)).map(|person| ChangedBy {
                name: &person.full_name,
                role: person.role,
                is_reader: person.id == message.recipient_id,
            }),
            desk_address: config.own_mail().map(|(_, address)| address),
        };
        let text = templates::text(message.kind, reader.locale, config, context)?;
        Ok(Content {
            to_name: reader.name.clone(),
            to_address: address.to_owned(),
            html: templates::html(&text, &subject, reader.locale, link)?,
            subject,
            text,
            root: message.id,
            link: link.map(str::to_owned),
            shown_link: self.shown_link.clone(),
        })
    }
}

fn changed_by_id(message: &Message) -> Option<Uuid> {
    message.data["changed_by_id"].as_str()?.parse().ok()
}

fn link_purpose(kind: MessageKind) -> Option<links::Purpose> {
    match kind {
        MessageKind::PasswordReset => Some(links::Purpose::Reset),
        MessageKind::Invitation => Some(links::Purpose::Invitation),
        _ => None,
    }
}
