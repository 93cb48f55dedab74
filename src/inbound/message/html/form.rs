//! What a reader sees in the fields of a form that was filled in.

use html5ever::tokenizer::{Tag, TagKind};

use super::style::attribute;

/// The value of a field; none if it shows none.
pub fn value(input: &Tag) -> Option<String> {
    let kind = attribute(input, "type").unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "checkbox" | "radio" => {
            Some(if attribute(input, "checked").is_some() { "[x]" } else { "[ ]" }.to_owned())
        }
        "hidden" | "password" | "file" | "image" | "color" | "range" => None,
        _ => attribute(input, "value").map(str::to_owned).filter(|value| !value.trim().is_empty()),
    }
}

/// A choice (`select`) that is open.
#[derive(Default)]
pub struct Choice {
    /// Whether several may be chosen; then none is unless it is marked.
    is_multiple: bool,
    chosen: Vec<String>,
    first: Option<String>,
    /// The option that is open, and whether it is marked.
    option: Option<(String, bool)>,
}

impl Choice {
    pub fn open(select: &Tag) -> Self {
        let is_multiple = attribute(select, "multiple").is_some();
        Choice { is_multiple, ..Choice::default() }
    }

    pub fn words(&mut self, words: &str) {
        if let Some((option, _)) = &mut self.option {
            option.push_str(words);
        }
    }

    /// Whether the tag belongs to it.
    pub fn takes(&mut self, tag: &Tag) -> bool {
        if !matches!(&*tag.name, "option" | "optgroup") {
            return false;
        }
        self.end_option();
        if tag.kind == TagKind::StartTag && &*tag.name == "option" {
            self.option = Some((String::new(), attribute(tag, "selected").is_some()));
        }
        true
    }

    fn end_option(&mut self) {
        let Some((option, is_marked)) = self.option.take() else { return };
        if is_marked {
            self.chosen.push(option);
        } else {
            self.first.get_or_insert(option);
        }
    }

    /// What is chosen.
    pub fn shown(mut self) -> String {
        self.end_option();
        if self.is_multiple {
            return self.chosen.join(", ");
        }
        self.chosen.pop().or(self.first).unwrap_or_default()
    }
}
