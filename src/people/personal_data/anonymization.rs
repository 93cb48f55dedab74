//! Taking a requester's personal data out of the desk, where the law asks for it.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Nullable, Text as SqlText, Timestamptz, Uuid as SqlUuid};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{THEIRS, traces};
use crate::audit::{self, kind::EventKind};
use crate::auth::attempts;
use crate::auth::password_links::{links, request};
use crate::auth::policy::{Action, Role};
use crate::db::schema::{anonymizations, events, refresh_tokens, ticket_watchers, tickets, units, users};
use crate::http::{Actor, Answer, Body, Call};
use crate::people::Person;
use crate::people::users::User;
use crate::problem::{Code, Problem, Result, Text};
use crate::tickets::workflow::Status;

/// What an anonymous person is called.
const NAME: &str = "Persona anonimizada";

/// Stands where something must stand.
const NOTHING: &str = "—";

/// Why a requester is made anonymous.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnonymization {
    /// The request and the law that it is founded on, without the person's data.
    #[schema(
        min_length = 1,
        max_length = 1000,
        pattern = r"\S",
        example = "Solicitud de supresión, artículo 15 de la Ley 1581 de 2012"
    )]
    reason: String,
}

/// What was done to make a requester anonymous.
#[derive(Serialize, ToSchema)]
pub struct Anonymization {
    user_id: Uuid,
    anonymized_at: DateTime<Utc>,
    anonymized_by: Person,
    reason: String,
    /// How many tickets are theirs.
    #[schema(minimum = 0, example = 7)]
    tickets: i64,
    /// In how many events of those tickets something was taken out.
    #[schema(minimum = 0, example = 2)]
    redacted_events: i64,
}

impl Anonymization {
    /// # Errors
    /// What the database answers.
    pub fn find(db: &mut PgConnection, user_id: Uuid) -> Result<Option<Self>> {
        #[derive(QueryableByName)]
        struct Counts {
            #[diesel(sql_type = BigInt)]
            tickets: i64,
            #[diesel(sql_type = BigInt)]
            redacted_events: i64,
        }
        let found: Option<(DateTime<Utc>, String, Person)> = anonymizations::table
            .inner_join(users::table.on(users::id.eq(anonymizations::by)))
            .filter(anonymizations::user_id.eq(user_id))
            .select((anonymizations::at, anonymizations::reason, Person::as_select()))
            .first(db)
            .optional()?;
        let Some((anonymized_at, reason, anonymized_by)) = found else { return Ok(None) };
        let Counts { tickets, redacted_events } = diesel::sql_query(
            "SELECT count(*) AS tickets, \
                coalesce(sum((SELECT count(*) FROM events e WHERE e.ticket_id = t.id AND e.data_salt IS NULL)), 0)::bigint \
                    AS redacted_events \
             FROM tickets t WHERE t.requester_id = $1",
        )
        .bind::<SqlUuid, _>(user_id)
        .get_result(db)?;
        Ok(Some(Anonymization { user_id, anonymized_at, anonymized_by, reason, tickets, redacted_events }))
    }
}

/// Make a requester anonymous
///
/// For a request to have personal data erased (*habeas data*, Ley 1581 de 2012), as far as the entity's duty to keep its
/// record allows: the tickets stay, without whose they were. Names, addresses, numbers of documents and telephones go from the
/// account and from their tickets, and wherever they stand in the words of those tickets, their followups, files' names,
/// mail, articles and history; the comments of surveys, the files that they attached and the mail that they sent go whole. The
/// account cannot sign in again. The history stays verified: an event that something was taken out of is `redacted`. Figures
/// stay as they are. There is no way back.
///
/// Not for staff, whose acts are on record, nor for whoever was staff and acted as such, and not while they have a ticket that is neither closed nor archived. Done once: a
/// repeat answers what was done. What other people wrote elsewhere, signed minutes, and backups are not touched.
#[utoipa::path(
    tag = "retention", operation_id = "anonymizeUser", params(("user_id" = Uuid, Path)),
    request_body = NewAnonymization,
    responses(
        (status = 200, body = Anonymization),
        (status = 409, description = "`not_a_requester`, `has_open_tickets`"),
    )
)]
#[post("/users/{user_id}/anonymization")]
pub async fn anonymize(call: Call, id: Path<Uuid>, body: Body<NewAnonymization>) -> Result<HttpResponse> {
    call.write(Action::ManageRetention, body, move |tx, actor, body| {
        let user = User::lock(tx, *id)?;
        let new = body.read()?;
        if Anonymization::find(tx, user.id)?.is_none() {
            begin(tx, &user)?;
            Erasure::of(tx, actor, &user)?.carry_out(tx, &new.reason)?;
        }
        let done = Anonymization::find(tx, user.id)?.ok_or_else(Problem::not_found)?;
        Answer::ok(&done)
    })
    .await
}

