//! What every test stands on: a desk with a database of its own, and clients that call it.

pub mod binary;
mod client;
mod cluster;
mod contract;
mod desk;
mod front;
pub mod logs;
pub mod smtp;
pub mod states;

pub use client::{Answer, Client};
pub use cluster::{Database, PASSWORD};
pub use desk::{Desk, SECRET};

/// The moment that an answer names.
pub fn moment(value: &serde_json::Value) -> chrono::DateTime<chrono::Utc> {
    value.as_str().unwrap().parse().unwrap()
}
