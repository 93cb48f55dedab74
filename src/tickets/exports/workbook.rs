//! Tickets as a workbook that is written row by row, since there may be many.

use std::fs::File;
use std::io::Seek;

use chrono_tz::Tz;
use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::rows::{COLUMNS, Cell, cells};
use crate::documents::xlsx::{fitting, time};
use crate::tickets::summary::TicketSummary;

/// The width of a column, in characters.
const WIDTH: f64 = 18.0;

type Written<T = ()> = Result<T, XlsxError>;

/// A workbook of tickets. Its rows are in temporary files until it is finished.
pub struct TicketWorkbook {
    workbook: Workbook,
    timezone: Tz,
    time: Format,
    next: u32,
}

impl TicketWorkbook {
    /// With the names of the columns; times are in this time zone.
    ///
    /// # Errors
    /// A temporary file cannot be written.
    pub fn new(timezone: Tz) -> Written<Self> {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name("tickets")?.set_freeze_panes(1, 0)?;
        let heading = Format::new().set_bold();
        for (column, name) in (0..).zip(COLUMNS) {
            sheet.set_column_width(column, WIDTH)?;
            sheet.write_string_with_format(0, column, name, &heading)?;
        }
        let time = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
        Ok(TicketWorkbook { workbook, timezone, time, next: 1 })
    }

    /// Adds a row for each ticket.
    ///
    /// # Errors
    /// There are more rows than a sheet has; a temporary file cannot be written.
    pub fn add(&mut self, tickets: &[TicketSummary]) -> Written {
        for ticket in tickets {
            let row = self.next;
            let sheet = self.workbook.worksheet_from_index(0)?;
            for (column, cell) in (0..).zip(cells(ticket)) {
                match cell {
                    Cell::Nothing => continue,
                    Cell::Text(text) => sheet.write_string(row, column, fitting(text))?,
                    Cell::Number(number) => sheet.write_number(row, column, number as f64)?,
                    Cell::Time(at) => {
                        let local = at.with_timezone(&self.timezone).naive_local();
                        match time(local) {
                            Ok(time) => sheet.write_datetime_with_format(row, column, &time, &self.time)?,
                            // Spreadsheets know times from 1900 to 9999.
                            Err(_) => sheet.write_string(row, column, local.to_string())?,
                        }
                    }
                };
            }
            self.next += 1;
        }
        Ok(())
    }

    /// Writes the workbook into a temporary file, which has no name.
    ///
    /// # Errors
    /// A temporary file cannot be written.
    pub fn finish(mut self) -> Written<File> {
        let file = tempfile::tempfile()?;
        self.workbook.save_to_writer(file.try_clone()?)?;
        (&file).rewind()?;
        Ok(file)
    }
}