/// Holds their tickets until the transaction ends.
fn begin(tx: &mut PgConnection, user: &User) -> Result<()> {
    // Whatever they are called by now: who did something in the tickets of others did it as staff.
    let acted = |tx: &mut PgConnection| {
        diesel::select(diesel::dsl::exists(
            events::table
                .inner_join(tickets::table.on(tickets::id.eq(events::ticket_id)))
                .filter(events::actor_id.eq(user.id))
                .filter(tickets::requester_id.ne(user.id))
                .filter(events::kind.ne(EventKind::FollowupAdded)),
        ))
        .get_result::<bool>(tx)
    };
    if user.role != Role::Requester || acted(tx)? {
        return Err(Problem::new(
            Code::NotARequester,
            Text::new("Lo que hizo el personal queda registrado.", "What staff did stays on record."),
        ));
    }
    let states: Vec<Status> = tickets::table
        .filter(tickets::requester_id.eq(user.id))
        .order(tickets::id)
        .select(tickets::status)
        .for_update()
        .load(tx)?;
    if states.iter().any(|status| !matches!(status, Status::Closed | Status::Archived)) {
        return Err(Problem::new(
            Code::HasOpenTickets,
            Text::new("Cierre o archive antes sus solicitudes.", "Close or archive their tickets first."),
        ));
    }
    Ok(())
}

/// What is written in the person's tickets: the table, the columns, and whose rows. `$1` is the person.
const TEXTS: [(&str, &[&str], &str); 7] = [
    ("tickets", &["subject", "description", "solution", "archive_note"], "requester_id = $1"),
    ("followups", &["body"], "(ticket_id = ANY ({theirs}) OR author_id = $1)"),
    ("holds", &["reason"], "ticket_id = ANY ({theirs})"),
    ("escalations", &["reason", "third_party", "reference"], "ticket_id = ANY ({theirs})"),
    ("attachments", &["file_name"], "ticket_id = ANY ({theirs})"),
    (
        "messages",
        &["sent_subject", "sent_text", "last_error"],
        "(ticket_id = ANY ({theirs}) OR recipient_id = $1)",
    ),
    ("articles", &["title", "incident", "resolution"], "ticket_id = ANY ({theirs})"),
];

/// The same of JSON.
const DOCUMENTS: [(&str, &str, &str); 4] = [
    ("messages", "data", "(ticket_id = ANY ({theirs}) OR recipient_id = $1)"),
    ("articles", "steps", "ticket_id = ANY ({theirs})"),
    ("articles", "\"references\"", "ticket_id = ANY ({theirs})"),
    (
        "article_revisions",
        "content",
        "article_id IN (SELECT id FROM articles WHERE ticket_id = ANY ({theirs}))",
    ),
];

/// What goes with its content: rows, and the key of each.
const FILES: [(&str, &str); 2] = [
    ("attachments", "uploaded_by = $1 AND ticket_id = ANY ({theirs})"),
    (
        "inbound_emails",
        // An address that others have by now is theirs; what became part of another's ticket is of that ticket.
        "status <> 'waiting' AND (ticket_id = ANY ({theirs}) OR ticket_id IS NULL AND from_address IN ( \
            SELECT lower(email) FROM users WHERE id = $1 \
            UNION SELECT lower(requester_email) FROM tickets WHERE requester_id = $1 \
            EXCEPT SELECT lower(email) FROM users WHERE id <> $1))",
    ),
];

/// Who is made anonymous, by whom, and what their data are found by.
struct Erasure<'a> {
    actor: &'a Actor,
    user: &'a User,
    pattern: String,
}

