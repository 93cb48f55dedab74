//! The desk's HTTP habits: who calls, bodies, lists, ETags, retries, languages. Knows no feature.

pub mod address;
pub mod answer;
pub mod body;
pub mod body_memory;
pub mod call;
pub mod client_key;
pub mod contract;
pub mod cors;
pub mod envelope;
mod expected_format;
pub mod idempotency;
pub mod limits;
pub mod locale;
pub mod mail_origin;
pub mod paging;
pub mod query;
pub mod receive;
pub mod traffic;

pub use address::ClientAddress;
pub use answer::Answer;
pub use body::Body;
pub use call::{Actor, Call};
pub use mail_origin::MailOrigin;
pub use query::Query;
