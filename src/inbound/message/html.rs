//! HTML as plain text. It reads only tokens and builds no tree, so that nesting costs nothing, and drops scripts,
//! styles and attributes.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer};

/// The visible text, line by line; quotations are marked by `> `.
pub fn text(html: &str) -> String {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(Page::default(), Default::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner().finish()
}

/// The deepest quotation that is marked as such.
const DEEPEST_QUOTE: usize = 10;

#[derive(Default)]
struct Page(RefCell<Writer>);

impl TokenSink for Page {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut writer = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(words) => writer.words(&words),
            Token::TagToken(tag) => {
                writer.tag(&tag);
                // The content of these elements is not HTML.
                return match (tag.kind, &*tag.name) {
                    (TagKind::StartTag, "script") => TokenSinkResult::RawData(RawKind::ScriptData),
                    (TagKind::StartTag, "style") => TokenSinkResult::RawData(RawKind::Rawtext),
                    (TagKind::StartTag, "title") => TokenSinkResult::RawData(RawKind::Rcdata),
                    _ => TokenSinkResult::Continue,
                };
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[derive(Default)]
struct Writer {
    text: String,
    line: String,
    /// Empty lines to insert before the next words.
    gap: bool,
    quoted: usize,
    /// The hidden elements that are open, from the outermost.
    hidden: usize,
    preformatted: usize,
}

impl Writer {
    fn words(&mut self, words: &str) {
        if self.hidden > 0 {
            return;
        }
        if self.preformatted > 0 {
            for (index, line) in words.split('\n').enumerate() {
                if index > 0 {
                    self.end_line(true);
                }
                self.line.push_str(line);
            }
            return;
        }
        for c in words.chars() {
            let space = c.is_ascii_whitespace();
            if !space {
                self.line.push(c);
            } else if !self.line.is_empty() && !self.line.ends_with(' ') {
                self.line.push(' ');
            }
        }
    }

    fn tag(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        let starts = tag.kind == TagKind::StartTag;
        match name {
            // Every hidden part of a head is in one of these elements; a head may begin and never end.
            "script" | "style" | "title" | "template" | "noscript" => self.hide(starts),
            "body" => self.hidden = 0,
            "br" => self.end_line(true),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "table" => {
                self.end_line(false);
                self.gap = true;
            }
            "div" | "tr" | "section" | "article" | "header" | "footer" | "address" | "dt" | "dd"
            | "center" => {
                self.end_line(false);
            }
            "li" => {
                self.end_line(false);
                if starts {
                    self.words("- ");
                }
            }
            "hr" => {
                self.end_line(false);
                self.words("________________________________");
                self.end_line(false);
            }
            "td" | "th" if !starts => self.words(" "),
            "pre" => {
                self.end_line(false);
                self.preformatted =
                    if starts { self.preformatted + 1 } else { self.preformatted.saturating_sub(1) };
            }
            "blockquote" => {
                self.end_line(false);
                self.gap = true;
                self.quoted = if starts { self.quoted + 1 } else { self.quoted.saturating_sub(1) };
            }
            "img" if starts => {
                let alt = tag.attrs.iter().find(|attribute| &*attribute.name.local == "alt");
                if let Some(alt) = alt.map(|alt| alt.value.trim()).filter(|alt| !alt.is_empty()) {
                    self.words(&format!("[{}]", alt.chars().take(100).collect::<String>()));
                }
            }
            _ => {}
        }
    }

    fn hide(&mut self, starts: bool) {
        self.end_line(false);
        self.hidden = if starts { self.hidden + 1 } else { self.hidden.saturating_sub(1) };
    }

    /// `always`: an empty line counts as a line too.
    fn end_line(&mut self, always: bool) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_end();
        if line.is_empty() && !always {
            return;
        }
        let mark = "> ".repeat(self.quoted.min(DEEPEST_QUOTE));
        if std::mem::take(&mut self.gap) && !self.text.is_empty() && !line.is_empty() {
            self.text.push_str(mark.trim_end());
            self.text.push('\n');
        }
        self.text.push_str(format!("{mark}{line}").trim_end());
        self.text.push('\n');
    }

    fn finish(mut self) -> String {
        self.end_line(false);
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_sees_is_kept_line_by_line() {
        let html = "<html><head><title>x</title><style>p{}</style></head><body><p>Hola&nbsp;&amp; adi&oacute;s,\n\
                    <b>Ana</b></p><div>Uno<br>Dos</div><ul><li>a<li>b</ul><script>alert(1)</script>\
                    <table><tr><td>1</td><td>2</td></tr></table><img src=x alt='el atasco'></body></html>";
        assert_eq!(text(html), "Hola\u{a0}& adiós, Ana\n\nUno\nDos\n\n- a\n- b\n\n1 2\n\n[el atasco]\n");
    }

    #[test]
    fn quotations_are_marked() {
        let html = "Gracias<br><div>El lun, Ana escribi&oacute;:<blockquote>Uno<blockquote>Dos</blockquote></blockquote></div>fin";
        assert_eq!(text(html), "Gracias\nEl lun, Ana escribió:\n>\n> Uno\n> >\n> > Dos\n\nfin\n");
    }

    #[test]
    fn nesting_without_end_is_read() {
        let deep = format!("{}hola{}", "<div><blockquote><b>".repeat(100_000), "</b>".repeat(100_000));
        assert!(text(&deep).contains("hola"));
        assert_eq!(text("<head><title>x</title><body>hola"), "hola\n");
        assert_eq!(text("<html><head><meta charset=utf-8><style>p{}</style><p>hola</html>"), "hola\n");
        assert_eq!(text("<style/>p{}</style>hola"), "hola\n");
        assert_eq!(text("<style>a<b</style><script>if (a<b) x</script>hola"), "hola\n");
    }
}
