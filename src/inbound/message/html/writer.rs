//! Text out of the tags and the words of a page.

use html5ever::tokenizer::{Tag, TagKind};

use super::form::{self, Choice};
use super::hidden::{Hidden, Place};
use super::link::Link;
use super::style::{attribute, is_quotation};

/// The deepest quotation that is marked as such, and the deepest list that is indented.
const DEEPEST: usize = 10;

/// How many nested elements are remembered; those further within are read as their parents are.
const MOST_OPEN: usize = 10_000;

/// The longest line that introduces a quotation, in bytes.
const LONGEST_INTRODUCTION: usize = 500;

/// How much of the end of the text is searched for the line that introduces a quotation, in bytes: it may be followed by
/// blank lines.
const SEARCHED: usize = 2 * LONGEST_INTRODUCTION;

#[derive(Default)]
pub struct Writer {
    text: String,
    line: String,
    /// An empty line to insert before the next words.
    gap: bool,
    /// What stands before the next words of a list: `- ` or a number.
    item: Option<String>,
    /// The lists that are open, with the next number of each that is numbered.
    lists: Vec<Option<i64>>,
    /// Which of the open `blockquote` are quotations.
    quotations: Vec<bool>,
    /// How many of them are.
    quoted: usize,
    /// The hidden elements of the head and the like that are open.
    hidden: usize,
    unseen: Hidden,
    preformatted: usize,
    link: Option<Link>,
    choice: Option<Choice>,
}

impl Writer {
    /// `hides`: elements that are not seen are left out.
    pub fn new(hides: bool) -> Self {
        Writer { unseen: Hidden::new(!hides), ..Writer::default() }
    }

    pub fn words(&mut self, words: &str) {
        if self.hidden > 0 || self.unseen.is_hiding() {
            return;
        }
        if let Some(choice) = &mut self.choice {
            choice.words(words);
            return;
        }
        if let Some(link) = &mut self.link {
            link.words.push_str(words);
        }
        if self.preformatted > 0 {
            for (index, line) in words.split('\n').enumerate() {
                if index > 0 {
                    self.end_line(true);
                }
                self.add_item();
                self.line.push_str(line);
            }
            return;
        }
        for c in words.chars() {
            let space = c.is_ascii_whitespace();
            if !space {
                self.add_item();
                self.line.push(c);
            } else if !self.line.is_empty() && !self.line.ends_with(' ') {
                self.line.push(' ');
            }
        }
    }

    /// What stands before the words of a list.
    fn add_item(&mut self) {
        if let Some(item) = self.item.take() {
            let depth = self.lists.len().saturating_sub(1).min(DEEPEST);
            self.line.insert_str(0, &format!("{}{item}", "  ".repeat(depth)));
        }
    }

