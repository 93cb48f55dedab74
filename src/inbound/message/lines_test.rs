//! Messages with lines that end in different ways.

use super::{File, Message, Summary, Verdict, verdict};

const HEADER: &str = "From a@x.test Tue Nov 24 10:00:00 2026\nFrom: Ana Ruiz\n <a@x.test>\nSubject: Sin\n red\n\
                      Content-Type: multipart/mixed; boundary=b\n";

const BODY: &str = "preamble\n--b\nContent-Type: text/plain; charset=utf-8;\n format=flowed\n\
                    Content-Transfer-Encoding: quoted-printable\n\nNo hay =\nred=20\nen el piso 3.\n\n--b\n\
                    Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\naG9s\nYQ==\n--b\n\
                    Content-Type: text/plain\n\nVa:\nbegin 644 b.txt\n#8V%T\nend\nGracias\n--b--\n";

fn check(message: &str) {
    let read = Message::read(message.as_bytes(), None, None).unwrap();
    let from = read.from.unwrap();
    assert_eq!((from.address.as_str(), from.name.as_deref()), ("a@x.test", Some("Ana Ruiz")), "{message:?}");
    assert_eq!(read.subject, "Sin red", "{message:?}");
    assert_eq!(read.text, "No hay red en el piso 3.\n\nVa:\nGracias", "{message:?}");
    let file = |name: &str, content_type: &str, bytes: &[u8]| File {
        name: name.to_owned(),
        content_type: content_type.to_owned(),
        bytes: bytes.to_vec(),
    };
    let expected =
        [file("a.pdf", "application/pdf", b"hola"), file("b.txt", "application/octet-stream", b"cat")];
    assert_eq!(read.files, expected, "{message:?}");
    assert_eq!(Summary::read(message.as_bytes()).unwrap().subject, "Sin red", "{message:?}");
}

#[test]
fn header_and_body_are_read_however_their_lines_end() {
    let ends = ["\n", "\r\n", "\r", "\r\r\n"];
    for header in ends {
        for between in ends {
            for body in ends {
                // CR LF is one ending, and so is CR CR LF.
                if header == "\r" && between != "\r" {
                    continue;
                }
                check(&format!("{}{between}{}", HEADER.replace('\n', header), BODY.replace('\n', body)));
            }
        }
    }
}

#[test]
fn lines_of_a_header_may_end_in_different_ways() {
    for shift in 0..3 {
        let mut ends = ["\r\n", "\r", "\n"].into_iter().cycle().skip(shift);
        let header: String =
            HEADER.lines().map(|line| format!("{line}{}", ends.next().unwrap_or_default())).collect();
        check(&format!("{header}\r{BODY}"));
    }
}

#[test]
fn cr_hides_no_second_author() {
    let author = |fields: &str| {
        let message = format!("From: a@x.test\r\n{fields}\r\nhola");
        Message::read(message.as_bytes(), None, None).unwrap().from.map(|from| from.address)
    };
    assert_eq!(author("X: y\rFrom: b@y.test\r\n"), None);
    assert_eq!(author("X: y\r\rFrom: b@y.test\r\n").as_deref(), Some("a@x.test"));
    assert_eq!(author("X: y\r\n\r\r\nFrom: b@y.test\r\n").as_deref(), Some("a@x.test"));
    let subject =
        |header: &str| Message::read(format!("{header}\r\n\r\nhola").as_bytes(), None, None).unwrap().subject;
    assert_eq!(subject("Subject: Hola\rmundo\r\nFrom: a@x.test"), "Hola mundo");
}

#[test]
fn a_header_that_ends_in_bare_cr_is_not_verified() {
    let message = |end: &str| {
        format!(
            "Authentication-Results: mx.test; dmarc=pass header.from=x.test\r\nFrom: a@x.test{end}From: b@y.test\r\n\r\nhola"
        )
    };
    let read = |end: &str| verdict(message(end).as_bytes(), "mx.test", 2);
    assert_eq!(read("\r\n\r\n"), Verdict::Aligned);
    assert_eq!(read("\n\n"), Verdict::Aligned);
    for end in ["\r\r", "\r\n\r", "\n\r", "\r"] {
        assert_eq!(read(end), Verdict::Unverified, "{end:?}");
    }
}
