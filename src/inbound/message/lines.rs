//! Lines of bytes, which end in LF, CR LF or, in mail of old systems, CR alone.

use memchr::memchr2;

/// Lines with their endings, the last one with or without.
pub fn lines(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (line, rest) = bytes.split_at(line_end(bytes));
        bytes = rest;
        (!line.is_empty()).then_some(line)
    })
}

/// The length of the first line with its ending. Two CR before LF are one ending, since transport may repeat CR.
pub fn line_end(bytes: &[u8]) -> usize {
    let Some(at) = memchr2(b'\n', b'\r', bytes) else { return bytes.len() };
    match &bytes[at..] {
        [b'\r', b'\r', b'\n', ..] => at + 3,
        [b'\r', b'\n', ..] => at + 2,
        _ => at + 1,
    }
}

/// A line without its ending.
pub fn without_end(line: &[u8]) -> &[u8] {
    let mut line = line.strip_suffix(b"\n").unwrap_or(line);
    while let Some(shorter) = line.strip_suffix(b"\r") {
        line = shorter;
    }
    line
}

/// The lines of a header. CR alone ends one only if an empty line, a folded line or a field follows, since a value may
/// contain it. If it ends the first line, every CR ends one.
pub fn header_lines(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (first, below) = bytes.split_at(line_end(bytes));
    let is_old = first.ends_with(b"\r") && begins_header_line(below);
    std::iter::from_fn(move || {
        let mut end = line_end(bytes);
        while !(is_old || ends_header_line(bytes, end)) {
            end += line_end(&bytes[end..]);
        }
        let (line, rest) = bytes.split_at(end);
        bytes = rest;
        (!line.is_empty()).then_some(line)
    })
}

fn ends_header_line(bytes: &[u8], end: usize) -> bool {
    let (line, rest) = bytes.split_at(end);
    let ends_in_cr = line.ends_with(b"\r");
    !ends_in_cr || line == b"\r" || rest.is_empty() || begins_header_line(rest)
}

fn begins_header_line(rest: &[u8]) -> bool {
    let is_field = || {
        let name = rest.iter().position(|byte| *byte == b':' || !byte.is_ascii_graphic());
        name.is_some_and(|end| end > 0 && rest[end] == b':')
    };
    matches!(rest.first(), Some(b'\r' | b'\n' | b' ' | b'\t')) || is_field()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_in_one_of_several_ways() {
        let ends = |text: &'static [u8]| lines(text).map(without_end).collect::<Vec<_>>();
        assert_eq!(ends(b"a\nb\r\nc\rd\r\r\n\re"), [&b"a"[..], b"b", b"c", b"d", b"", b"e"]);
        assert_eq!(ends(b"a\r\r"), [&b"a"[..], b""]);
        assert!(ends(b"").is_empty());
    }

    #[test]
    fn a_value_may_contain_cr() {
        let lines = |text: &'static [u8]| header_lines(text).collect::<Vec<_>>();
        assert_eq!(lines(b"A: b\rc\r\nD: e\r\n"), [&b"A: b\rc\r\n"[..], b"D: e\r\n"]);
        assert_eq!(lines(b"A: b\r\nC: d\rE: f\r g\r"), [&b"A: b\r\n"[..], b"C: d\r", b"E: f\r", b" g\r"]);
        assert_eq!(lines(b"A: b\r\nC: d\r\rx"), [&b"A: b\r\n"[..], b"C: d\r", b"\r", b"x"]);
        assert_eq!(lines(b"A: b\rC: d\re\r"), [&b"A: b\r"[..], b"C: d\r", b"e\r"]);
    }
}
