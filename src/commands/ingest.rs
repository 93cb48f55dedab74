//! `mesa mail ingest`: a mail server's pipe passes a message on standard input.

use std::io::Read;
use std::process::ExitCode;

use actix_web::web::Bytes;

use crate::config::Config;
use crate::http::desk::Desk;
use crate::inbound::{InboundEmailSource, process, storage};
use crate::problem::{Code, Problem};
use crate::server;

/// The exit codes for the mail server (`sysexits.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is stored: the mail server must not keep it.
    Ok = 0,
    /// It is not a message, or too large: the mail server returns it.
    DataError = 65,
    /// It could not be stored for now, possibly because of the configuration: the mail server tries again later.
    TempFail = 75,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Stores the message from `input`; returns the exit code and the text of an error. A stored message that cannot be
/// read is not an error: it is set aside for staff.
pub fn ingest(input: impl Read) -> Exit {
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(error) => return refuse(Exit::TempFail, &error),
    };
    let limit = config.mail_max_bytes;
    let mut bytes = Vec::new();
    // One byte more than the maximum, to detect a longer message.
    if let Err(error) = input.take(limit as u64 + 1).read_to_end(&mut bytes) {
        return refuse(Exit::TempFail, &error);
    }
    if bytes.len() > limit {
        return refuse(
            Exit::DataError,
            &format!("the message may have up to {limit} bytes (MESA_MAIL_MAX_BYTES)"),
        );
    }
    match server::with_desk(config, async |desk| take(desk, bytes).await) {
        Err(error) => refuse(Exit::TempFail, &error),
        Ok(Ok(())) => Exit::Ok,
        Ok(Err(problem)) => match problem.code {
            Code::TooLarge | Code::InvalidBody => refuse(Exit::DataError, &problem.detail.en),
            _ => refuse(Exit::TempFail, &problem.log_line()),
        },
    }
}

async fn take(desk: &Desk, bytes: Vec<u8>) -> Result<(), Problem> {
    let kept = storage::store(desk, InboundEmailSource::Command, None, Bytes::from(bytes)).await?;
    if kept.to_process {
        process::process(desk, kept.id).await;
    }
    Ok(())
}

fn refuse(exit: Exit, why: &dyn std::fmt::Display) -> Exit {
    eprintln!("mesa: {why}");
    exit
}
