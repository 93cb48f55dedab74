//! The languages of the desk: sentences in both, moments and days in words, and words as values.

pub mod locale;
pub mod templates;
mod text;
mod text_enum;

pub use locale::Locale;
pub use text::Text;
pub(crate) use text_enum::text_enum;
