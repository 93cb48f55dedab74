//! Why a request was refused for now, for the metrics.

/// The cause of a 429 or a 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The client made too many requests.
    RateLimit,
    /// Too many wrong passwords or requests for links.
    Attempts,
    /// Too many files are received at a time.
    Uploads,
    /// The bodies of open requests use the memory for them.
    BodyMemory,
    /// Too many passwords or due times are being computed.
    Computation,
    /// No connection to the database was free in time.
    Connection,
    /// The database does not answer, or ended the statement.
    Database,
    /// The store of files does not answer.
    Files,
    /// This copy of the server only reads.
    ReadOnly,
    Other,
}

impl Reason {
    pub const ALL: [Reason; 10] = [
        Reason::RateLimit,
        Reason::Attempts,
        Reason::Uploads,
        Reason::BodyMemory,
        Reason::Computation,
        Reason::Connection,
        Reason::Database,
        Reason::Files,
        Reason::ReadOnly,
        Reason::Other,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::RateLimit => "rate_limit",
            Reason::Attempts => "attempts",
            Reason::Uploads => "uploads",
            Reason::BodyMemory => "body_memory",
            Reason::Computation => "computation",
            Reason::Connection => "connection",
            Reason::Database => "database",
            Reason::Files => "files",
            Reason::ReadOnly => "read_only",
            Reason::Other => "other",
        }
    }

    /// The statuses that requests are refused with for this reason.
    pub const fn statuses(self) -> &'static [&'static str] {
        match self {
            Reason::RateLimit | Reason::Attempts => &["429"],
            Reason::Uploads => &["429", "503"],
            _ => &["503"],
        }
    }
}
