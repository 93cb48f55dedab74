use super::super::Message;
use super::compressed_rtf::decompressed;
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
    assert_eq!(decompressed(&compressed, 100).unwrap(), b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
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

/// A message within a message, with these properties and attributes before its files.
fn message_within(inner: &[Vec<u8>]) -> Vec<u8> {
    let object = [&[0; 16][..], &file(inner)].concat();
    let properties = with_count(&[property(0x0d, 0x3701, &object), property(0x1e, 0x3001, b"RV: acta\0")]);
    [attribute(2, 0x0006_9002, &[0; 14]), attribute(2, 0x0006_9005, &properties)].concat()
}

fn message_properties(properties: &[Vec<u8>]) -> Vec<u8> {
    attribute(1, 0x0006_9003, &with_count(properties))
}

#[test]
fn the_text_of_a_message_within_is_a_file() {
    let innermost = message_within(&[
        attribute(1, 0x0001_8004, b"Sin red / piso 3\0"),
        attribute(1, 0x0002_800c, b"No enciende la c\xe1mara\0"),
    ]);
    let page = [property(0x1f, 0x0037, &wide("Cámara")), property(0x0102, 0x1013, b"<p>Sin red</p>")];
    let inner = message_within(&[message_properties(&page), innermost]);
    let untitled = message_within(&[attribute(1, 0x0002_800c, b"Hola\0"), attached("a.pdf", b"x")]);
    let opened = read(&file(&[attribute(1, 0x0002_800c, b"Van dos\0"), inner, untitled])).unwrap();
    assert_eq!(
        names(&opened),
        [
            ("Sin red - piso 3.txt", "No enciende la cámara".as_bytes()),
            ("Cámara.txt", b"Sin red\n"),
            ("a.pdf", b"x"),
            ("message.txt", b"Hola"),
        ]
    );
    assert_eq!((opened.text.as_deref(), opened.lacks_text), (Some("Van dos"), false));
}

#[test]
fn a_file_whose_rich_text_cannot_be_read_is_kept() {
    let damaged = [property(0x0102, 0x1009, b"damaged")];
    // Rich text as it is, of which only the declared size is too large.
    let large = [&u32::MAX.to_le_bytes()[..], &u32::MAX.to_le_bytes(), b"MELA", &[0; 4]].concat();
    let large = [property(0x0102, 0x1009, &large)];
    let kept = |attributes: &[Vec<u8>]| {
        let header = b"From: a@x.test\r\nContent-Type: application/ms-tnef\r\n\r\n";
        let message = [&header[..], &file(attributes)].concat();
        let files = Message::read(&message, None, None).unwrap().files;
        files.into_iter().map(|file| file.name).collect::<Vec<String>>()
    };
    for rich in [&damaged, &large] {
        let body = message_properties(rich);
        assert_eq!(kept(std::slice::from_ref(&body)), ["winmail.dat"]);
        assert_eq!(kept(&[body.clone(), attached("a.pdf", b"x")]), ["a.pdf", "winmail.dat"]);
        let inner = |files: &[Vec<u8>]| message_within(&[std::slice::from_ref(&body), files].concat());
        assert_eq!(kept(&[inner(&[attached("a.pdf", b"x")])]), ["a.pdf", "winmail.dat"]);
        // The message within is kept as it is.
        assert_eq!(kept(&[inner(&[])]), ["RV: acta"]);
    }
}

#[test]
fn rich_text_of_a_message_within_is_a_file() {
    let rich = [&16_u32.to_le_bytes()[..], &4_u32.to_le_bytes(), b"MELA", &[0; 4], b"{\\r}"].concat();
    let properties = [property(0x0102, 0x1009, &rich), property(0x1e, 0x0037, b"Acta\0")];
    let opened = read(&file(&[message_within(&[message_properties(&properties)])])).unwrap();
    assert_eq!(names(&opened), [("Acta.rtf", &b"{\\r}"[..])]);
}

#[test]
fn more_files_than_a_message_may_have_are_left_in_it() {
    let many = |count: usize| file(&[attached("a.pdf", b"x").repeat(count)]);
    assert_eq!(read(&many(MOST_PARTS)).unwrap().files.len(), MOST_PARTS);
    assert!(read(&many(MOST_PARTS + 1)).is_none());
}
