//! `GET /system`: the state of the installation.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde::Serialize;
use utoipa::ToSchema;

use super::hints::{self, SystemHint};
use super::oldest::{self, WaitingMessage, WaitingWebhookDelivery};
use super::tasks::TaskName;
use super::waiting;
use crate::auth::policy::Action;
use crate::config::Config;
use crate::db;
use crate::db::schema::background_tasks;
use crate::http::{Answer, Call};
use crate::language::locale::Locale;
use crate::problem::Result;

/// The state of the installation. Everything but `server` and `hints` is the same at each copy of the server.
#[derive(Serialize, ToSchema)]
pub struct SystemStatus {
    /// When the state was read.
    checked_at: DateTime<Utc>,
    /// The copy of the server that answered.
    server: SystemServer,
    /// The database.
    database: SystemDatabase,
    /// The mail server that messages are sent with.
    mail: SystemMail,
    /// The mailbox that requests are received with.
    mailbox: SystemMailbox,
    /// The deliveries of webhooks.
    webhooks: SystemWebhooks,
    /// The jobs that accounts have requested.
    jobs: SystemJobs,
    /// The last runs of the background tasks, by name. A task that has not run yet is omitted.
    #[schema(max_items = 100)]
    tasks: Vec<BackgroundTask>,
    /// What an administrator should change in the configuration of the copy that answered.
    #[schema(max_items = 100)]
    hints: Vec<SystemHint>,
}

/// The jobs that have not ended.
#[derive(Serialize, ToSchema)]
pub struct SystemJobs {
    /// How many wait or run, counted up to 10,000.
    #[schema(minimum = 0, maximum = 10_000, example = 1)]
    unfinished_count: i64,
    /// When the oldest one was created; `null` if there is none.
    oldest_created_at: Option<DateTime<Utc>>,
}

/// One copy of the server.
#[derive(Serialize, ToSchema)]
pub struct SystemServer {
    /// The version of the server, as `major.minor.patch`.
    #[schema(max_length = 50, example = "0.2.0")]
    version: &'static str,
    /// When it started.
    started_at: DateTime<Utc>,
}

/// The database, which answered.
#[derive(Serialize, ToSchema)]
pub struct SystemDatabase {
    /// The version of PostgreSQL.
    #[schema(max_length = 100, example = "15.8")]
    version: String,
    /// The last migration that was applied.
    #[schema(max_length = 50, example = "20261130060001")]
    schema_version: String,
}

/// The mail server.
#[derive(Serialize, ToSchema)]
pub struct SystemMail {
    /// Whether a mail server is configured.
    enabled: bool,
    /// When the server last tried to sign in to it; it does so when messages wait. `null` if it never did.
    last_attempt_at: Option<DateTime<Utc>>,
    /// When that last succeeded; `null` if it never did.
    last_succeeded_at: Option<DateTime<Utc>>,
    /// The error of the last attempt; `null` if it succeeded.
    #[schema(max_length = 1000, example = "Connection error: Connection refused (os error 111)")]
    last_error: Option<String>,
    /// How many messages wait, up to 10,000.
    #[schema(minimum = 0, maximum = 10_000, example = 3)]
    waiting_count: i64,
    /// How many messages failed, up to 10,000.
    #[schema(minimum = 0, maximum = 10_000, example = 0)]
    failed_count: i64,
    /// The message that has waited longest; `null` if none waits.
    oldest_waiting: Option<WaitingMessage>,
}

/// The mailbox.
#[derive(Serialize, ToSchema)]
pub struct SystemMailbox {
    /// Whether a mailbox is configured.
    enabled: bool,
    /// When the server last looked into it; `null` if it never did. While nothing goes wrong it is recorded every ten seconds
    /// at most.
    last_attempt_at: Option<DateTime<Utc>>,
    /// When that last succeeded; `null` if it never did.
    last_succeeded_at: Option<DateTime<Utc>>,
    /// The error of the last attempt; `null` if it succeeded.
    #[schema(max_length = 1000, example = "the server does not answer")]
    last_error: Option<String>,
}

/// Deliveries of active webhooks.
#[derive(Serialize, ToSchema)]
pub struct SystemWebhooks {
    /// How many deliveries wait, up to 10,000.
    #[schema(minimum = 0, maximum = 10_000, example = 0)]
    waiting_count: i64,
    /// The delivery that has waited longest; `null` if none waits.
    oldest_waiting: Option<WaitingWebhookDelivery>,
}

