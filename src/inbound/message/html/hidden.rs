//! The elements that are not seen, by their tags alone.

use html5ever::tokenizer::{Tag, TagKind};

use super::style::{Seen, seen};

/// How many elements within one another are remembered; those further within are read as their parents are.
const MOST: usize = 100;

/// Elements without content.
pub const EMPTY: [&str; 9] = ["area", "base", "br", "hr", "img", "input", "link", "meta", "wbr"];

/// Elements before which a paragraph ends.
const BLOCKS: [&str; 8] = ["p", "div", "table", "ul", "ol", "blockquote", "pre", "hr"];

/// What a tag is for the reader of the page.
#[derive(PartialEq, Eq)]
pub enum Place {
    Seen,
    /// Within what is not seen.
    Unseen,
    /// It begins or ends an element that is not seen, or one that is seen within it.
    Edge {
        is_seen: bool,
    },
}

/// An element that differs from what is around it.
struct Element {
    name: String,
    /// How many of its name are open within it, with itself.
    open: usize,
    /// Never `Inherited`.
    seen: Seen,
}

#[derive(Default)]
pub struct Hidden {
    elements: Vec<Element>,
    /// Whether everything is read.
    is_off: bool,
}

impl Hidden {
    pub fn new(is_off: bool) -> Self {
        Hidden { elements: Vec::new(), is_off }
    }

    pub fn is_hiding(&self) -> bool {
        self.elements.last().is_some_and(|last| last.seen != Seen::Visible)
    }

    /// Whether an element that is not seen is still open.
    pub fn is_open(&self) -> bool {
        self.elements.iter().any(|element| element.seen != Seen::Visible)
    }

    pub fn tag(&mut self, tag: &Tag) -> Place {
        let name: &str = &tag.name;
        let starts = tag.kind == TagKind::StartTag;
        if self.is_off || matches!(name, "html" | "body") {
            return self.place();
        }
        if starts && BLOCKS.contains(&name) && self.elements.last().is_some_and(|last| last.name == "p") {
            self.elements.pop();
        }
        let seen = if starts { seen(tag) } else { Seen::Inherited };
        let differs = match self.elements.last().map(|last| last.seen) {
            None | Some(Seen::Visible) => matches!(seen, Seen::Invisible | Seen::Removed),
            Some(Seen::Invisible) => seen == Seen::Visible,
            _ => false,
        };
        if differs {
            return self.begin(name, seen, tag.self_closing);
        }
        let Some(last) = self.elements.last_mut().filter(|last| last.name == name) else {
            return self.place();
        };
        if starts {
            last.open += usize::from(!tag.self_closing);
            return self.place();
        }
        last.open -= 1;
        if last.open > 0 {
            return self.place();
        }
        let is_seen = last.seen == Seen::Visible;
        self.elements.pop();
        Place::Edge { is_seen }
    }

    fn begin(&mut self, name: &str, seen: Seen, is_closed: bool) -> Place {
        let is_seen = seen == Seen::Visible;
        if EMPTY.contains(&name) || is_closed {
            // A line ends whether it is seen or not.
            return if name == "br" { self.place() } else { Place::Unseen };
        }
        if self.elements.len() == MOST {
            return self.place();
        }
        self.elements.push(Element { name: name.to_owned(), open: 1, seen });
        Place::Edge { is_seen }
    }

    fn place(&self) -> Place {
        if self.is_hiding() { Place::Unseen } else { Place::Seen }
    }
}