impl<'a> Erasure<'a> {
    /// Looks for what the account says, and what each of their tickets says of them.
    fn of(tx: &mut PgConnection, actor: &'a Actor, user: &'a User) -> Result<Self> {
        #[derive(QueryableByName)]
        struct Trace {
            #[diesel(sql_type = Nullable<SqlText>)]
            text: Option<String>,
        }
        let found: Vec<Trace> = diesel::sql_query(
            "SELECT DISTINCT unnest(ARRAY[requester_full_name, requester_document_id, requester_email, requester_landline, \
                requester_extension, requester_mobile]) AS text FROM tickets WHERE requester_id = $1 \
             UNION SELECT unnest(ARRAY[full_name, document_id, email, landline, extension, mobile]) FROM users WHERE id = $1",
        )
        .bind::<SqlUuid, _>(user.id)
        .load(tx)?;
        let texts = found.iter().filter_map(|trace| trace.text.as_deref());
        let pattern =
            traces::pattern(texts).ok_or_else(|| Problem::internal("an account without an address"))?;
        Ok(Erasure { actor, user, pattern })
    }

    fn carry_out(&self, tx: &mut PgConnection, reason: &str) -> Result<()> {
        self.record(tx, reason)?;
        for (table, owned) in FILES {
            self.remove_files(tx, table, owned)?;
        }
        for (table, columns, owned) in TEXTS {
            let cut: Vec<String> = columns
                .iter()
                .map(|column| format!("{column} = regexp_replace({column}, $2, $3, 'gi')"))
                .collect();
            let found: Vec<String> = columns.iter().map(|column| format!("{column} ~* $2")).collect();
            let (cut, found) = (cut.join(", "), found.join(" OR "));
            self.query(format!("UPDATE {table} SET {cut} WHERE {owned} AND ({found})")).execute(tx)?;
        }
        for (table, column, owned) in DOCUMENTS {
            self.cut_documents(tx, table, &format!("{column} = "), column, owned)?;
        }
        self.cut_documents(tx, "events", "data_salt = NULL, data = ", "data", "ticket_id = ANY ({theirs})")?;
        self.forget_who_asked(tx)?;
        self.forget_account(tx)?;
        self.tell_history(tx)
    }

    /// The changes that only this lets through are allowed from here on, until the transaction ends.
    fn record(&self, tx: &mut PgConnection, reason: &str) -> Result<()> {
        self.query(
            "INSERT INTO anonymizations (user_id, at, by, reason) \
             SELECT $1, $4, $5, left(regexp_replace($6, $2, $3, 'gi'), 1000)"
                .to_owned(),
        )
        .bind::<Timestamptz, _>(self.actor.now)
        .bind::<SqlUuid, _>(self.actor.id)
        .bind::<SqlText, _>(reason.to_owned())
        .execute(tx)?;
        Ok(())
    }

    fn remove_files(&self, tx: &mut PgConnection, table: &str, owned: &str) -> Result<()> {
        self.query(format!(
            "WITH gone AS (DELETE FROM {table} WHERE {owned} RETURNING storage_key) \
             INSERT INTO removed_files (storage_key, removed_at) SELECT DISTINCT storage_key, $4 FROM gone \
             ON CONFLICT (storage_key) DO UPDATE SET removed_at = EXCLUDED.removed_at"
        ))
        .bind::<Timestamptz, _>(self.actor.now)
        .execute(tx)?;
        Ok(())
    }

    fn cut_documents(
        &self,
        tx: &mut PgConnection,
        table: &str,
        set: &str,
        column: &str,
        owned: &str,
    ) -> Result<()> {
        self.query(format!(
            "UPDATE {table} SET {set}without_traces({column}, $2, $3) \
             WHERE {owned} AND without_traces({column}, $2, $3) IS DISTINCT FROM {column}"
        ))
        .execute(tx)?;
        Ok(())
    }

