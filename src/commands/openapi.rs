//! `mesa openapi`: the contract as a file.

use std::io::Write;

use clap::{Args, ValueEnum};

use crate::app;
use crate::contract;
use crate::problem::StartError;

#[derive(Args)]
pub struct Openapi {
    /// The format of the document
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

impl Openapi {
    pub fn run(self) -> Result<(), StartError> {
        let text = match self.format {
            Format::Json => contract::json(&app::openapi())?,
            Format::Yaml => contract::yaml(&app::openapi())?,
        };
        // The reader may stop reading, as `head` does.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(())
    }
}
