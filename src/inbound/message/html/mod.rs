//! HTML as plain text. It reads only tokens and builds no tree, so that nesting costs nothing, and drops scripts,
//! styles and attributes.

mod form;
mod hidden;
mod link;
mod style;
#[cfg(test)]
mod test;
mod writer;

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer};

use super::charsets;
use writer::Writer;

/// The visible text, line by line; quotations are marked by `> `, and the address of a link follows its words.
pub fn text(html: &str) -> String {
    visible(html, false)
}

/// The same of a page in XML, in which any element may end in its own tag: `<title/>`.
pub fn text_of_xml(page: &str) -> String {
    visible(page, true)
}

fn visible(page: &str, is_xml: bool) -> String {
    let visible = written(page, is_xml, true);
    // An element that is not displayed and never ends would hide the rest.
    visible.or_else(|| written(page, is_xml, false)).unwrap_or_default()
}

fn written(page: &str, is_xml: bool, hides: bool) -> Option<String> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(page));
    let page = Page { writer: RefCell::new(Writer::new(hides)), is_xml };
    let tokenizer = Tokenizer::new(page, Default::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.writer.into_inner().finish()
}

/// How far into a page its character set is looked for, in bytes.
const BEGINNING: usize = 8192;

/// The character set of a page: as its part declares it, unless that is missing, unknown or ASCII and the page declares
/// another one.
pub fn charset(page: &[u8], declared: Option<&str>) -> Option<String> {
    let is_sure = |label: &str| {
        charsets::is_known(label) && !["us-ascii", "ascii"].contains(&label.to_ascii_lowercase().as_str())
    };
    if declared.is_some_and(is_sure) {
        return declared.map(str::to_owned);
    }
    let start: String =
        page.iter().take(BEGINNING).map(|byte| char::from(*byte).to_ascii_lowercase()).collect();
    let tags = start.split('<').filter(|tag| tag.starts_with("meta") || tag.starts_with("?xml"));
    let label = tags.filter_map(|tag| {
        let tag = tag.split('>').next()?;
        let (_, value) = tag.split_once("charset").or_else(|| tag.split_once("encoding"))?;
        let value = value.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
        let end = value.find(|c: char| c.is_whitespace() || "\"';/>?".contains(c)).unwrap_or(value.len());
        // What could be read up to here is not UTF-16.
        Some(value[..end].to_owned())
            .filter(|label| charsets::is_known(label) && !label.starts_with("utf-16"))
    });
    label.into_iter().next().or_else(|| declared.map(str::to_owned))
}

struct Page {
    writer: RefCell<Writer>,
    is_xml: bool,
}

impl Page {
    /// How the content of the element is read.
    fn tag(&self, mut tag: Tag) -> TokenSinkResult<()> {
        self.writer.borrow_mut().tag(&tag);
        if tag.kind == TagKind::EndTag {
            return TokenSinkResult::Continue;
        }
        if self.is_xml && tag.self_closing {
            if !hidden::EMPTY.contains(&&*tag.name) {
                tag.kind = TagKind::EndTag;
                self.writer.borrow_mut().tag(&tag);
            }
            return TokenSinkResult::Continue;
        }
        // The content of these elements is not HTML.
        match &*tag.name {
            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "xmp" => TokenSinkResult::RawData(RawKind::Rawtext),
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            "plaintext" => TokenSinkResult::Plaintext,
            _ => TokenSinkResult::Continue,
        }
    }
}

impl TokenSink for Page {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::CharacterTokens(words) => self.writer.borrow_mut().words(&words),
            Token::TagToken(tag) => return self.tag(tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }

    /// Whether `<![CDATA[` begins text.
    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.is_xml
    }
}
