//! Messages that are made to cost time and memory: each is read or refused within a bound.

use std::time::Duration;

use super::cms::test as cms_test;
use super::cpu_time::cpu_time;
use super::{Fault, Message, Summary, verdict};

/// The size of the message, and of one whose text is short enough to be read. `MESA_CI=full` takes the largest of each.
fn sizes() -> [usize; 2] {
    let is_full = std::env::var("MESA_CI").is_ok_and(|ci| ci == "full");
    if is_full { [25_000_000, 1_000_000] } else { [3_000_000, 200_000] }
}

/// Longer than the slowest takes without optimization; what grows with the square of the size takes hours.
const LONGEST: Duration = Duration::from_secs(60);

/// A message of this size with a header, then this as often as it fits.
fn filled(size: usize, header: &str, unit: &str) -> Vec<u8> {
    let mut message = format!("From: a@x.test\r\n{header}\r\n").into_bytes();
    message.extend(unit.as_bytes().iter().cycle().take((size - message.len()) / unit.len() * unit.len()));
    message
}

#[test]
fn large_messages_take_linear_time() {
    let mixed = "Content-Type: multipart/mixed; boundary=b\r\n";
    let plain = "Content-Type: text/plain\r\n";
    let page = "Content-Type: text/html\r\n";
    let base64 = "Content-Transfer-Encoding: base64\r\n";
    let enriched = "Content-Type: text/enriched\r\n";
    for (header, unit) in [
        (mixed, "--b\n"),
        (mixed, "--\n"),
        (mixed, "--b--\n"),
        (mixed, "--b\r"),
        (mixed, "\r--"),
        (plain, "\r"),
        ("X: ", "a\r"),
        ("X: ", "\r\r "),
        ("X: ", "A:b\r"),
        (mixed, "--b\nContent-Type: multipart/mixed; boundary=b\n\n"),
        (mixed, "--b--\n--b\n\nx\n"),
        ("Content-Type: multipart/mixed\r\n", "--x\n"),
        ("Content-Type: multipart/mixed\r\n", "--x\nContent-Type: multipart/mixed\n\n"),
        ("", "Content-Type: message/rfc822\n\n"),
        (plain, "begin 644 x\n"),
        (plain, "begin 644 x\n#8V%T\nend\n"),
        (plain, "begin 644 x\nM\n"),
        ("Content-Type: text/plain; name=a\r\nContent-Transfer-Encoding: x-uuencode\r\n", "begin 644 x\nM\n"),
        (base64, "=\n__ \n"),
        (base64, "a b "),
        (page, "<blockquote><a href=x><ol>"),
        (page, "<p style=display:none>"),
        (page, "<ol><li>a</b>"),
        (page, "<meta charset=x>"),
        (plain, "Ã±a "),
        (plain, "\u{1b}$B"),
        ("Content-Type: text/plain; format=flowed\r\n", ">>> \n"),
        (enriched, "<bold>"),
        (enriched, "<param>"),
        (enriched, "<excerpt>a\n\n"),
        (enriched, "<nofill>\n"),
        (enriched, "<"),
        ("Content-Type: text/richtext\r\n", "<comment>"),
        (page, "<img src=\"data:image/png;base64,aG9sYQ==\">"),
        (page, "<img src=\"data:image/png;base64,"),
        (page, " src=data:image/"),
        (page, "<img src='data:image/png;base64,aG9s\n"),
        (page, "<p style=visibility:hidden><b style=visibility:visible>"),
        (page, "<select><option>a"),
        (page, "<textarea>"),
        ("Content-Type: application/xhtml+xml\r\n", "<p/><![CDATA["),
        ("Content-Type: multipart/related; boundary=b\r\n", "--b\nContent-Type: application/smil\n\n"),
        ("Content-Type: application/pdf\r\n", "JVBERi0x\r\n"),
        (mixed, "--b\n\nContent-Type: a/b\nx\n"),
        (mixed, "Content-Type: a/b\nx\n"),
    ] {
        for size in sizes() {
            read(size, header, unit);
        }
    }
}

fn read(size: usize, header: &str, unit: &str) {
    let message = filled(size, header, unit);
    let start = cpu_time();
    let read = Message::read(&message, None, None);
    let _ = (Summary::read(&message), verdict(&message, "mx.test", 2));
    let took = cpu_time() - start;
    println!(
        "{took:?} {size} {:?} {header:?} {unit:?}",
        read.as_ref().map(|read| (read.text.len(), read.files.len()))
    );
    assert!(took < LONGEST, "{header} {unit}: {took:?}");
    let files = read.map_or(0, |read| read.files.iter().map(|file| file.bytes.len()).sum());
    assert!(files <= message.len(), "{header} {unit}");
}

