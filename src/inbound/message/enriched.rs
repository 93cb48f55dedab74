//! Text in the formats `text/enriched` (RFC 1896) and `text/richtext` (RFC 1341) as plain text.

/// The longest name of a tag, in bytes.
const LONGEST_NAME: usize = 60;

/// The longest value of a parameter, in bytes; it is not shown.
const LONGEST_VALUE: usize = 300;

/// The deepest quotation that is marked as such.
const DEEPEST: usize = 10;

/// The text, line by line; `is_older`: in the format of RFC 1341. A quotation is marked by `> `.
pub fn text(written: &str, is_older: bool) -> String {
    let mut writer = Writer { is_older, ..Writer::default() };
    let mut rest = written;
    while let Some(at) = rest.find(['<', '\n']) {
        writer.words(&rest[..at]);
        rest = &rest[at..];
        rest = match rest.strip_prefix('\n') {
            Some(below) => writer.line_ends(below),
            None => writer.sign(rest),
        };
    }
    writer.words(rest);
    writer.end_line();
    writer.text
}

#[derive(Default)]
struct Writer {
    is_older: bool,
    text: String,
    line: String,
    /// How many `nofill` are open, in which line ends are kept.
    kept: usize,
    quoted: usize,
}

impl Writer {
    fn words(&mut self, words: &str) {
        self.line.push_str(words);
    }

    fn end_line(&mut self) {
        let mark = "> ".repeat(self.quoted.min(DEEPEST));
        let line = format!("{mark}{}", std::mem::take(&mut self.line));
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A line end counts as a space, and further ones as line ends. Returns what follows them.
    fn line_ends<'a>(&mut self, below: &'a str) -> &'a str {
        if self.kept > 0 {
            self.end_line();
            return below;
        }
        let rest = below.trim_start_matches('\n');
        if self.is_older || rest.len() == below.len() {
            if !self.line.ends_with(' ') && !self.line.is_empty() {
                self.line.push(' ');
            }
            return rest;
        }
        (rest.len()..below.len()).for_each(|_| self.end_line());
        rest
    }

    /// A tag, or the sign `<`. Returns what follows it.
    fn sign<'a>(&mut self, rest: &'a str) -> &'a str {
        let after = &rest[1..];
        if let Some(after) = after.strip_prefix('<').filter(|_| !self.is_older) {
            self.words("<");
            return after;
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let (name, starts) = match after.strip_prefix('/') {
            Some(name) => (name, false),
            None => (after, true),
        };
        let length = name.bytes().take(LONGEST_NAME).take_while(|byte| is_name(*byte)).count();
        let Some(below) = name[length..].strip_prefix('>').filter(|_| length > 0) else {
            self.words("<");
            return after;
        };
        self.tag(&name[..length].to_ascii_lowercase(), starts, below)
    }

    fn tag<'a>(&mut self, name: &str, starts: bool, below: &'a str) -> &'a str {
        let count = |open: usize| if starts { open + 1 } else { open.saturating_sub(1) };
        match name {
            "param" if starts => return without_value(below, "</param>"),
            "comment" if starts && self.is_older => return without_value(below, "</comment>"),
            "nofill" | "verbatim" => self.kept = count(self.kept),
            "excerpt" => {
                if !self.line.trim().is_empty() {
                    self.end_line();
                }
                self.quoted = count(self.quoted);
            }
            "lt" if self.is_older && starts => self.words("<"),
            "nl" | "np" if self.is_older && starts => self.end_line(),
            "paragraph" if self.is_older => {
                if !self.line.trim().is_empty() {
                    self.end_line();
                }
                if !self.text.is_empty() && !self.text.ends_with("\n\n") {
                    self.text.push('\n');
                }
            }
            _ => {}
        }
        below
    }
}

/// What follows the end of a value that is not shown. One that is too long, or has no end, is shown.
fn without_value<'a>(below: &'a str, end: &str) -> &'a str {
    let near = &below.as_bytes()[..below.len().min(LONGEST_VALUE)];
    let at = near.windows(end.len()).position(|window| window.eq_ignore_ascii_case(end.as_bytes()));
    at.and_then(|at| below.get(at + end.len()..)).unwrap_or(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_left_out_and_words_stay() {
        for (written, expected) in [
            ("<bold>Hola</bold> equipo <<roto>", "Hola equipo <roto>\n"),
            ("uno\ndos\n\ntres\n\n\ncuatro", "uno dos\ntres\n\ncuatro\n"),
            ("<nofill>a\n  b\n</nofill>c", "a\n  b\nc\n"),
            ("<color><param>red</param>rojo</color>", "rojo\n"),
            ("<excerpt>cita\n\nmás</excerpt>fin", "> cita\n> más\nfin\n"),
            ("2 < 3 <b x> </> <é> <", "2 < 3 <b x> </> <é> <\n"),
            ("<param>sin fin", "sin fin\n"),
            ("</nofill></excerpt>a<lt>", "a\n"),
        ] {
            assert_eq!(text(written, false), expected, "{written}");
        }
        for (written, expected) in [
            ("<paragraph>Hola <bold>mundo</bold></paragraph>fin", "Hola mundo\n\nfin\n"),
            ("2 <lt> 3<nl>dos\ntres\n\ncuatro", "2 < 3\ndos tres cuatro\n"),
            ("a<comment>x <bold>y</comment>b", "ab\n"),
        ] {
            assert_eq!(text(written, true), expected, "{written}");
        }
    }
}
