//! `winmail.dat` (MS-OXTNEF): the files and the text that Outlook puts into one file.

mod compressed_rtf;
mod properties;

use super::mime::{File, MOST_PARTS};
use super::{charsets, head, html};
use compressed_rtf::decompressed;
use properties::{number, take};

/// The first bytes of a file of this kind.
pub const SIGNATURE: [u8; 4] = [0x78, 0x9f, 0x3e, 0x22];

/// How deep messages may be within one another.
const DEEPEST: usize = 4;

/// What a file of this kind contains.
#[derive(Default)]
pub struct Opened {
    pub text: Option<String>,
    pub files: Vec<File>,
}

/// None if it is not of this kind, damaged or empty; then it is better kept as it is.
pub fn read(bytes: &[u8]) -> Option<Opened> {
    let mut opened = Opened::default();
    read_into(&mut opened, bytes, 0)?;
    (!opened.files.is_empty() || opened.text.is_some()).then_some(opened)
}

fn read_into(opened: &mut Opened, bytes: &[u8], depth: usize) -> Option<()> {
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
            0x800c => body.plain = body.plain.or(Some(Text { bytes: data, is_wide: false })),
            0x9003 => properties::all(data, |id, value| body.add(id, value))?,
            0x9002 if attached.len() < MOST_PARTS => attached.push(Attached::default()),
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
        one.add_to(opened, &charset, depth);
    }
    if depth == 0 {
        opened.text = body.text(&charset);
        let left = bytes.len().saturating_sub(opened.files.iter().map(|file| file.bytes.len()).sum());
        let rich = body.rich.filter(|_| opened.text.is_none()).and_then(|rich| decompressed(rich, left));
        if let Some(bytes) = rich.filter(|rich| !rich.is_empty()) {
            opened.files.push(File {
                name: "message.rtf".to_owned(),
                content_type: "application/rtf".to_owned(),
                bytes,
            });
        }
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

#[derive(Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    /// UTF-16.
    is_wide: bool,
}

impl Text<'_> {
    fn decoded(self, charset: &str) -> String {
        let text = charsets::text(self.bytes, Some(if self.is_wide { "utf-16le" } else { charset }));
        text.trim_end_matches('\0').to_owned()
    }
}

#[derive(Default)]
struct Body<'a> {
    plain: Option<Text<'a>>,
    page: Option<Text<'a>>,
    rich: Option<&'a [u8]>,
}

impl<'a> Body<'a> {
    fn add(&mut self, id: u64, value: Text<'a>) {
        match id {
            0x1000 => self.plain = Some(value),
            0x1013 => self.page = Some(value),
            0x1009 => self.rich = Some(value.bytes),
            _ => {}
        }
    }

