//! Where a header ends.

use super::lines::{header_lines, lines};

/// The header block and the body of a message. A line that is not a field ends the header and belongs to the body, so
/// that what a mail server takes for text is not a header here. Such lines before the first field are skipped.
pub fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (header, body, _) = split_by(bytes, |_, _, has_fields| !has_fields);
    (header, body)
}

/// The header block and the body of a part. A parameter on a line of its own belongs to the field before it even
/// without white space, and a line that is no field does not end the header where a field of a part follows it. A part
/// may lack the header altogether, or have blank lines before it.
pub fn split_part(bytes: &[u8]) -> (&[u8], &[u8]) {
    let start = blank_lines(bytes);
    let below = &bytes[start..];
    if start > 0 && begins_part(below) {
        let (header, body, is_ended) = split_fields(below);
        if is_ended && lines(header).all(|line| is_folded(line) || begins_part(line)) {
            return (header, body);
        }
    }
    let (header, body, _) = split_fields(bytes);
    (header, body)
}

fn split_fields(bytes: &[u8]) -> (&[u8], &[u8], bool) {
    let mut is_open = false;
    split_by(bytes, |line, below, has_fields| {
        let is_between = || !line.starts_with(b"--") && begins_part(below);
        let belongs = has_fields && (is_open && is_parameter(line) || is_between());
        is_open = line.trim_ascii_end().ends_with(b";");
        belongs
    })
}

/// How many blank lines may be before the header of a part.
const MOST_BLANK: usize = 3;

/// The length of the blank lines at the beginning.
fn blank_lines(bytes: &[u8]) -> usize {
    let blank = lines(bytes).take_while(|line| line.trim_ascii().is_empty()).take(MOST_BLANK);
    blank.map(<[u8]>::len).sum()
}

/// Whether it begins with a field of a part, `Content-Type: …`.
fn begins_part(bytes: &[u8]) -> bool {
    bytes.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"))
        && lines(bytes).next().is_some_and(|line| field(line).is_some())
}

/// The header, the body, and whether an empty line is between them. `belongs`: whether a line that is no field does not
/// end the header; it is asked for each line, with what is below it.
fn split_by(bytes: &[u8], mut belongs: impl FnMut(&[u8], &[u8], bool) -> bool) -> (&[u8], &[u8], bool) {
    let (mut at, mut has_fields) = (0, false);
    for line in header_lines(bytes) {
        let below = &bytes[at + line.len()..];
        if line.iter().all(|byte| matches!(byte, b'\n' | b'\r')) {
            return (&bytes[..at], below, true);
        }
        let is_accepted = belongs(line, below, has_fields);
        let is_field = field(line).is_some();
        if !is_field && !is_folded(line) && !is_accepted {
            return (&bytes[..at], &bytes[at..], false);
        }
        has_fields |= is_field;
        at += line.len();
    }
    (bytes, b"", false)
}

pub fn is_folded(line: &[u8]) -> bool {
    line.starts_with(b" ") || line.starts_with(b"\t")
}

/// The name and the value in a line that begins a field.
pub fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':')?);
    let name = name.trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some((name, &value[1..]))
}

/// `name="a.pdf"`
pub fn is_parameter(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b'=').next().unwrap_or_default();
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"-*".contains(byte);
    name.len() < line.len() && !name.is_empty() && name.iter().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::super::headers::Headers;
    use super::*;

    #[test]
    fn header_and_body_part_at_the_first_empty_line() {
        assert_eq!(split(b"A: b\r\n\r\nc"), (&b"A: b\r\n"[..], &b"c"[..]));
        assert_eq!(split(b"A: b\n\nc\n\nd"), (&b"A: b\n"[..], &b"c\n\nd"[..]));
        assert_eq!(split(b"\nc"), (&b""[..], &b"c"[..]));
        assert_eq!(split(b"A: b"), (&b"A: b"[..], &b""[..]));
        assert_eq!(split(b""), (&b""[..], &b""[..]));
    }

    #[test]
    fn a_line_that_is_no_field_ends_the_header() {
        let message = b"From: a@x.co\r\n b\r\nNo hay red\r\nFrom: b@x.co\r\n\r\nfin";
        assert_eq!(
            split(message),
            (&b"From: a@x.co\r\n b\r\n"[..], &b"No hay red\r\nFrom: b@x.co\r\n\r\nfin"[..])
        );
        assert_eq!(split_part(b"No hay red\nA: b\n\nfin"), (&b""[..], &b"No hay red\nA: b\n\nfin"[..]));
        // Of an export.
        assert_eq!(split(b"Mensaje 1\nA: b\n\nfin"), (&b"Mensaje 1\nA: b\n"[..], &b"fin"[..]));
    }

    #[test]
    fn a_parameter_belongs_to_its_field_in_a_part() {
        let part = b"Content-Type: image/png;\nname=a.png\nContent-ID: <a>\n\nx";
        assert_eq!(split_part(part).1, b"x");
        let headers = Headers::read(split_part(part).0).unwrap();
        assert_eq!(headers.value("content-type"), Some(&b"image/png; name=a.png"[..]));
        assert!(split(part).1.starts_with(b"name="));
        assert!(split_part(b"Content-Type: image/png\nname=a.png\n\nx").1.starts_with(b"name="));
    }

    #[test]
    fn a_line_between_the_fields_of_a_part_is_skipped() {
        let part = b"Content-Type: application/pdf; name=a.pdf\nesto no es un campo\nContent-ID: <a>\n\nx";
        assert_eq!(split_part(part).1, b"x");
        let headers = Headers::read(split_part(part).0).unwrap();
        assert_eq!(headers.value("content-type"), Some(&b"application/pdf; name=a.pdf"[..]));
        assert_eq!(headers.value("content-id"), Some(&b"<a>"[..]));
        assert!(split(part).1.starts_with(b"esto"));
        // The first part of a multipart without an empty line.
        assert!(
            split_part(b"Content-Type: multipart/mixed; boundary=b\n--b\nContent-ID: a\n\nx")
                .1
                .starts_with(b"--b")
        );
    }

    #[test]
    fn blank_lines_may_be_before_the_header_of_a_part() {
        let header = &b"Content-Type: a/b;\r\n name=c\r\n"[..];
        assert_eq!(split_part(b"\r\n\r\nContent-Type: a/b;\r\n name=c\r\n\r\nx"), (header, &b"x"[..]));
        for text in [&b"\nContent-Type: a/b\nHola"[..], b"\nContent-Type: a/b\nTo: b\n\nHola", b"\nHola\n\nx"]
        {
            assert_eq!(split_part(text), (&b""[..], &text[1..]));
        }
    }
}
