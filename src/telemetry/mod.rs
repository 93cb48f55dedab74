//! What the server tells about its work: the form of its log, and the traces of requests.

pub mod log_format;
pub mod traceparent;
pub mod traces;
