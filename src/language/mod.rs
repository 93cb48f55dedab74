//! Spanish and English: texts in both languages, formatted moments and days, and enumerations of words.

pub mod locale;
mod text;
mod text_enum;

pub use locale::Locale;
pub use text::Text;
pub(crate) use text_enum::text_enum;