    pub fn tag(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        let starts = tag.kind == TagKind::StartTag;
        let place = self.unseen.tag(tag);
        if let Place::Edge { .. } = place {
            self.end_line_after(name);
        }
        if matches!(place, Place::Unseen | Place::Edge { is_seen: false }) {
            return;
        }
        if self.choice.as_mut().is_some_and(|choice| choice.takes(tag)) {
            return;
        }
        // A choice ends with any tag that does not belong to it.
        self.end_choice();
        match name {
            // Every hidden part of a head is in one of these elements; a head may begin and never end.
            "script" | "style" | "title" | "template" | "noscript" => self.hide(starts),
            "body" => self.hidden = 0,
            "br" => self.end_line(true),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" => {
                self.end_line(false);
                // Within a list, its items are the paragraphs.
                self.gap |= self.lists.is_empty();
            }
            "ul" | "ol" => self.list(tag, name == "ol", starts),
            "div" | "tr" | "section" | "article" | "header" | "footer" | "address" | "dt" | "dd"
            | "center" => {
                self.end_line(false);
            }
            "li" => self.item(tag, starts),
            "hr" => {
                self.end_line(false);
                self.words("________________________________");
                self.end_line(false);
            }
            "td" | "th" if !starts => self.words(" "),
            "pre" | "xmp" | "listing" | "plaintext" | "textarea" => {
                self.end_line(false);
                self.preformatted =
                    if starts { self.preformatted + 1 } else { self.preformatted.saturating_sub(1) };
            }
            "blockquote" => self.quotation(tag, starts),
            "a" => self.link(tag, starts),
            "select" if starts && self.hidden == 0 => self.choice = Some(Choice::open(tag)),
            "input" if starts => {
                if let Some(value) = form::value(tag) {
                    self.words(&format!(" {value} "));
                }
            }
            "img" if starts => {
                if let Some(alt) = attribute(tag, "alt").map(str::trim).filter(|alt| !alt.is_empty()) {
                    self.words(&format!("[{}]", alt.chars().take(100).collect::<String>()));
                }
            }
            _ => {}
        }
    }

    /// Only elements within a line do not end it.
    fn end_line_after(&mut self, name: &str) {
        if !matches!(name, "span" | "a" | "b" | "i" | "em" | "strong" | "font" | "u" | "small" | "td" | "th")
        {
            self.end_line(false);
        }
    }

    fn list(&mut self, tag: &Tag, is_numbered: bool, starts: bool) {
        self.end_line(false);
        if starts {
            self.gap |= self.lists.is_empty();
            let first = attribute(tag, "start").and_then(|start| start.trim().parse().ok()).unwrap_or(1);
            if self.lists.len() < MOST_OPEN {
                self.lists.push(is_numbered.then_some(first));
            }
        } else {
            self.lists.pop();
            self.gap |= self.lists.is_empty();
            self.item = None;
        }
    }

    fn item(&mut self, tag: &Tag, starts: bool) {
        self.end_line(false);
        self.item = None;
        if !starts {
            return;
        }
        let number = match self.lists.last_mut() {
            Some(Some(next)) => {
                let written = attribute(tag, "value").and_then(|value| value.trim().parse().ok());
                let number = written.unwrap_or(*next);
                *next = number.saturating_add(1);
                Some(number)
            }
            _ => None,
        };
        self.item = Some(number.map_or_else(|| "- ".to_owned(), |number| format!("{number}. ")));
    }

    fn quotation(&mut self, tag: &Tag, starts: bool) {
        self.end_line(false);
        self.gap = true;
        if !starts {
            self.quoted -= usize::from(self.quotations.pop().unwrap_or_default());
        } else if self.quotations.len() < MOST_OPEN {
            let is_one = self.quoted > 0 || is_quotation(tag) || introduces_quotation(self.last_line());
            self.quotations.push(is_one);
            self.quoted += usize::from(is_one);
        }
    }

    /// The last line, as far as it may introduce a quotation.
    fn last_line(&self) -> &str {
        let text = end_of(end_of(&self.text, SEARCHED).trim_end(), LONGEST_INTRODUCTION);
        text.rsplit('\n').next().unwrap_or_default()
    }

    fn link(&mut self, tag: &Tag, starts: bool) {
        // A link ends where the next one begins.
        self.end_link();
        if self.hidden == 0 && starts {
            self.link = Link::open(tag);
        }
    }

    fn end_link(&mut self) {
        if let Some(address) = self.link.take().and_then(Link::address) {
            self.words(&format!(" <{address}>"));
        }
    }

    fn end_choice(&mut self) {
        if let Some(choice) = self.choice.take() {
            self.words(&format!(" {} ", choice.shown()));
        }
    }

    fn hide(&mut self, starts: bool) {
        self.end_line(false);
        self.hidden = if starts { self.hidden + 1 } else { self.hidden.saturating_sub(1) };
    }

    /// `always`: an empty line counts as a line too.
    fn end_line(&mut self, always: bool) {
        let line = std::mem::take(&mut self.line);
        // The line above a signature is known by its space.
        let line = if line == "-- " { line.as_str() } else { line.trim_end() };
        if line.is_empty() && !always {
            return;
        }
        let mark = "> ".repeat(self.quoted.min(DEEPEST));
        if std::mem::take(&mut self.gap) && !self.text.is_empty() && !line.is_empty() {
            self.text.push_str(mark.trim_end());
            self.text.push('\n');
        }
        match line {
            "" => self.text.push_str(mark.trim_end()),
            line => self.text.push_str(&format!("{mark}{line}")),
        }
        self.text.push('\n');
    }

    /// None if an element that is not seen is still open.
    pub fn finish(mut self) -> Option<String> {
        if self.unseen.is_open() {
            return None;
        }
        self.end_choice();
        self.end_link();
        self.end_line(false);
        Some(self.text)
    }
}

/// The last bytes of a text, at most so many.
fn end_of(text: &str, most: usize) -> &str {
    let start = (text.len().saturating_sub(most)..text.len()).find(|at| text.is_char_boundary(*at));
    &text[start.unwrap_or(text.len())..]
}

/// Whether a line says who wrote what follows, and when: some programs quote without saying so otherwise.
fn introduces_quotation(line: &str) -> bool {
    const WROTE: [&str; 6] = ["escribió", "wrote", "escreveu", "écrit", "schrieb", "scritto"];
    let line = line.trim_end();
    let Some(words) = line.strip_suffix(':') else { return false };
    WROTE.iter().any(|word| words.contains(word))
        || words.contains('@') && words.contains(|c: char| c.is_ascii_digit())
}
