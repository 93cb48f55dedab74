//! Documents for people: one model, written as PDF, as a page (HTML) and as a workbook (XLSX).

pub mod cell;
pub mod chart;
pub mod drawing;
pub mod font;
pub mod format;
pub mod html;
pub mod model;
pub mod pdf;
pub mod response;
pub mod xlsx;