    /// What tickets, surveys and mail say of whom they are from and for.
    fn forget_who_asked(&self, tx: &mut PgConnection) -> Result<()> {
        diesel::sql_query(
            "UPDATE tickets SET requester_full_name = $2, requester_email = $3, \
                requester_document_id = CASE WHEN requester_document_id IS NOT NULL THEN $4 END, \
                requester_landline = CASE WHEN requester_landline IS NOT NULL THEN $4 END, \
                requester_extension = CASE WHEN requester_extension IS NOT NULL THEN $4 END, \
                requester_mobile = CASE WHEN requester_mobile IS NOT NULL THEN $4 END, \
                version = version + 1, updated_at = $5 \
             WHERE requester_id = $1",
        )
        .bind::<SqlUuid, _>(self.user.id)
        .bind::<SqlText, _>(NAME)
        .bind::<SqlText, _>(self.address())
        .bind::<SqlText, _>(NOTHING)
        .bind::<Timestamptz, _>(self.actor.now)
        .execute(tx)?;
        diesel::sql_query(
            "UPDATE surveys SET comment = NULL WHERE requester_id = $1 AND comment IS NOT NULL",
        )
        .bind::<SqlUuid, _>(self.user.id)
        .execute(tx)?;
        diesel::sql_query("DELETE FROM messages WHERE recipient_id = $1 AND status <> 'sent'")
            .bind::<SqlUuid, _>(self.user.id)
            .execute(tx)?;
        diesel::sql_query("UPDATE messages SET sent_to = $2 WHERE recipient_id = $1")
            .bind::<SqlUuid, _>(self.user.id)
            .bind::<SqlText, _>(self.address())
            .execute(tx)?;
        diesel::delete(ticket_watchers::table.filter(ticket_watchers::user_id.eq(self.user.id)))
            .execute(tx)?;
        Ok(())
    }

    fn forget_account(&self, tx: &mut PgConnection) -> Result<()> {
        let id = self.user.id;
        diesel::update(users::table.find(id))
            .set((
                (
                    users::email.eq(self.address()),
                    users::password_hash.eq(None::<String>),
                    users::full_name.eq(NAME),
                    users::document_id.eq(None::<String>),
                    users::landline.eq(None::<String>),
                    users::extension.eq(None::<String>),
                    users::mobile.eq(None::<String>),
                    users::unit_id.eq(None::<Uuid>),
                ),
                users::active.eq(false),
                users::contract_ends_on.eq(None::<NaiveDate>),
                users::sign_in_era.eq(users::sign_in_era + 1),
                users::version.eq(users::version + 1),
                users::updated_at.eq(self.actor.now),
            ))
            .execute(tx)?;
        diesel::update(units::table.filter(units::head_id.eq(id)))
            .set((
                units::head_id.eq(None::<Uuid>),
                units::version.eq(units::version + 1),
                units::updated_at.eq(self.actor.now),
            ))
            .execute(tx)?;
        diesel::delete(refresh_tokens::table.filter(refresh_tokens::user_id.eq(id))).execute(tx)?;
        links::remove(tx, id)?;
        // Answers that are kept for retries, those to others with the person in them too.
        self.query(
            "DELETE FROM idempotency_keys WHERE user_id = $1 OR convert_from(body, 'UTF8') ~* $2".to_owned(),
        )
        .execute(tx)?;
        request::remove(tx, &self.user.email)?;
        attempts::forget(tx, &self.user.email)
    }

    fn tell_history(&self, tx: &mut PgConnection) -> Result<()> {
        let theirs: Vec<i64> = tickets::table
            .filter(tickets::requester_id.eq(self.user.id))
            .order(tickets::id)
            .select(tickets::id)
            .load(tx)?;
        let data = audit::Data { changes: Vec::new(), details: json!({}) };
        audit::record_each(tx, &theirs, EventKind::Anonymized, Some(self.actor.id), self.actor.now, &data)
    }

    /// Where no mail can go (RFC 2606), another one for each account.
    fn address(&self) -> String {
        format!("{}@anonymous.invalid", self.user.id)
    }

    /// With the person, what they are found by, and what stands instead.
    fn query(&self, sql: String) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        diesel::sql_query(sql.replace("{theirs}", THEIRS))
            .into_boxed::<Pg>()
            .bind::<SqlUuid, _>(self.user.id)
            .bind::<SqlText, _>(self.pattern.clone())
            .bind::<SqlText, _>(traces::INSTEAD)
    }
}
