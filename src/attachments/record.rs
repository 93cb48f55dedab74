//! Files of records: evidence of improvement actions, and signed scans of minutes, indicators and risks.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use diesel::prelude::*;
use uuid::Uuid;

use super::attach::{Target, attach_file};
use super::store::{self, Owner};
use super::upload::Received;
use crate::db::schema::attachments;
use crate::http::paging::NoFilters;
use crate::http::{Actor, Answer, Call, Query};
use crate::problem::Result;

/// A record that files are attached to.
#[derive(Clone, Copy)]
pub struct Record {
    pub id: Uuid,
    pub owner: fn(Uuid) -> Owner,
    /// A 404 if there is no such record; otherwise the reason why the actor may not attach a file to it now.
    pub may_attach: fn(&mut PgConnection, &Actor, Uuid) -> Result<()>,
    /// A 404 if there is no such record.
    pub exists: fn(&mut PgConnection, Uuid) -> Result<()>,
}

impl Target for Record {
    fn check_visible(&self, db: &mut PgConnection, _: &Actor) -> Result<()> {
        (self.exists)(db, self.id)
    }

    fn check_open(&self, db: &mut PgConnection, actor: &Actor) -> Result<()> {
        (self.may_attach)(db, actor, self.id)
    }

    fn write(self, tx: &mut PgConnection, actor: &Actor, file: &Received) -> Result<Answer> {
        (self.may_attach)(tx, actor, self.id)?;
        let attachment = store::insert(tx, actor, (self.owner)(self.id), file, actor.now)?;
        Ok(Answer::created(format!("/api/v1/attachments/{}", attachment.id), &attachment)?
            .version(attachment.id, 1))
    }
}

impl Record {
    pub async fn attach(self, call: Call, request: HttpRequest, payload: Payload) -> Result<HttpResponse> {
        attach_file(call, self, request, payload).await
    }

    /// A page of its files, in the order of their upload.
    pub async fn list(self, call: Call, query: Query<NoFilters>) -> Result<HttpResponse> {
        call.read(move |db, _| {
            (self.exists)(db, self.id)?;
            let (paging, _) = query.read_list()?;
            store::page(db, &paging, |files| match (self.owner)(self.id) {
                Owner::ImprovementAction(id) => files.filter(attachments::improvement_action_id.eq(id)),
                Owner::Minutes(id) => files.filter(attachments::minutes_id.eq(id)),
                Owner::Indicator(id) => files.filter(attachments::indicator_id.eq(id)),
                Owner::Risk(id) => files.filter(attachments::risk_id.eq(id)),
                Owner::Article(id) => files.filter(attachments::article_id.eq(id)),
                Owner::Ticket(id) | Owner::Followup { ticket_id: id, .. } => {
                    files.filter(attachments::ticket_id.eq(id))
                }
            })
        })
        .await
    }
}
