//! Mesa, a headless service desk. Its modules:

/// Access to the user's account: sign-ins, links to set a password, attempts.
pub mod account;
/// The HTTP application: routes, middleware, docs.
pub mod app;
/// Files of tickets, followups, articles and records.
pub mod attachments;
/// The history and its verification.
pub mod audit;
/// Roles and permissions; tokens and passwords.
pub mod auth;
/// Backup and restore.
pub mod backup;
/// The command line.
pub mod commands;
/// Configuration by environment variables.
pub mod config;
/// The contract: the parts of `openapi.json` that handlers do not declare.
pub mod contract;
/// PostgreSQL: pool, schema, private server.
pub mod db;
/// The settings of the desk that a frontend needs.
pub mod desk;
/// Documents for people: PDF, HTML and XLSX.
pub mod documents;
/// Reading files of tickets, followups, articles and records.
pub mod downloads;
pub mod events;
/// Health checks.
pub mod health;
/// Public holidays: those of Colombia and the entity's own.
pub mod holidays;
/// Parts of HTTP common to all endpoints.
pub mod http;
/// Improvement actions and risks.
pub mod improvement;
/// Inbound mail.
pub mod inbound;
/// Indicators and their measurements.
pub mod indicators;
pub mod jobs;
/// The knowledge base.
pub mod knowledge;
/// The two languages of the desk.
pub mod language;
/// A test of the permitted dependencies between modules.
#[cfg(test)]
mod layers;
/// Outbound mail: its texts and its delivery to the mail server.
pub mod mail;
/// Minutes of the Comité Primario.
pub mod minutes;
/// Messages that changes cause.
pub mod outbox;
/// People and units.
pub mod people;
/// The personal data of a requester: export, and erasure by law.
pub mod personal_data;
/// Every error that a client can receive.
pub mod problem;
/// The quarterly report.
pub mod reports;
/// Retention periods, and the deletion of expired records.
pub mod retention;
/// Generated data of two years.
pub mod seed;
/// The start of a server from its configuration.
pub mod server;
pub mod service_accounts;
/// Staff: absences, availability, handovers.
pub mod staff;
/// The figures of a period.
pub mod statistics;
/// The perception survey.
pub mod surveys;
/// The state of the installation: background tasks, what waits, metrics.
pub mod system;
/// The form of the log, and traces.
pub mod telemetry;
/// Templates that are part of the program.
pub mod templates;
/// Tickets and their steps.
pub mod tickets;
/// Events sent to other systems by HTTP.
pub mod webhooks;
