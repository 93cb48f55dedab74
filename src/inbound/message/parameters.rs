//! The values of `Content-Type` and `Content-Disposition`: a word and its parameters (RFC 2045, 2183, 2231), read as
//! mail programs write them.

use std::collections::BTreeMap;

use memchr::memmem;

use super::{charsets, decode, encoded_words};

/// How many parameters are read.
const MOST: usize = 200;

/// A word, such as `text/plain`, and its parameters.
#[derive(Default)]
pub struct Declared {
    /// In lower case; empty if there is none.
    pub word: String,
    /// Names in lower case, values without quotation marks.
    parameters: Vec<(String, Vec<u8>)>,
}

impl Declared {
    pub fn read(value: &[u8]) -> Self {
        let value = value.trim_ascii();
        let end = value
            .iter()
            .position(|byte| matches!(byte, b';' | b',' | b' ' | b'\t' | b'('))
            .unwrap_or(value.len());
        let mut declared = Declared::default();
        // Only parameters.
        let rest = match value[..end].contains(&b'=') {
            true => value,
            false => {
                declared.word =
                    String::from_utf8_lossy(&value[..end]).trim_matches(['"', '\'']).to_ascii_lowercase();
                &value[end..]
            }
        };
        declared.add(rest);
        declared
    }

    fn add(&mut self, mut rest: &[u8]) {
        while !rest.is_empty() && self.parameters.len() < MOST {
            let end = rest.iter().position(|byte| matches!(byte, b';' | b'=')).unwrap_or(rest.len());
            let name = rest[..end].trim_ascii();
            if rest.get(end) != Some(&b'=') {
                self.append(&rest[..end]);
                rest = rest.get(end + 1..).unwrap_or_default();
                continue;
            }
            // A comment or a word without a sign may be before the name.
            let name =
                name.rsplit(|byte| byte.is_ascii_whitespace() || *byte == b')').next().unwrap_or_default();
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            let (value, after) = value(&rest[end + 1..]);
            self.parameters.push((name, value));
            rest = after;
        }
    }

    /// What follows a semicolon and is no parameter is a part of the value before it: `filename=a;b.pdf`.
    fn append(&mut self, words: &[u8]) {
        if let Some((name, value)) = self.parameters.last_mut()
            && name.starts_with("file")
            && words.contains(&b'.')
        {
            value.push(b';');
            value.extend_from_slice(words.trim_ascii_end());
        }
    }

    fn value(&self, name: &str) -> Option<&[u8]> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }

    /// A value that is one word, such as a character set.
    pub fn token(&self, name: &str) -> Option<String> {
        let value = match self.extended(name) {
            Some(value) => value,
            None => String::from_utf8_lossy(self.value(name)?).into_owned(),
        };
        let word = value.split([' ', '\t', '(']).next().unwrap_or_default();
        (!word.is_empty()).then(|| word.to_owned())
    }

    /// A value as it is, such as a boundary.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let value = self.value(name).map(<[u8]>::to_vec);
        value.or_else(|| self.extended(name).map(String::into_bytes)).filter(|value| !value.is_empty())
    }

    /// A value in words, such as a file name: by RFC 2231 if it has this form too.
    pub fn words(&self, name: &str) -> Option<String> {
        let plain = || self.value(name).map(undeclared);
        self.extended(name).filter(|value| !value.trim().is_empty()).or_else(plain)
    }

    /// RFC 2231: `name*=charset'language'text`, or segments `name*0*=…; name*1=…`, which are joined before they are
    /// decoded.
    fn extended(&self, name: &str) -> Option<String> {
        let mut segments: BTreeMap<usize, (bool, &[u8])> = BTreeMap::new();
        for (known, value) in &self.parameters {
            let Some(suffix) = known.strip_prefix(name).and_then(|suffix| suffix.strip_prefix('*')) else {
                continue;
            };
            let (number, is_encoded) = match suffix.strip_suffix('*') {
                Some(number) => (number, true),
                None => (suffix, suffix.is_empty()),
            };
            let index = if number.is_empty() { Some(0) } else { number.parse().ok() };
            if let Some(index) = index {
                segments.entry(index).or_insert((is_encoded, value));
            }
        }
        let (is_encoded, first) = segments.values().next().copied()?;
        let (charset, first) = if is_encoded { charset(first) } else { (None, first) };
        let mut bytes = Vec::new();
        for (at, (is_encoded, value)) in segments.into_values().enumerate() {
            let value = if at == 0 { first } else { value };
            match is_encoded {
                true => bytes.extend(decode::hexadecimal(value, b'%')),
                false => bytes.extend_from_slice(value),
            }
        }
        // Some programs write encoded words in this form too.
        let has_words = bytes.is_ascii() && memmem::find(&bytes, b"=?").is_some();
        Some(match charset.filter(|_| !has_words) {
            Some(charset) => charsets::text(&bytes, Some(&charset)),
            None => undeclared(&bytes),
        })
    }
}

