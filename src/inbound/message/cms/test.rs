//! Files of signed messages, and damaged ones.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::super::mime::content as read;
use super::*;

/// An element with its length.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &length, content].concat()
}

/// An element without a length.
fn open(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x80][..], content, &[0, 0]].concat()
}

/// A file around these octets, of elements with or without lengths.
pub fn file(octets: &[u8], element: impl Fn(u8, &[u8]) -> Vec<u8>) -> Vec<u8> {
    let identifier = |last: u8| [&[IDENTIFIER, 9][..], &SIGNED_DATA[..8], &[last]].concat();
    let signed = [&identifier(1)[..], &element(EXPLICIT, octets)].concat();
    let algorithms = element(SET, &element(SEQUENCE, &identifier(1)));
    let data = [&[INTEGER, 1, 1][..], &algorithms, &element(SEQUENCE, &signed), &element(SET, b"")].concat();
    let data = element(EXPLICIT, &element(SEQUENCE, &data));
    element(SEQUENCE, &[&identifier(2)[..], &data].concat())
}

fn message(header: &str, file: &[u8]) -> Vec<u8> {
    format!("{header}\nContent-Transfer-Encoding: base64\n\n{}\n", STANDARD.encode(file)).into_bytes()
}

const SIGNED: &str = "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m";

const PART: &[u8] = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSin red\r\n--b\r\n\
                      Content-Type: application/pdf; name=a.pdf\r\n\r\n%PDF\r\n--b--\r\n";

#[test]
fn text_and_files_of_a_signed_message_are_read() {
    let (first, second) = PART.split_at(30);
    let pieces = [element(OCTETS, first), open(OCTETS_IN_PIECES, &element(OCTETS, second))].concat();
    for file in [
        file(&element(OCTETS, PART), element),
        file(&element(OCTETS, PART), open),
        file(&element(OCTETS_IN_PIECES, &pieces), open),
        file(&open(OCTETS_IN_PIECES, &pieces), element),
        // Signed twice.
        file(&element(OCTETS, &message(SIGNED, &file(&element(OCTETS, PART), open))), open),
    ] {
        let found = read(&message(SIGNED, &file)).unwrap();
        assert_eq!(found.text, "Sin red");
        assert!(found.files.len() == 1 && found.files[0].name == "a.pdf" && found.files[0].bytes == b"%PDF");
    }
}

#[test]
fn what_is_no_signed_message_stays_a_file() {
    let whole = file(&element(OCTETS, PART), element);
    let is_file = |header: &str, file: &[u8]| {
        let found = read(&message(header, file)).unwrap();
        found.text.is_empty() && found.files.len() == 1 && found.files[0].bytes == file
    };
    assert!(is_file("Content-Type: application/pkcs7-mime; name=acta.p7m", &whole));
    assert!(!is_file("Content-Type: application/octet-stream; name=SMIME.P7M", &whole));
    // Without its encoding.
    let bare = format!("{SIGNED}\n\n{}\n", STANDARD.encode(file(&element(OCTETS, PART), open)));
    assert_eq!(read(bare.as_bytes()).unwrap().text, "Sin red");
    // A document, an encrypted message, one without content, and a damaged one.
    assert!(is_file(SIGNED, &file(&element(OCTETS, b"%PDF-1.4\nActa"), element)));
    let mut encrypted = whole.clone();
    encrypted[16] = 3;
    assert!(is_file(SIGNED, &encrypted));
    assert!(is_file(SIGNED, &file(b"", element)));
    assert!(is_file(SIGNED, &whole[..60]));
    // Too deep.
    let deep =
        (0..=DEEPEST).fold(PART.to_vec(), |part, _| message(SIGNED, &file(&element(OCTETS, &part), open)));
    assert_eq!(read(&deep).unwrap().files[0].name, "smime.p7m");
}

#[test]
fn hostile_lengths_end() {
    for bytes in [
        &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..],
        &[0x30, 0x88, 0xff],
        &[0x1f, 0x80],
        &[0x30],
        &[0x30, 0x80].repeat(1000),
    ] {
        assert!(content(bytes).is_none());
    }
    // Open elements among the algorithms, and open pieces.
    let whole = file(&element(OCTETS, PART), element);
    let algorithms = whole.windows(2).position(|pair| pair == [SET, 0x84]).unwrap();
    assert!(content(&[&whole[..algorithms], &[SET, 0x80].repeat(100_000)].concat()).is_none());
    assert!(content(&file(&[OCTETS_IN_PIECES, 0x80].repeat(100_000), open)).is_none());
}

proptest! {
    #[test]
    fn any_bytes_end(bytes: Vec<u8>, at in 0_usize..100, with: u8) {
        content(&bytes);
        let mut whole = file(&open(OCTETS_IN_PIECES, &element(OCTETS, PART)), open);
        whole[at] = with;
        content(&whole);
    }
}
