//! A job, as its owner sees it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::schema::jobs;
use crate::http::{Actor, Answer};
use crate::language::text_enum;
use crate::problem::{ProblemDocument, Result};

text_enum! {
    /// What a job does.
    pub enum JobKind {
        /// It carries out operations on tickets: `GET /jobs/{job_id}/results`.
        TicketBulk = "ticket_bulk",
        /// It writes a file of tickets: `GET /jobs/{job_id}/file`.
        TicketExport = "ticket_export",
    }
}

text_enum! {
    /// The state of a job.
    pub enum JobState {
        /// It was not begun yet. The jobs of an account are carried out one after the other.
        Waiting = "waiting",
        /// It is being carried out.
        Running = "running",
        /// It came to its end. Operations may have been refused: `refused_count`.
        Succeeded = "succeeded",
        /// It ended before, by `problem`. The operations with a result were carried out.
        Failed = "failed",
        /// Its owner ended it. The operations with a result were carried out.
        Canceled = "canceled",
    }
}

impl JobState {
    pub fn has_ended(self) -> bool {
        !matches!(self, JobState::Waiting | JobState::Running)
    }
}

/// Work that takes longer than a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct Job {
    /// Identifier of the job.
    pub id: Uuid,
    /// What the job does.
    pub kind: JobKind,
    /// The state of the job.
    pub state: JobState,
    /// The number of operations or tickets; `null` as long as it is not known.
    #[schema(minimum = 0, example = 480)]
    pub total_count: Option<i32>,
    /// How many of them are done.
    #[schema(minimum = 0, example = 120)]
    pub done_count: i32,
    /// How many operations of those that are done were refused; 0 for an export.
    #[schema(minimum = 0, example = 2)]
    pub refused_count: i32,
    /// Why the job failed; `null` unless it did.
    #[schema(value_type = Option<ProblemDocument>)]
    pub problem: Option<Value>,
    /// The file of an export that succeeded; `null` otherwise.
    pub written_file: Option<JobFile>,
    /// When the job was created.
    pub created_at: DateTime<Utc>,
    /// When the job was first begun; `null` if it was not.
    pub started_at: Option<DateTime<Utc>>,
    /// When the job ended; `null` if it has not.
    pub finished_at: Option<DateTime<Utc>>,
    /// From then on the job, its results and its file are removed, unless it still waits or runs.
    pub expires_at: DateTime<Utc>,
}

/// The file that a job wrote.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobFile {
    /// Its path, from which it can be downloaded.
    #[schema(max_length = 200, example = "/api/v1/jobs/0199b0c2-7a10-7d3e-9f52-3c1d5e7f9a01/file")]
    pub link: String,
    /// Its name.
    #[schema(max_length = 255, example = "tickets.csv")]
    pub file_name: String,
    /// Its media type.
    #[schema(max_length = 255, example = "text/csv; charset=utf-8; header=present")]
    pub content_type: String,
    /// Its size in bytes.
    #[schema(minimum = 0, example = 48213)]
    pub size_bytes: i64,
    /// The SHA-256 digest of its content, in hexadecimal.
    #[schema(max_length = 64, example = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9")]
    pub sha256: String,
}

/// The columns of a job that its owner sees.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = jobs)]
pub struct Row {
    pub id: Uuid,
    pub kind: JobKind,
    pub state: JobState,
    total: Option<i32>,
    done: i32,
    refused: i32,
    problem: Option<Value>,
    pub seen: String,
    pub storage_key: Option<String>,
    file_name: Option<String>,
    content_type: Option<String>,
    size: Option<i64>,
    sha256: Option<String>,
    pub created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
}

impl Row {
    /// The job of the caller.
    ///
    /// # Errors
    /// A 404 if they have no such job.
    pub fn find(db: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<Self> {
        let own = jobs::table.find(id).filter(jobs::owner_id.eq(actor.id));
        Ok(own.select(Row::as_select()).first(db)?)
    }

    /// # Errors
    /// A fault of the server.
    pub fn answer(self) -> Result<Answer> {
        let version = self.version();
        let job = Job::from(self);
        Ok(Answer::ok(&job)?.version(job.id, version))
    }

    /// What changes in the life of a job.
    pub fn version(&self) -> String {
        format!("{}_{}_{}", self.state.as_str(), self.done, self.total.unwrap_or(-1))
    }

    /// The name and the media type of the file.
    pub fn file(&self) -> Option<JobFile> {
        Some(JobFile {
            link: format!("/api/v1/jobs/{}/file", self.id),
            file_name: self.file_name.clone()?,
            content_type: self.content_type.clone()?,
            size_bytes: self.size?,
            sha256: self.sha256.clone()?,
        })
    }
}

impl From<Row> for Job {
    fn from(row: Row) -> Self {
        let file = row.file();
        Job {
            id: row.id,
            kind: row.kind,
            state: row.state,
            total_count: row.total,
            done_count: row.done,
            refused_count: row.refused,
            problem: row.problem,
            written_file: file,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            expires_at: row.expires_at,
        }
    }
}
