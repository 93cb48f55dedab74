//! Mail that comes in.

pub mod message;
