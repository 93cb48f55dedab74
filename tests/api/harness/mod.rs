//! The basis of all tests: a server with its own database, and clients that call it.

pub mod binary;
mod client;
mod cluster;
pub mod contract;
mod desk;
pub mod front;
pub mod logs;
pub mod pooler;
pub mod receiver;
pub mod smtp;
pub mod states;

pub use client::{Answer, Client};
pub use cluster::{Database, PASSWORD};
pub use desk::{Desk, SECRET};

/// Reports a check that cannot run on this machine: on standard error, and in the file that `MESA_TEST_SKIPPED` names,
/// which `.ci/run` prints at its end.
pub fn skip(reason: &str) {
    eprintln!("SKIPPED: {reason}");
    let Some(file) = std::env::var_os("MESA_TEST_SKIPPED") else { return };
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
    std::io::Write::write_all(&mut file, format!("{reason}\n").as_bytes()).unwrap();
}

/// Parses a time in a response.
pub fn moment(value: &serde_json::Value) -> chrono::DateTime<chrono::Utc> {
    value.as_str().unwrap().parse().unwrap()
}
