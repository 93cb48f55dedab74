//! `winmail.dat` (MS-OXTNEF): the files and the text that Outlook puts into one file.

mod compressed_rtf;
mod properties;
#[cfg(test)]
mod test;
mod text;

use super::mime::{File, MOST_PARTS};
use super::{LONGEST_TEXT, head};
use properties::{number, take};
use text::{Body, Text, Unreadable};

/// The first bytes of a file of this kind.
pub const SIGNATURE: [u8; 4] = [0x78, 0x9f, 0x3e, 0x22];

/// How deep messages may be within one another.
const DEEPEST: usize = 4;

/// What a file of this kind contains.
#[derive(Default)]
pub struct Opened {
    pub text: Option<String>,
    /// The files, and the texts of messages within it as files.
    pub files: Vec<File>,
    /// Whether it contains a text that could not be read.
    pub lacks_text: bool,
}

impl Opened {
    /// How large a further file may be, in bytes, so that all together are at most `LONGEST_TEXT` larger than the file
    /// that contains them; `whole`: its size.
    fn room(&self, whole: usize) -> usize {
        let used = self.files.iter().map(|file| file.bytes.len()).sum();
        (whole + LONGEST_TEXT).saturating_sub(used)
    }

    /// Adds the text of a message within another one.
    fn add_text(&mut self, body: &Body<'_>, charset: &str, whole: usize) {
        match body.file(charset) {
            Some(file) if file.bytes.len() <= self.room(whole) => self.files.push(file),
            Some(_) => self.lacks_text = true,
            None => self.add_rich_text(body, charset, whole),
        }
    }

    fn add_rich_text(&mut self, body: &Body<'_>, charset: &str, whole: usize) {
        match body.rich_file(charset, self.room(whole)) {
            Ok(file) => self.files.extend(file),
            Err(Unreadable) => self.lacks_text = true,
        }
    }
}

/// None if it is not of this kind, damaged or empty; then it is better kept as it is.
pub fn read(bytes: &[u8]) -> Option<Opened> {
    let mut opened = Opened::default();
    read_into(&mut opened, bytes, 0, bytes.len())?;
    (!opened.files.is_empty() || opened.text.is_some()).then_some(opened)
}

/// `whole`: the size of the outermost file.
fn read_into(opened: &mut Opened, bytes: &[u8], depth: usize, whole: usize) -> Option<()> {
    let mut rest = bytes.strip_prefix(&SIGNATURE)?.get(2..)?;
    let mut body = Body::default();
    let mut charset = "windows-1252".to_owned();
    let mut attached: Vec<Attached<'_>> = Vec::new();
    // Of the message or of a file. Some programs fill the end with zeros.
    while let Some(1 | 2) = rest.first() {
        let attribute = number(&mut rest, 5)? >> 8;
        let length = usize::try_from(number(&mut rest, 4)?).ok()?;
        let data = take(&mut rest, length)?;
        // The checksum.
        take(&mut rest, 2)?;
        match attribute & 0xffff {
            0x9007 => charset = code_page(data),
            0x8004 => body.subject = body.subject.or(Some(Text { bytes: data, is_wide: false })),
            0x800c => body.plain = body.plain.or(Some(Text { bytes: data, is_wide: false })),
            0x9003 => properties::all(data, |id, value| body.add(id, value))?,
            0x9002 if attached.len() == MOST_PARTS => return None,
            0x9002 => attached.push(Attached::default()),
            id => {
                if let Some(last) = attached.last_mut() {
                    match id {
                        0x8010 => last.title = Some(Text { bytes: data, is_wide: false }),
                        0x800f => last.data = Some(data),
                        0x9005 => properties::all(data, |id, value| last.add(id, value))?,
                        _ => {}
                    }
                }
            }
        }
    }
    if rest.iter().any(|byte| *byte != 0) {
        return None;
    }
    for one in attached {
        one.add_to(opened, &charset, depth, whole);
        if opened.files.len() > MOST_PARTS {
            return None;
        }
    }
    if depth > 0 {
        opened.add_text(&body, &charset, whole);
        return Some(());
    }
    opened.text = body.text(&charset);
    if opened.text.is_none() {
        opened.add_rich_text(&body, &charset, whole);
    }
    Some(())
}

fn code_page(mut data: &[u8]) -> String {
    match number(&mut data, 4).unwrap_or_default() {
        65001 => "utf-8".to_owned(),
        28591 | 20127 | 0 => "windows-1252".to_owned(),
        page => format!("cp{page}"),
    }
}

/// The length of the identifier of an object, before its content.
const OBJECT: usize = 16;

fn is_message(object: &[u8]) -> bool {
    object.get(OBJECT..).is_some_and(|inner| inner.starts_with(&SIGNATURE))
}

#[derive(Default)]
struct Attached<'a> {
    title: Option<Text<'a>>,
    long: Option<Text<'a>>,
    short: Option<Text<'a>>,
    data: Option<&'a [u8]>,
    kind: Option<Text<'a>>,
}

impl<'a> Attached<'a> {
    fn add(&mut self, id: u64, value: Text<'a>) {
        match id {
            0x3707 => self.long = Some(value),
            0x3704 | 0x3001 => self.short = self.short.or(Some(value)),
            // A message is here; what else is here of it is its picture.
            0x3701 if self.data.is_none() || is_message(value.bytes) => self.data = Some(value.bytes),
            0x370e => self.kind = Some(value),
            _ => {}
        }
    }

    fn add_to(self, opened: &mut Opened, charset: &str, depth: usize, whole: usize) {
        let Some(data) = self.data else { return };
        if depth < DEEPEST && is_message(data) {
            let (files, lacks_text) = (opened.files.len(), opened.lacks_text);
            let is_read = read_into(opened, &data[OBJECT..], depth + 1, whole).is_some();
            if is_read && opened.files.len() > files {
                return;
            }
            opened.files.truncate(files);
            opened.lacks_text = lacks_text;
        }
        let names = [self.long, self.title, self.short].into_iter().flatten();
        let name = names.map(|name| head::file_name(&name.decoded(charset))).find(|name| !name.is_empty());
        let kind = self.kind.map(|kind| kind.decoded(charset).to_ascii_lowercase());
        opened.files.push(File {
            name: name.unwrap_or_else(|| "attachment.bin".to_owned()),
            content_type: kind
                .filter(|kind| kind.is_ascii())
                .unwrap_or_else(|| "application/octet-stream".to_owned()),
            bytes: data.to_vec(),
        });
    }
}
