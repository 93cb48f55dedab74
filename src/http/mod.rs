//! Common parts of HTTP: authentication, bodies, lists, ETags, retries, languages. Independent of features.

pub mod actor;
pub mod address;
pub mod answer;
pub mod body;
pub mod body_memory;
pub mod call;
pub mod catalogue;
pub mod client_key;
pub mod cors;
pub mod desk;
pub mod envelope;
pub mod etag;
pub mod expected_format;
pub mod form;
pub mod idempotency;
pub mod lifecycle;
pub mod limits;
pub mod mail_origin;
pub mod negotiation;
pub mod page;
pub mod paging;
pub mod permission;
pub mod query;
pub mod receive;
pub mod routes;
mod schema_faults;
pub mod schemas;
pub mod traffic;
pub mod upload_slots;

pub use actor::Actor;
pub use address::ClientAddress;
pub use answer::Answer;
pub use body::Body;
pub use call::Call;
pub use mail_origin::MailOrigin;
pub use query::Query;
