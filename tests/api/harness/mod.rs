//! What every test stands on: a desk with a database of its own, and clients that call it.

pub mod binary;
mod client;
mod cluster;
pub mod contract;
mod desk;
mod front;
pub mod logs;
pub mod smtp;
pub mod states;

pub use client::{Answer, Client};
pub use cluster::{Database, PASSWORD};
pub use desk::{Desk, SECRET};

/// Names a check that this machine cannot do, on standard error and in the file that `MESA_TEST_SKIPPED` names: `.ci/run`
/// repeats them at its end.
pub fn skip(reason: &str) {
    eprintln!("SKIPPED: {reason}");
    let Some(file) = std::env::var_os("MESA_TEST_SKIPPED") else { return };
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
    std::io::Write::write_all(&mut file, format!("{reason}\n").as_bytes()).unwrap();
}

/// The moment that an answer names.
pub fn moment(value: &serde_json::Value) -> chrono::DateTime<chrono::Utc> {
    value.as_str().unwrap().parse().unwrap()
}
