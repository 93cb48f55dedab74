//! Files in uuencode: as the encoding of a part, or between the lines of a text.

use super::{lines, without_end};

/// A file in a text.
#[derive(Debug, PartialEq, Eq)]
pub struct Encoded {
    pub name: Vec<u8>,
    pub bytes: Vec<u8>,
}

/// The first file. It may lack its end.
pub fn first(body: &[u8]) -> Option<Encoded> {
    let mut rest = body;
    while !rest.is_empty() {
        let line = next_line(&mut rest);
        if let Some(name) = begin(line) {
            let (bytes, _, _) = content(rest);
            return Some(Encoded { name: name.to_vec(), bytes });
        }
    }
    None
}

/// The text without the files in it, and the files, at most so many. Only whole files count: a sentence may begin with
/// the same word.
pub fn extracted(text: &[u8], most: usize) -> (Vec<u8>, Vec<Encoded>) {
    let (mut words, mut files) = (Vec::new(), Vec::new());
    let mut rest = text;
    while !rest.is_empty() {
        let line = next_line(&mut rest);
        if let Some(name) = begin(line).filter(|_| files.len() < most) {
            let (bytes, length, is_whole) = content(rest);
            if is_whole && !bytes.is_empty() {
                files.push(Encoded { name: name.to_vec(), bytes });
                rest = &rest[length..];
                continue;
            }
            // What is no file is not looked at twice.
            words.extend_from_slice(line);
            words.extend_from_slice(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        words.extend_from_slice(line);
    }
    (words, files)
}

fn next_line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let line = lines(rest).next().unwrap_or_default();
    *rest = &rest[line.len()..];
    line
}

/// The name in `begin 644 name`.
fn begin(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"begin ")?;
    let mode = rest
        .iter()
        .position(|byte| !(b'0'..=b'7').contains(byte))
        .filter(|digits| (3..=4).contains(digits))?;
    let name = rest.get(mode..)?.strip_prefix(b" ")?.trim_ascii();
    (!name.is_empty()).then_some(name)
}

/// The decoded lines, their length up to the first line that is none, and whether that one is `end`.
fn content(body: &[u8]) -> (Vec<u8>, usize, bool) {
    let mut bytes = Vec::new();
    let mut length = 0;
    for line in lines(body) {
        let data = without_end(line);
        if data.trim_ascii_end() == b"end" {
            return (bytes, length + line.len(), true);
        }
        // Of the last line some programs leave nothing.
        if !data.trim_ascii().is_empty() && !add_line(&mut bytes, data) {
            return (bytes, length, false);
        }
        length += line.len();
    }
    (bytes, length, false)
}

/// Adds the bytes of a line; false if it is none. Spaces at its end may be missing.
fn add_line(bytes: &mut Vec<u8>, line: &[u8]) -> bool {
    let is_letter = |byte: &u8| (b' '..=b'`').contains(byte);
    let [count, data @ ..] = line else { return false };
    if !is_letter(count) || !data.iter().all(is_letter) {
        return false;
    }
    let wanted = usize::from(count.wrapping_sub(b' ') & 63);
    let letters = wanted.div_ceil(3) * 4;
    // A checksum may follow, and letters may be missing, but a line never holds more bytes than it has.
    if data.len() > letters + 2 || wanted > data.len() + 2 {
        return false;
    }
    let value = |at: usize| data.get(at).map_or(0, |byte| byte.wrapping_sub(b' ') & 63);
    let start = bytes.len();
    for group in (0..letters).step_by(4) {
        let [a, b, c, d] = [value(group), value(group + 1), value(group + 2), value(group + 3)];
        bytes.extend([(a << 2) | (b >> 4), (b << 4) | (c >> 2), (c << 6) | d]);
    }
    bytes.truncate(start + wanted);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "begin 644 a.txt\r\n#8V%T\r\n`\r\nend\r\n";

    #[test]
    fn a_file_between_the_lines_is_taken_out() {
        let text = format!("Va el archivo:\r\n{FILE}Gracias\r\n{}", FILE.replace("`\r\n", ""));
        let (words, files) = extracted(text.as_bytes(), 9);
        assert_eq!(words, b"Va el archivo:\r\nGracias\r\n");
        let cat = || Encoded { name: b"a.txt".to_vec(), bytes: b"cat".to_vec() };
        assert_eq!(files, [cat(), cat()]);
        assert_eq!(extracted(text.as_bytes(), 1).1.len(), 1);
        assert_eq!(first(FILE.as_bytes()), Some(cat()));
        assert_eq!(first(b"begin 644 a.txt\n#8V%T\n"), Some(cat()));
        assert_eq!(first(b"#8V%T\n"), None);
    }

    #[test]
    fn words_are_no_file() {
        for words in [
            "begin 644 metros de cable\nhoy\nend\n",
            "begin the work\nend\n",
            "begin 644 a.txt\n#8V%T\n",
            "begin 99999 x\nend\n",
            "begin 644 x\nbegin 644 y\nend",
        ] {
            let (kept, files) = extracted(words.as_bytes(), 9);
            assert_eq!((kept.as_slice(), files.len()), (words.as_bytes(), 0), "{words}");
        }
    }

    #[test]
    fn spaces_at_the_ends_of_lines_may_be_lost() {
        // Three zero bytes are four spaces.
        assert_eq!(first(b"begin 600 z\n# \nend\n").unwrap().bytes, b"\0\0\0");
        assert_eq!(first(b"begin 600 z\n#    \n \nend\n").unwrap().bytes, b"\0\0\0");
    }

    #[test]
    fn decoded_files_are_not_longer_than_the_text() {
        let many = format!("begin 644 x\n{}end\n", "M\n".repeat(1000));
        let (words, files) = extracted(many.as_bytes(), 9);
        assert!(files.iter().map(|file| file.bytes.len()).sum::<usize>() + words.len() <= many.len());
    }
}