#[test]
fn a_large_winmail_dat_takes_linear_time() {
    for unit in [
        &[0][..],
        &[1, 0],
        &[2; 11],
        &[2, 2, 0x90, 6, 0, 0, 0, 0, 0, 0, 0],
        &[2, 5, 0x90, 6, 0, 4, 0, 0, 0, 255, 255, 255, 255, 0, 0],
    ] {
        let mut message =
            b"From: a@x.test\r\nContent-Type: application/ms-tnef\r\n\r\n\x78\x9f\x3e\x22\x01\x00".to_vec();
        message.extend(unit.iter().cycle().take(sizes()[0]));
        let start = cpu_time();
        assert!(Message::read(&message, None, None).is_ok());
        println!("{:?} {unit:?}", cpu_time() - start);
        assert!(cpu_time() - start < LONGEST, "{unit:?}");
    }
}

#[test]
fn large_signed_messages_take_linear_time() {
    let begin = cms_test::file(&[0x24, 0x80], |tag, content| [&[tag, 0x80][..], content].concat());
    let part = b"Content-Type: text/plain\r\n\r\n";
    let piece = [&[4, 28][..], part].concat();
    let fields = "Content-Type: application/pkcs7-mime\r\n";
    let inner = [&[4, 40][..], fields.as_bytes(), b"\r\n", &begin[..]].concat();
    assert_eq!(part.len(), 28);
    for unit in [&piece[..], &[4, 0], &[0x24, 0x80], &[0x24, 0x80, 0, 0], &inner, &[0]] {
        let mut message = format!("From: a@x.test\r\n{fields}\r\n").into_bytes();
        message.extend(&begin);
        message.extend(unit.iter().cycle().take(sizes()[0]));
        let start = cpu_time();
        let read = Message::read(&message, None, None);
        println!("{:?} {unit:?}", cpu_time() - start);
        assert!(cpu_time() - start < LONGEST, "{unit:?}");
        let files = read.map_or(0, |read| read.files.iter().map(|file| file.bytes.len()).sum());
        assert!(files <= message.len(), "{unit:?}");
    }
    // Signed messages within one another, and side by side, are opened within the number of parts.
    let mut nested = filled(sizes()[0] / 4, "", "x").split_off(16);
    for _ in 0..10 {
        let file = cms_test::file(&cms_test::element(4, &nested), cms_test::element);
        nested = [fields.as_bytes(), b"\r\n", &file].concat();
    }
    let many = nested.len();
    let message = [b"From: a@x.test\r\n", &nested[..]].concat();
    let start = cpu_time();
    assert_eq!(Message::read(&message, None, None).unwrap().files.len(), 1);
    assert!(many > sizes()[0] / 4 && cpu_time() - start < LONGEST);
    let signed = [
        fields.as_bytes(),
        b"\r\n",
        &cms_test::file(&cms_test::element(4, b"Content-ID: a\r\n\r\nx"), cms_test::element),
    ]
    .concat();
    let mut message = b"From: a@x.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    for _ in 0..501 {
        message.extend([b"--b\r\n", &signed[..], b"\r\n"].concat());
    }
    assert_eq!(Message::read(&message, None, None).unwrap_err(), Fault::TooComplex);
}

#[test]
fn long_header_fields_take_linear_time() {
    for unit in [
        "=?utf-8?Q?",
        "=?utf-8?Q?a ",
        "=?utf-8?B?B?= ",
        "=?utf-8?Q?=C3?=",
        "a@x.test, ",
        "\"",
        "<",
        "(",
        "a=\"",
        "; a*0*=%",
        "\\\"",
        "Ã",
    ] {
        let value = unit.repeat(80_000 / unit.len());
        let message = format!(
            "From: {value}\r\nSubject: {value}\r\nReferences: {value}\r\n\r\n--b\nContent-Type: a/b; {value}\nContent-Disposition: {value}\n\nx\n"
        );
        let start = cpu_time();
        assert!(Message::read(message.as_bytes(), None, None).is_ok());
        let took = cpu_time() - start;
        println!("{took:?} {unit:?}");
        assert!(took < Duration::from_secs(20), "{unit}: {took:?}");
    }
}

#[test]
fn long_lists_of_addresses_take_linear_time() {
    // Each address is in the list; a part of a word of it; or none.
    for (before, after) in [("<", ">"), ("Ana <", ">"), ("'", "'"), ("\"a b\"", ""), ("a ", "")] {
        for field in ["From", "Sender", "Reply-To", "To", "Cc"] {
            let message = |length: usize| {
                let list: Vec<String> =
                    (0..length / 20).map(|number| format!("{before}u{number:06}@x.test{after}")).collect();
                format!("From: a@y.test\r\n{field}: {}\r\n\r\nx\n", list.join(", ")).into_bytes()
            };
            let time = |message: &[u8]| {
                let start = cpu_time();
                assert!(Message::read(message, None, None).is_ok() && Summary::read(message).is_ok());
                cpu_time() - start
            };
            let (short, long) = (message(30_000), message(60_000));
            // Another process could disturb a comparison.
            let is_linear = || {
                let (once, twice) = (time(&short), time(&long));
                println!("{once:?} {twice:?} {field} {before}{after}");
                twice < 3 * once + Duration::from_millis(20)
            };
            assert!((0..4).any(|_| is_linear()), "{field} {before}{after}");
        }
    }
}
