//! The text of a message in the file.

use super::super::mime::File;
use super::super::{LONGEST_TEXT, charsets, head, html};
use super::compressed_rtf::decompressed;

#[derive(Clone, Copy)]
pub struct Text<'a> {
    pub bytes: &'a [u8],
    /// UTF-16.
    pub is_wide: bool,
}

impl Text<'_> {
    pub fn decoded(self, charset: &str) -> String {
        let text = charsets::text(self.bytes, Some(if self.is_wide { "utf-16le" } else { charset }));
        text.trim_end_matches('\0').to_owned()
    }
}

/// The text of a message, in one or several forms.
#[derive(Default)]
pub struct Body<'a> {
    pub subject: Option<Text<'a>>,
    pub plain: Option<Text<'a>>,
    page: Option<Text<'a>>,
    rich: Option<&'a [u8]>,
}

impl<'a> Body<'a> {
    pub fn add(&mut self, id: u64, value: Text<'a>) {
        match id {
            0x0037 => self.subject = Some(value),
            0x1000 => self.plain = Some(value),
            0x1013 => self.page = Some(value),
            0x1009 => self.rich = Some(value.bytes),
            _ => {}
        }
    }

    pub fn text(&self, charset: &str) -> Option<String> {
        let plain = self.plain.map(|text| text.decoded(charset)).filter(|text| !text.trim().is_empty());
        plain.or_else(|| Some(html::text(&self.page(charset)?)).filter(|text| !text.trim().is_empty()))
    }

    fn page(&self, charset: &str) -> Option<String> {
        let page = self.page?;
        let declared = html::charset(page.bytes, None).unwrap_or_else(|| charset.to_owned());
        Some(page.decoded(&declared))
    }

    /// The text as a file that is named by the subject. A page that is longer than the text of a message may be remains
    /// a page.
    pub fn file(&self, charset: &str) -> Option<File> {
        let is_long = self.page.is_some_and(|page| page.bytes.len() > LONGEST_TEXT);
        if is_long && self.plain.is_none_or(|text| text.decoded(charset).trim().is_empty()) {
            return self
                .page(charset)
                .map(|page| self.named(charset, "html", "text/html", page.into_bytes()));
        }
        self.text(charset).map(|text| self.named(charset, "txt", "text/plain", text.into_bytes()))
    }

    fn named(&self, charset: &str, extension: &str, content_type: &str, bytes: Vec<u8>) -> File {
        let subject = self.subject.map(|subject| subject.decoded(charset)).unwrap_or_default();
        let name = head::named_by_subject(&subject, extension);
        File { name, content_type: content_type.to_owned(), bytes }
    }

    /// The rich text as a file of at most `room` bytes, named by the subject; none if there is none.
    ///
    /// # Errors
    /// It is damaged or larger.
    pub fn rich_file(&self, charset: &str, room: usize) -> Result<Option<File>, Unreadable> {
        let Some(rich) = self.rich.filter(|rich| !rich.is_empty()) else { return Ok(None) };
        let bytes = decompressed(rich, room).ok_or(Unreadable)?;
        let file = self.named(charset, "rtf", "application/rtf", bytes);
        Ok(Some(file).filter(|file| !file.bytes.is_empty()))
    }
}

/// Rich text that cannot be read.
pub struct Unreadable;