    fn text(&self, charset: &str) -> Option<String> {
        let plain = self.plain.map(|text| text.decoded(charset)).filter(|text| !text.trim().is_empty());
        let page = || {
            let page = self.page?;
            let declared = html::charset(page.bytes, None).unwrap_or_else(|| charset.to_owned());
            Some(html::text(&page.decoded(&declared))).filter(|text| !text.trim().is_empty())
        };
        plain.or_else(page)
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

    fn add_to(self, opened: &mut Opened, charset: &str, depth: usize) {
        let Some(data) = self.data else { return };
        if depth < DEEPEST && is_message(data) {
            let files = opened.files.len();
            if read_into(opened, &data[OBJECT..], depth + 1).is_some() && opened.files.len() > files {
                return;
            }
            opened.files.truncate(files);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(level: u8, id: u32, data: &[u8]) -> Vec<u8> {
        let sum = data.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        let length = u32::try_from(data.len()).unwrap();
        [&[level][..], &id.to_le_bytes(), &length.to_le_bytes(), data, &sum.to_le_bytes()].concat()
    }

    fn property(kind: u16, id: u16, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        let fill = vec![0; data.len().wrapping_neg() % 4];
        [&kind.to_le_bytes()[..], &id.to_le_bytes(), &1_u32.to_le_bytes(), &length.to_le_bytes(), data, &fill]
            .concat()
    }

    fn with_count(properties: &[Vec<u8>]) -> Vec<u8> {
        let count = u32::try_from(properties.len()).unwrap();
        [&count.to_le_bytes()[..], &properties.concat()].concat()
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    fn file(attributes: &[Vec<u8>]) -> Vec<u8> {
        [&SIGNATURE[..], &[1, 0], &attributes.concat()].concat()
    }

    fn attached(name: &str, data: &[u8]) -> Vec<u8> {
        let named = with_count(&[
            [&[3, 0, 5, 0x37][..], &1_u32.to_le_bytes()].concat(),
            property(0x1f, 0x3707, &wide(name)),
        ]);
        [
            attribute(2, 0x0006_9002, &[0; 14]),
            attribute(2, 0x0001_8010, b"INFORM~1.PDF\0"),
            attribute(2, 0x0006_800f, data),
            attribute(2, 0x0006_9005, &named),
        ]
        .concat()
    }

    fn names(opened: &Opened) -> Vec<(&str, &[u8])> {
        opened.files.iter().map(|file| (file.name.as_str(), file.bytes.as_slice())).collect()
    }

    #[test]
    fn files_and_text_are_taken_out() {
        let page = attribute(2, 0x0006_0001, b"x");
        let bytes = file(&[
            attribute(1, 0x0006_9007, &1252_u64.to_le_bytes()),
            attribute(1, 0x0002_800c, b"No enciende la c\xe1mara\0"),
            page,
            attached("Informe técnico.pdf", b"%PDF"),
            attached("C:\\a\\b.txt", b"hola"),
        ]);
        let opened = read(&bytes).unwrap();
        assert_eq!(names(&opened), [("Informe técnico.pdf", &b"%PDF"[..]), ("b.txt", b"hola")]);
        assert_eq!(opened.text.as_deref(), Some("No enciende la cámara"));
    }

    #[test]
    fn a_message_within_is_opened_too() {
        let inner = [&[0; 16][..], &file(&[attached("acta.pdf", b"x")])].concat();
        let properties = with_count(&[property(0x0d, 0x3701, &inner), property(0x1e, 0x3001, b"RV: acta\0")]);
        let outer = file(&[attribute(2, 0x0006_9002, &[0; 14]), attribute(2, 0x0006_9005, &properties)]);
        assert_eq!(names(&read(&outer).unwrap()), [("acta.pdf", &b"x"[..])]);
    }

    #[test]
    fn rich_text_is_a_file_if_there_is_no_other_text() {
        // The example of MS-OXRTFCP.
        let compressed: Vec<u8> = [
            "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af320",
            "68656c090020627705b06c647d0a800fa0",
        ]
        .concat()
        .as_bytes()
        .chunks(2)
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect();
        assert_eq!(
            decompressed(&compressed, 100).unwrap(),
            b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
        );
        assert_eq!(decompressed(&compressed, 42), None);
        let rich = |other: &[Vec<u8>]| {
            let all = with_count(&[&[property(0x0102, 0x1009, &compressed)], other].concat());
            read(&file(&[attribute(1, 0x0006_9003, &all)])).unwrap()
        };
        assert_eq!(rich(&[]).files[0].name, "message.rtf");
        let page = rich(&[property(0x0102, 0x1013, b"<p>Sin red</p>")]);
        assert_eq!((page.files.len(), page.text.as_deref()), (0, Some("Sin red\n")));
    }

    #[test]
    fn what_is_damaged_is_not_opened() {
        let whole = file(&[attached("a.pdf", b"x")]);
        for length in 0..whole.len() {
            let opened = read(&whole[..length]);
            assert!(opened.is_none_or(|opened| opened.files[0].bytes == b"x"), "{length}");
        }
        assert!(read(&[&whole[..], b"x"].concat()).is_none());
        assert!(read(&[&whole[..], &[0; 100]].concat()).is_some());
        let many = attribute(1, 0x0006_9003, &[&u32::MAX.to_le_bytes()[..], &[1, 0, 0, 0]].concat());
        assert!(read(&file(&[many])).is_none());
        let empty = attribute(
            1,
            0x0006_9003,
            &[&1_u32.to_le_bytes()[..], &[0x1e, 0, 0, 0x10], &u32::MAX.to_le_bytes()].concat(),
        );
        assert!(read(&file(&[empty])).is_none());
    }
}
