//! The tests of the API: each is a client of a running desk with a database of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod attempts_alike;
mod demo_accounts;
mod harness;

mod access_matrix;
mod account_notices;
mod anonymization;
mod attachments;
mod attention;
mod audit;
mod audit_log;
mod audit_tree;
mod auth;
mod availability;
mod backup;
mod backup_and_sweep;
mod backup_protection;
mod bad_input;
mod bodies;
mod calendars;
mod configuration;
mod contract;
mod contract_for_people;
mod database_roles;
mod doors;
mod example_values;
mod examples;
mod expansion;
mod expired_records;
mod faults;
mod followups;
mod harmless;
mod holidays;
mod http_habits;
mod imap;
mod improvement;
mod inbound;
mod inbound_hops;
mod inbound_kept;
mod inbound_senders;
mod inbound_trust;
mod indicators;
mod information;
mod knowledge;
mod mail;
mod mail_killed;
mod messages;
mod migrations;
mod minutes;
mod operations;
mod owasp;
mod own_addresses;
mod own_search;
mod password_cost;
mod password_links;
mod people;
mod personal_data;
mod plans;
mod policy;
mod procedure;
mod profiles;
mod public_paths;
mod queue;
mod races;
mod ranges;
mod refresh_repeats;
mod relations;
mod reports;
mod restore_failures;
mod resubmission;
mod retention;
mod retries;
mod risks;
mod roles;
mod seed;
mod sheet;
mod shifts;
mod sign_in_events;
mod solved_children;
mod start;
mod statistics;
mod statistics_recounted;
mod surface;
mod survey_page;
mod survey_questions;
mod survey_totals;
mod surveys;
mod tickets;
mod timeline;
mod tls;
mod uploads;
mod walkthrough;
mod watch;
mod workflow;
