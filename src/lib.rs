//! Mesa, a headless service desk. The map:

/// How a request gets in: routes, middleware, docs.
pub mod app;
/// Files of tickets, followups and articles.
pub mod attachments;
/// The history and its verification.
pub mod audit;
/// Who calls, and what they may do.
pub mod auth;
/// The whole desk in one file, and back.
pub mod backup;
/// Configuration by environment variables.
pub mod config;
/// A connection of a client, with or without TLS.
pub mod connection;
/// The contract: what `openapi.json` says beyond the handlers.
pub mod contract;
/// PostgreSQL: pool, schema, private server.
pub mod db;
/// What every request of one server shares.
pub mod desk;
/// Whether the server lives and can serve.
pub mod health;
/// Public holidays: those of Colombia and the entity's own.
pub mod holidays;
/// The HTTP habits that all endpoints keep.
pub mod http;
/// The HTTP server, on connections of our own.
pub mod http_server;
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
/// Who comes while the server stops.
pub mod late;
/// What people are told by mail, and its way to the mail server.
pub mod mail;
/// Minutes of the Comité Primario.
pub mod minutes;
/// Messages that changes cause.
pub mod outbox;
/// Answers to requests that reach no middleware.
pub mod parser_problem;
/// People and units.
pub mod people;
/// Every error a client can see.
pub mod problem;
/// The quarterly report.
pub mod reports;
/// How long records are kept, and what goes when their time is over.
pub mod retention;
/// What the desk does by itself.
pub mod routine;
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
/// The certificate by which the server is known.
pub mod tls;
/// TLS handshakes in progress.
pub mod tls_handshakes;
