//! Pictures that a page contains as text (`<img src="data:image/png;base64,…">`, RFC 2397).

use std::borrow::Cow;
use std::collections::HashSet;

use memchr::{memchr, memchr3, memmem};

use super::mime::File;
use super::{decode, head};

/// How many pictures of a page become files.
pub const MOST: usize = 100;

/// How long the type and the parameters of a picture may be, in bytes.
const LONGEST_TYPE: usize = 200;

const START: &[u8] = b"data:image/";

/// The page without the pictures in it, and these, each once; at most so many. Together they are smaller than the page.
pub fn extracted(page: &[u8], most: usize) -> (Cow<'_, [u8]>, Vec<File>) {
    let (mut rest, mut files) = (Vec::new(), Vec::new());
    let mut seen: HashSet<&[u8]> = HashSet::new();
    // What has been added to the rest of the page, and where the last value ends.
    let (mut at, mut last) = (0, 0);
    for start in memmem::find_iter(page, START) {
        if start < last || !is_source(&page[last..start]) {
            continue;
        }
        let Some(end) = end(page, start) else { break };
        last = end;
        let picture = &page[start..end];
        if !seen.contains(picture) {
            let Some(file) = file(picture) else { continue };
            if files.len() == most {
                break;
            }
            files.push(file);
            seen.insert(picture);
        }
        rest.extend_from_slice(&page[at..start]);
        at = end;
    }
    if at == 0 {
        return (Cow::Borrowed(page), files);
    }
    rest.extend_from_slice(&page[at..]);
    (Cow::Owned(rest), files)
}

/// Whether the value of an attribute `src` follows.
fn is_source(before: &[u8]) -> bool {
    let before = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'")).unwrap_or(before);
    let Some(name) = before.trim_ascii_end().strip_suffix(b"=") else { return false };
    let name = name.trim_ascii_end();
    let Some((parted, name)) = name.split_last_chunk::<4>().map(|(_, [parted, name @ ..])| (parted, name))
    else {
        return false;
    };
    name.eq_ignore_ascii_case(b"src") && matches!(parted, b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'/')
}

/// Where the value of an attribute ends.
fn end(page: &[u8], start: usize) -> Option<usize> {
    let value = &page[start..];
    let length = match page.get(start.wrapping_sub(1)) {
        Some(quote @ (b'"' | b'\'')) => memchr(*quote, value),
        _ => memchr3(b' ', b'>', b'\n', value),
    };
    length.map(|length| start + length)
}

/// None if it is not written in base64, or empty.
fn file(picture: &[u8]) -> Option<File> {
    let comma = memchr(b',', &picture[..picture.len().min(LONGEST_TYPE)])?;
    let declared = std::str::from_utf8(picture.get(b"data:".len()..comma)?).ok()?.to_ascii_lowercase();
    let mut words = declared.split(';').map(str::trim);
    let content_type = words.next()?.to_owned();
    if !words.any(|word| word == "base64") {
        return None;
    }
    let written = decode::hexadecimal(&picture[comma + 1..], b'%');
    let bytes = decode::base64(&written);
    let name = format!("attachment.{}", head::extension(&content_type));
    (!bytes.is_empty()).then_some(File { name, content_type, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(page: &str) -> (String, Vec<(String, Vec<u8>)>) {
        let (rest, files) = extracted(page.as_bytes(), 2);
        let files = files.into_iter().map(|file| (file.name, file.bytes)).collect();
        (String::from_utf8(rest.into_owned()).unwrap(), files)
    }

    #[test]
    fn pictures_of_a_page_become_files() {
        let png = ("attachment.png".to_owned(), b"hola".to_vec());
        for (html, expected) in [
            ("<img src=\"data:image/png;base64,aG9sYQ==\">x", "<img src=\"\">x"),
            ("<IMG SRC = 'data:image/png;charset=x;base64,aG9s\n YQ%3D%3D'>x", "<IMG SRC = ''>x"),
            ("<img src=data:image/png;base64,aG9sYQ== alt=y>x", "<img src= alt=y>x"),
            (
                "<img src='data:image/png;base64,aG9sYQ'>x<img src='data:image/png;base64,aG9sYQ'>",
                "<img src=''>x<img src=''>",
            ),
        ] {
            assert_eq!(page(html), (expected.to_owned(), vec![png.clone()]), "{html}");
        }
        let jpg = page("<img src='data:image/jpeg;base64,aG9sYQ'>").1;
        assert_eq!(jpg[0].0, "attachment.jpg");
        let three =
            ["YQ", "Yg", "Yw"].map(|data| format!("<img src='data:image/png;base64,{data}'>")).concat();
        assert_eq!(page(&three).1.len(), 2);
    }

    #[test]
    fn what_is_no_picture_stays() {
        for html in [
            "Escribo data:image/png;base64,aG9sYQ==",
            "<p data-src='data:image/png;base64,aG9sYQ'>",
            "<img src='data:image/svg+xml,%3Csvg/%3E'>",
            "<img src='data:image/png;base64,'>",
            "<img src='data:image/png;base64,aG9sYQ",
            "src=data:image/",
            "'data:image/png;base64,aG9sYQ'",
        ] {
            assert_eq!(page(html), (html.to_owned(), Vec::new()), "{html}");
        }
    }
}
