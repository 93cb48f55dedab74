//! Sentences in both languages.

use std::borrow::Cow;

use super::Locale;

/// A sentence in the two languages of the desk.
#[derive(Debug, Clone)]
pub struct Text {
    pub es: Cow<'static, str>,
    pub en: Cow<'static, str>,
}

impl Text {
    pub const fn new(es: &'static str, en: &'static str) -> Self {
        Text { es: Cow::Borrowed(es), en: Cow::Borrowed(en) }
    }

    pub fn made(es: String, en: String) -> Self {
        Text { es: Cow::Owned(es), en: Cow::Owned(en) }
    }

    pub fn in_locale(&self, locale: Locale) -> &str {
        match locale {
            Locale::Es => &self.es,
            Locale::En => &self.en,
        }
    }
}