/// `charset'language'text`, without which the text begins at once.
fn charset(value: &[u8]) -> (Option<String>, &[u8]) {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_), Some(text)) => {
            let charset = String::from_utf8_lossy(charset).into_owned();
            (Some(charset).filter(|charset| !charset.is_empty()), text)
        }
        _ => (None, value),
    }
}

/// A text that declares no character set. Some programs write encoded words in it, or the form of RFC 2231.
fn undeclared(value: &[u8]) -> String {
    let (declared, text) = charset(value);
    match declared.filter(|name| charsets::is_known(name) && text.contains(&b'%')) {
        Some(name) => charsets::text(&decode::hexadecimal(text, b'%'), Some(&name)),
        None => encoded_words::decoded(value),
    }
}

/// The value at the beginning, and what follows its semicolon.
fn value(rest: &[u8]) -> (Vec<u8>, &[u8]) {
    let rest = rest.trim_ascii_start();
    if let Some(quoted) = rest.strip_prefix(b"\"") {
        let end = closing_mark(quoted);
        let after = quoted.get(end + 1..).unwrap_or_default();
        let after = after.trim_ascii_start();
        return (unescaped(&quoted[..end]), after.strip_prefix(b";").unwrap_or(after));
    }
    let end = rest.iter().position(|byte| *byte == b';').unwrap_or(rest.len());
    // The next parameter may follow without a semicolon.
    let next = rest[..end].iter().position(|byte| *byte == b'=').and_then(|sign| {
        let name = rest[..sign].trim_ascii_end();
        let start = name.iter().rposition(u8::is_ascii_whitespace)?;
        is_name(&name[start + 1..]).then_some(start)
    });
    match next {
        Some(start) => (rest[..start].trim_ascii().to_vec(), &rest[start..]),
        None => (rest[..end].trim_ascii().to_vec(), rest.get(end + 1..).unwrap_or_default()),
    }
}

/// The mark that ends a quotation is before a semicolon, before the next parameter, or at the end. One elsewhere is a
/// part of the value: `"a "b" c.pdf"`.
fn closing_mark(quoted: &[u8]) -> usize {
    let mut last = None;
    let mut is_escaped = false;
    for (at, byte) in quoted.iter().enumerate() {
        match byte {
            b'"' if !is_escaped => {
                let after = quoted[at + 1..].trim_ascii_start();
                let word =
                    after.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"-*".contains(byte));
                let is_parameter = word.is_some_and(|end| is_name(&after[..end]) && after[end] == b'=');
                if after.is_empty()
                    || after.starts_with(b";")
                    || is_parameter && after.len() < quoted.len() - at - 1
                {
                    return at;
                }
                last = Some(at);
            }
            b';' if last.is_some() => break,
            _ => {}
        }
        is_escaped = *byte == b'\\' && !is_escaped;
    }
    last.unwrap_or(quoted.len())
}

fn is_name(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_alphabetic)
        && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-*".contains(byte))
}

