//! Tickets as files: streamed in a response, or written by a job.

pub mod download;
pub mod job;
pub mod queue;
mod rows;
mod workbook;