/// A background task, of whichever copy of the server ran it last.
#[derive(Serialize, ToSchema)]
pub struct BackgroundTask {
    /// What the task does.
    name: TaskName,
    /// When its last run began.
    last_started_at: DateTime<Utc>,
    /// When a run last succeeded; `null` if none did.
    last_succeeded_at: Option<DateTime<Utc>>,
    /// When a run last failed; `null` if none did.
    last_failed_at: Option<DateTime<Utc>>,
    /// The error of the run that failed last; `null` if none did.
    #[schema(max_length = 1000)]
    last_error: Option<String>,
    /// How many runs failed since the last success.
    #[schema(minimum = 0, example = 0)]
    failure_count: i32,
    /// How long the last run took, in milliseconds.
    #[schema(minimum = 0, example = 12)]
    duration_ms: i32,
}

/// Read the state of the installation
///
/// Whether the database, mail and the background tasks work, what waits longest, and what should be changed in the
/// configuration. If the database cannot be reached, the response is a 503.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadSystem)), ("x-mesa-unversioned" = json!(true))),
    tag = "system", operation_id = "getSystemStatus",
    responses((status = 200, body = SystemStatus, description = "The state of the installation"))
)]
#[get("/system")]
pub async fn read(call: Call) -> Result<HttpResponse> {
    let (desk, locale) = (call.desk.clone(), call.locale());
    call.read(move |db, _| {
        let server =
            SystemServer { version: env!("CARGO_PKG_VERSION"), started_at: desk.traffic.started_at() };
        Answer::ok(&status(db, &desk.config, server, locale)?)
    })
    .await
}

fn status(
    db: &mut PgConnection,
    config: &Config,
    server: SystemServer,
    locale: Locale,
) -> Result<SystemStatus> {
    let waiting = waiting::read(db)?;
    let rows: Vec<Row> =
        background_tasks::table.select(Row::as_select()).order(background_tasks::name).load(db)?;
    let database = database(db)?;
    let of = |name: TaskName| rows.iter().find(|row| row.name == name.as_str());
    let (sending, reading) = (of(TaskName::SendMessages), of(TaskName::ReadMailbox));
    Ok(SystemStatus {
        checked_at: db::now(db)?,
        server,
        mail: SystemMail {
            enabled: config.mail.is_some(),
            last_attempt_at: sending.map(|row| row.last_started_at),
            last_succeeded_at: sending.and_then(|row| row.last_succeeded_at),
            last_error: sending.and_then(Row::present_error),
            waiting_count: waiting.messages,
            failed_count: waiting.failed_messages,
            oldest_waiting: oldest::message(db)?,
        },
        mailbox: SystemMailbox {
            enabled: config.imap.is_some(),
            last_attempt_at: reading.map(|row| row.last_started_at),
            last_succeeded_at: reading.and_then(|row| row.last_succeeded_at),
            last_error: reading.and_then(Row::present_error),
        },
        webhooks: SystemWebhooks { waiting_count: waiting.deliveries, oldest_waiting: oldest::delivery(db)? },
        jobs: SystemJobs { unfinished_count: waiting.jobs, oldest_created_at: oldest::job(db)? },
        hints: hints::read(db, config, &database.schema_version, locale)?,
        tasks: rows.into_iter().filter_map(Row::task).collect(),
        database,
    })
}

fn database(db: &mut PgConnection) -> Result<SystemDatabase> {
    #[derive(QueryableByName)]
    struct Versions {
        #[diesel(sql_type = Text)]
        server: String,
        #[diesel(sql_type = Text)]
        schema: String,
    }
    let found: Versions = diesel::sql_query(
        "SELECT split_part(current_setting('server_version'), ' ', 1) AS server, \
             (SELECT max(version)::text FROM __diesel_schema_migrations) AS schema",
    )
    .get_result(db)?;
    Ok(SystemDatabase { version: found.server, schema_version: found.schema })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = background_tasks)]
struct Row {
    name: String,
    last_started_at: DateTime<Utc>,
    last_succeeded_at: Option<DateTime<Utc>>,
    last_failed_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
    duration_ms: i64,
    failures: i32,
}

impl Row {
    /// The error of the last run.
    fn present_error(&self) -> Option<String> {
        if self.failures > 0 { self.last_error.clone() } else { None }
    }

    /// `None` for a task of another version.
    fn task(self) -> Option<BackgroundTask> {
        let name = TaskName::ALL.iter().copied().find(|name| name.as_str() == self.name)?;
        Some(BackgroundTask {
            name,
            last_started_at: self.last_started_at,
            last_succeeded_at: self.last_succeeded_at,
            last_failed_at: self.last_failed_at,
            last_error: self.last_error,
            failure_count: self.failures,
            duration_ms: i32::try_from(self.duration_ms).unwrap_or(i32::MAX),
        })
    }
}
