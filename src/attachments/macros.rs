//! Office documents with macros, which are programs: known by the extension, which decides whether an office program runs
//! them, and by the entry of the archive that contains them.

use memchr::memmem;

pub const EXCEL: &str = "application/vnd.ms-excel.sheet.macroenabled.12";
pub const EXCEL_BINARY: &str = "application/vnd.ms-excel.sheet.binary.macroenabled.12";
pub const POWERPOINT: &str = "application/vnd.ms-powerpoint.presentation.macroenabled.12";
pub const WORD: &str = "application/vnd.ms-word.document.macroenabled.12";

/// The name of the entry, which an archive contains uncompressed.
const ENTRY: &[u8] = b"vbaProject.bin";

/// A search in the pieces of an archive.
#[derive(Debug, Default)]
pub struct MacroSearch {
    /// The end of the last piece.
    end: Vec<u8>,
    is_found: bool,
}

impl MacroSearch {
    pub fn add(&mut self, piece: &[u8]) {
        if self.is_found {
            return;
        }
        let most = ENTRY.len() - 1;
        self.end.extend_from_slice(&piece[..piece.len().min(most)]);
        self.is_found = memmem::find(&self.end, ENTRY).is_some() || memmem::find(piece, ENTRY).is_some();
        if piece.len() >= most {
            self.end = piece[piece.len() - most..].to_vec();
        } else {
            self.end.drain(..self.end.len().saturating_sub(most));
        }
    }

    /// The media type if it is a document with macros; `found`: as its signature shows.
    pub fn media_type(&self, found: &str, extension: &str) -> Option<&'static str> {
        let format = found.strip_prefix("application/vnd.openxmlformats-officedocument");
        if format.is_none() && found != "application/zip" {
            return None;
        }
        match extension {
            "docm" | "dotm" => Some(WORD),
            "xlsm" | "xltm" | "xlam" => Some(EXCEL),
            "pptm" | "potm" | "ppsm" | "ppam" | "sldm" => Some(POWERPOINT),
            "xlsb" if self.is_found => Some(EXCEL_BINARY),
            _ => match format.filter(|_| self.is_found)? {
                ".spreadsheetml.sheet" => Some(EXCEL),
                ".presentationml.presentation" => Some(POWERPOINT),
                _ => Some(WORD),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::media_type::Inspector;
    use super::*;

    /// An archive of these entries, without their content, in pieces of this many bytes.
    fn sniff(entries: &[&str], name: &str, size: usize) -> &'static str {
        let mut archive = Vec::new();
        for entry in entries {
            archive.extend(b"PK\x03\x04\x14\0\0\0\0\0");
            archive.extend([0; 16]);
            archive.extend(u16::try_from(entry.len()).unwrap().to_le_bytes());
            archive.extend([0; 2]);
            archive.extend(entry.bytes());
        }
        let mut inspector = Inspector::default();
        archive.chunks(size).for_each(|piece| inspector.add(piece));
        inspector.media_type(name)
    }

    #[test]
    fn macros_show_by_the_extension_and_by_their_entry() {
        let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        let excel = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        for (entry, more, name, expected) in [
            ("word/document.xml", "word/styles.xml", "a.docx", word),
            ("word/document.xml", "word/styles.xml", "a.DOCM", WORD),
            ("word/document.xml", "word/vbaProject.bin", "a.docx", WORD),
            ("xl/workbook.xml", "xl/styles.xml", "a.xlsx", excel),
            ("xl/workbook.xml", "xl/styles.xml", "a.xltm", EXCEL),
            ("xl/workbook.bin", "xl/vbaProject.bin", "a.xlsb", EXCEL_BINARY),
            ("ppt/presentation.xml", "ppt/vbaProject.bin", "a.pptx", POWERPOINT),
            ("a.txt", "b.txt", "a.pptm", POWERPOINT),
            ("a.txt", "word/vbaProject.bin", "a.zip", "application/zip"),
        ] {
            for size in [1, 3, 13, 14, 50, 1000] {
                assert_eq!(sniff(&[entry, more], name, size), expected, "{entry} {name} {size}");
            }
        }
    }
}
