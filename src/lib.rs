//! Mesa, a headless service desk. The map:

/// Access to one's account: sign-ins, links to set a password, attempts.
pub mod account;
/// How a request gets in: routes, middleware, docs.
pub mod app;
/// Files of tickets, followups and articles.
pub mod attachments;
/// The history and its verification.
pub mod audit;
/// Roles and what they may do; tokens and passwords.
pub mod auth;
/// The whole desk in one file, and back.
pub mod backup;
/// The command line.
pub mod commands;
/// Configuration by environment variables.
pub mod config;
/// The contract: what `openapi.json` says beyond the handlers.
pub mod contract;
/// PostgreSQL: pool, schema, private server.
pub mod db;
/// Reading files of tickets, followups, articles and improvement actions.
pub mod downloads;
/// Whether the server lives and can serve.
pub mod health;
/// Public holidays: those of Colombia and the entity's own.
pub mod holidays;
/// The HTTP habits that all endpoints keep.
pub mod http;
/// Improvement actions and risks.
pub mod improvement;
/// Mail that comes in.
pub mod inbound;
/// Indicators and their measurements.
pub mod indicators;
/// The knowledge base.
pub mod knowledge;
/// The two languages of the desk.
pub mod language;
/// A test: which modules may use which.
#[cfg(test)]
mod layers;
/// What people are told by mail, and its way to the mail server.
pub mod mail;
/// Minutes of the Comité Primario.
pub mod minutes;
/// Messages that changes cause.
pub mod outbox;
/// People and units.
pub mod people;
/// The personal data of a requester: given to them, and taken out by law.
pub mod personal_data;
/// Every error a client can see.
pub mod problem;
/// The quarterly report.
pub mod reports;
/// How long records are kept, and what goes when their time is over.
pub mod retention;
/// Two years of a desk's life, made up.
pub mod seed;
/// From the configuration to a running server.
pub mod server;
/// Who attends: absences, availability, handovers.
pub mod staff;
/// The figures of a period.
pub mod statistics;
/// The perception survey.
pub mod surveys;
/// Tickets, step by step.
pub mod tickets;
