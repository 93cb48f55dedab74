//! `mesa report`: a report as a file, without a server.

use super::{Audience, Format, quarterly};
use crate::config::Config;
use crate::db;
use crate::db::session::{self, Bounds};
use crate::problem::StartError;
use crate::statistics::Quarter;

/// The report of a quarter, from the database of this URL.
///
/// # Errors
/// In words for whoever called the command.
pub fn report(config: &Config, url: &str, quarter: Quarter, format: Format) -> Result<Vec<u8>, StartError> {
    let connection = &mut session::open(url, Bounds::Command)?;
    let now = db::now(connection)?;
    let found = quarterly::find(connection, config, quarter, format, Audience::Answers, now);
    found.and_then(|found| found.write(format, config)).map_err(|problem| {
        if problem.is_fault() {
            problem.log_line().into()
        } else {
            format!("there is no report of {quarter}: it has not begun").into()
        }
    })
}