/// A backslash escapes a quotation mark or a backslash, and is a part of a path before anything else.
fn unescaped(quoted: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(quoted.len());
    let mut rest = quoted;
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after.first()) {
            (b'\\', Some(next @ (b'"' | b'\\'))) => {
                bytes.push(*next);
                rest = &after[1..];
            }
            _ => bytes.push(*byte),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(value: &[u8]) -> Option<String> {
        Declared::read(value).words("filename")
    }

    #[test]
    fn a_type_and_its_parameters_are_read_as_programs_write_them() {
        for (value, word, charset) in [
            ("Text/Plain; charset=\"UTF-8\"", "text/plain", Some("UTF-8")),
            ("text/plain charset=utf-8", "text/plain", Some("utf-8")),
            ("text/plain; charset=us-ascii (Plain text)", "text/plain", Some("us-ascii")),
            ("text/plain; format=flowed; charset = utf-8;;", "text/plain", Some("utf-8")),
            ("text/plain; charset=\"utf-8\" name=\"a\"", "text/plain", Some("utf-8")),
            ("text/plain; name=a charset=utf-8", "text/plain", Some("utf-8")),
            ("text/plain; (comment) charset=utf-8", "text/plain", Some("utf-8")),
            ("text/plain; charset=\"utf-8", "text/plain", Some("utf-8")),
            ("text/plain; charset*=us-ascii'en'utf-8", "text/plain", Some("utf-8")),
            ("charset=utf-8", "", Some("utf-8")),
            ("text/plain;", "text/plain", None),
            ("", "", None),
        ] {
            let declared = Declared::read(value.as_bytes());
            assert_eq!(
                (declared.word.as_str(), declared.token("charset").as_deref()),
                (word, charset),
                "{value}"
            );
        }
        let boundary = |value: &str| Declared::read(value.as_bytes()).bytes("boundary");
        assert_eq!(boundary("multipart/mixed; boundary=----=_Part_1"), Some(b"----=_Part_1".to_vec()));
        assert_eq!(boundary("multipart/mixed; boundary=\"a; b=c\"; x=y"), Some(b"a; b=c".to_vec()));
        assert_eq!(boundary("multipart/mixed; boundary=\"\""), None);
    }

    #[test]
    fn a_file_name_is_whole() {
        for (value, expected) in [
            ("attachment; filename*=UTF-8''Informe%20(1).pdf", "Informe (1).pdf"),
            ("attachment; filename=Informe(1).pdf", "Informe(1).pdf"),
            ("attachment; filename=Mi informe (1).pdf; size=3", "Mi informe (1).pdf"),
            ("attachment; filename=\"a.pdf\"; filename*=UTF-8'es't%C3%A9c.pdf", "téc.pdf"),
            ("attachment; filename*=UTF-8''t%C3%A9c.pdf; filename=\"a.pdf\"", "téc.pdf"),
            ("attachment; filename*=; filename=\"a.pdf\"", "a.pdf"),
            ("attachment; filename*1*=%B1o.pdf; filename*0*=utf-8''ni%C3", "niño.pdf"),
            ("attachment; filename*0*=iso-8859-1''ni%F1; filename*1=\"o 5%25.pdf\"", "niño 5%25.pdf"),
            ("attachment; filename*0=\"=?utf-8?Q?ni=C3\"; filename*1=\"=B1o.pdf?=\"", "niño.pdf"),
            ("attachment; filename*=iso-2022-jp'ja'%1B$BF|K%5C%1B(B.pdf", "日本.pdf"),
            ("attachment; filename=\"UTF-8''ni%C3%B1o.pdf\"", "niño.pdf"),
            ("attachment; filename*=ni%C3%B1o.pdf", "niño.pdf"),
            ("attachment; filename*=utf-8''=?utf-8?Q?ni=C3=B1o.pdf?=", "niño.pdf"),
            ("attachment; filename*=utf-8''%3D%3Futf-8%3FB%3Fw6EucGRm%3F%3D", "á.pdf"),
            ("attachment; filename*=utf-8''a=?%C3%A9.pdf", "a=?é.pdf"),
            ("attachment; filename=\"=?utf-8?B?w6E=?=   =?utf-8?B?w6k=?=.pdf\"", "áé.pdf"),
            ("attachment; filename==?utf-8?Q?ni=C3=B1o.pdf?=", "niño.pdf"),
            ("attachment; filename=\"a \"b\" c.pdf\"; size=1", "a \"b\" c.pdf"),
            ("attachment; filename=\"a \\\"b\\\".pdf\"", "a \"b\".pdf"),
            ("attachment; filename=\"C:\\Users\\Ana\\informe.pdf\"", "C:\\Users\\Ana\\informe.pdf"),
            ("attachment; filename=\"a;b.pdf\"", "a;b.pdf"),
            ("attachment; filename=a;b.pdf", "a;b.pdf"),
            ("attachment; filename=\"cortado.pdf", "cortado.pdf"),
            ("attachment filename=a.pdf", "a.pdf"),
            ("attachment; FileName = \"a.pdf\"", "a.pdf"),
        ] {
            assert_eq!(name(value.as_bytes()).as_deref(), Some(expected), "{value}");
        }
        assert_eq!(name(b"attachment; filename=\"Se\xf1al.pdf\"").as_deref(), Some("Señal.pdf"));
        assert_eq!(name(b"attachment"), None);
        assert_eq!(name(b"attachment; filename*99999999999999999999=a"), None);
    }

    #[test]
    fn many_parameters_and_marks_end() {
        for unit in ["a=\"", "\"a", "a=b;", "=;", "filename*1=\"a\";", "\\\"", "a=\" x=\"", " "] {
            let value = format!("x; a=\"{}", unit.repeat(256 * 1024 / unit.len()));
            let declared = Declared::read(value.as_bytes());
            declared.words("a");
            assert!(declared.parameters.len() <= MOST, "{unit}");
        }
    }
}
