//! Mail that comes in: kept as it came, read, and made into tickets and followups.

pub mod message;
