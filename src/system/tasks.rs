//! The background tasks, and the record of their last runs in the database.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Nullable, Text};

use crate::http::desk::Desk;
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// What the server does without a request.
    pub enum TaskName {
        /// Numbers the entries of the log of events.
        NumberLogEntries = "number_log_entries",
        /// Signs heads of the tree over the log.
        SignTreeHeads = "sign_tree_heads",
        /// Corrects the times of messages that were queued while the clock was ahead.
        CorrectMessageTimes = "correct_message_times",
        /// Returns tickets of people who can no longer attend to them.
        ReturnOpenWork = "return_open_work",
        /// Starts missing attention clocks.
        StartAttentionClocks = "start_attention_clocks",
        /// Queues messages about tickets that wait for staff.
        NotifyStaff = "notify_staff",
        /// Queues notices about attention that is due soon or overdue.
        NotifyDueAttention = "notify_due_attention",
        /// Closes tickets that were solved days ago.
        CloseSolvedTickets = "close_solved_tickets",
        /// Archives tickets whose requester did not answer.
        ArchiveUnansweredTickets = "archive_unanswered_tickets",
        /// Computes missing working times.
        ComputeWorkingTimes = "compute_working_times",
        /// Queues reminders of surveys.
        QueueSurveyReminders = "queue_survey_reminders",
        /// Queues notices about overdue improvement actions.
        NotifyOverdueActions = "notify_overdue_actions",
        /// Removes records whose retention period is over.
        RemoveExpiredRecords = "remove_expired_records",
        /// Removes the answers that are kept for retries.
        RemoveIdempotencyKeys = "remove_idempotency_keys",
        /// Removes old deliveries of webhooks.
        RemoveWebhookDeliveries = "remove_webhook_deliveries",
        /// Removes jobs that ended days ago.
        RemoveJobs = "remove_jobs",
        /// Removes people who have left a ticket from its presence.
        RemovePresence = "remove_presence",
        /// Removes tickets for streams that were not used.
        RemoveStreamTickets = "remove_stream_tickets",
        /// Processes requests for a link to set a password.
        ProcessPasswordRequests = "process_password_requests",
        /// Removes expired links to set a password.
        RemovePasswordLinks = "remove_password_links",
        /// Removes expired counts of sign-in attempts.
        RemoveSignInAttempts = "remove_sign_in_attempts",
        /// Removes expired refresh tokens.
        RemoveRefreshTokens = "remove_refresh_tokens",
        /// Removes files that nothing refers to.
        RemoveUnusedFiles = "remove_unused_files",
        /// Removes what unfinished uploads left.
        RemoveTemporaryFiles = "remove_temporary_files",
        /// Processes received mail.
        ProcessInboundEmails = "process_inbound_emails",
        /// Signs in to the mail server to send messages, when some wait.
        SendMessages = "send_messages",
        /// Looks into the mailbox.
        ReadMailbox = "read_mailbox",
        /// Looks for deliveries of webhooks that are due.
        SendWebhooks = "send_webhooks",
    }
}

/// The maximum length of a recorded error, in characters.
const ERROR: usize = 1000;

/// A run that ended.
#[derive(Debug)]
pub struct Run {
    task: TaskName,
    began: Instant,
    duration: Duration,
    error: Option<String>,
}

impl Run {
    /// One that began at this time and ends now. An error is a text for an administrator.
    pub fn ended(task: TaskName, began: Instant, error: Option<String>) -> Self {
        let error = error.map(|error| error.chars().filter(|c| *c != '\0').take(ERROR).collect());
        Run { task, began, duration: began.elapsed(), error }
    }

    /// Counts it in the metrics of this copy of the server.
    pub fn count(&self, desk: &Desk) {
        desk.traffic.task_ended(self.task.as_str(), self.duration, self.error.is_none());
    }
}

/// Records these runs, each task at most once, for all copies of the server.
///
/// # Errors
/// The error of the database.
pub fn record(db: &mut PgConnection, runs: &[Run]) -> Result<()> {
    let of = |run: &Run| i64::try_from(run.duration.as_millis()).unwrap_or(i64::MAX);
    let statement = diesel::sql_query(
        "INSERT INTO background_tasks AS t \
             (name, last_started_at, last_succeeded_at, last_failed_at, last_error, duration_ms, failures) \
         SELECT name, started_at, CASE WHEN error IS NULL THEN now() END, CASE WHEN error IS NOT NULL THEN now() END, \
             error, duration_ms, (error IS NOT NULL)::int \
         FROM (SELECT name, clock_timestamp() - make_interval(secs => ago) AS started_at, error, duration_ms \
               FROM unnest($1, $2, $3, $4) AS run (name, ago, duration_ms, error)) AS run ORDER BY name \
         ON CONFLICT (name) DO UPDATE SET last_started_at = excluded.last_started_at, \
             last_succeeded_at = coalesce(excluded.last_succeeded_at, t.last_succeeded_at), \
             last_failed_at = coalesce(excluded.last_failed_at, t.last_failed_at), \
             last_error = coalesce(excluded.last_error, t.last_error), duration_ms = excluded.duration_ms, \
             failures = CASE WHEN excluded.last_error IS NULL THEN 0 ELSE least(t.failures, 1000000) + 1 END",
    );
    statement
        .bind::<Array<Text>, _>(runs.iter().map(|run| run.task.as_str()).collect::<Vec<_>>())
        .bind::<Array<Double>, _>(
            runs.iter().map(|run| run.began.elapsed().as_secs_f64()).collect::<Vec<_>>(),
        )
        .bind::<Array<BigInt>, _>(runs.iter().map(of).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(runs.iter().map(|run| run.error.as_deref()).collect::<Vec<_>>())
        .execute(db)?;
    Ok(())
}

/// Counts and records a run. One that cannot be recorded now is recorded with the next.
pub async fn ended(desk: &Desk, run: Run) {
    run.count(desk);
    if let Err(problem) = desk.db.run(move |db| record(db, &[run])).await {
        log::warn!("the run of a background task was not recorded: {}", problem.log_line());
    }
}
