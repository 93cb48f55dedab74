//! Mails signed tree heads to auditors, as plain text to be kept. An address of the configuration has no language:
//! the text is in both.

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::{Address, AsyncTransport};
use serde::Serialize;
use tokio::time::timeout;

use super::letter::automatic;
use super::templates;
use super::worker::{Mailer, Round};
use crate::audit::tree::mails::{self, HeadMail};
use crate::problem::Result;

/// The variables of the template.
#[derive(Serialize)]
struct Context<'a> {
    entity: &'a str,
    size: i64,
    day: String,
    note: &'a str,
}

impl Mailer {
    /// Sends the mail of the head that has waited longest, if there is one.
    pub(super) async fn send_tree_head(&self) -> Result<Round> {
        let (lease, first_wait, db) = (self.config.lease, self.config.retry, &self.desk.db);
        let Some(mail) = db.run(move |db| mails::take(db, lease)).await? else { return Ok(Round::Idle) };
        if let Err(error) = self.reach().await {
            log::warn!("the mail server cannot be reached: {error}");
            db.run(move |db| mails::refused(db, &mail, &error, false, first_wait)).await?;
            return Ok(Round::Unreachable);
        }
        let sent = match self.tree_head_letter(&mail) {
            Err(error) => Err(error),
            Ok(letter) => match timeout(lease / 3, self.transport.send(letter)).await {
                Ok(sent) => sent.map(drop).map_err(|error| error.to_string()),
                Err(_) => Err("no answer in time".to_owned()),
            },
        };
        if let Err(error) = &sent {
            log::warn!("the tree head of {} events was not sent: {error}", mail.size);
        }
        let put_down = move |db: &mut diesel::PgConnection| match sent {
            Ok(()) => mails::sent(db, &mail),
            Err(error) => mails::refused(db, &mail, &error, true, first_wait),
        };
        db.run(put_down).await?;
        Ok(Round::Worked)
    }

    fn tree_head_letter(&self, mail: &HeadMail) -> std::result::Result<Message, String> {
        let config = &self.desk.config;
        let day = mail.at.with_timezone(&config.timezone).date_naive().to_string();
        let subject =
            format!("Resumen firmado del historial / Signed head of the history: {}, {day}", mail.size);
        let context = Context { entity: &config.entity.name, size: mail.size, day, note: &mail.note };
        let text = templates::tree_head(context).map_err(|problem| problem.log_line())?;
        let address: Address = mail.address.parse().map_err(|error| format!("{}: {error}", mail.address))?;
        automatic(&self.config.from)
            .message_id(Some(format!("<head-{}@{}>", mail.size, self.config.from.email.domain())))
            .to(Mailbox::new(None, address))
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|error| error.to_string())
    }
}
