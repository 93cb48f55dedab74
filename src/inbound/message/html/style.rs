//! What the attributes of an element say about how it is displayed.

use html5ever::tokenizer::Tag;

pub fn attribute<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
}

/// What an element says about whether it is seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// As the element around it.
    Inherited,
    /// Even in an element that is invisible.
    Visible,
    /// Elements in it may be visible.
    Invisible,
    /// Nothing in it is seen.
    Removed,
}

/// Whether anybody sees it: not if it has `display:none` or a substitute, as the line that some programs show in a list
/// of messages. Of several declarations of a property the last one counts. The size 0 alone is usual for what contains
/// text of other sizes.
pub fn seen(tag: &Tag) -> Seen {
    let mut none = Property { value: attribute(tag, "hidden").is_some(), is_important: false };
    let Some(style) = attribute(tag, "style") else {
        return if none.value { Seen::Removed } else { Seen::Inherited };
    };
    let mut visibility = Property { value: Seen::Inherited, is_important: false };
    let [mut unprinted, mut clear, mut tiny, mut flat, mut cut] = [Property::default(); 5];
    for Declaration { name, value, is_important } in declarations(style) {
        match name.as_str() {
            "display" => none.set(value == "none", is_important),
            "visibility" => match value.as_str() {
                "hidden" | "collapse" => visibility.set(Seen::Invisible, is_important),
                "visible" => visibility.set(Seen::Visible, is_important),
                _ => visibility.set(Seen::Inherited, is_important),
            },
            "mso-hide" => unprinted.set(value == "all", is_important),
            "opacity" => clear.set(is_zero(&value), is_important),
            "font-size" => tiny.set(is_zero(&value), is_important),
            "max-height" => flat.set(is_zero(&value), is_important),
            "overflow" => cut.set(value == "hidden", is_important),
            _ => {}
        }
    }
    let is_tiny = tiny.value && matches!(&*tag.name, "span" | "font");
    if none.value || unprinted.value || clear.value || is_tiny || flat.value && cut.value {
        return Seen::Removed;
    }
    visibility.value
}

/// The value of a property, which the last declaration decides, or the last of those that are important.
#[derive(Clone, Copy, Default)]
struct Property<T> {
    value: T,
    is_important: bool,
}

impl<T> Property<T> {
    fn set(&mut self, value: T, is_important: bool) {
        if is_important || !self.is_important {
            *self = Property { value, is_important };
        }
    }
}

/// Whether it is a quotation of another message, not an indentation by the author.
pub fn is_quotation(tag: &Tag) -> bool {
    let class = attribute(tag, "class").unwrap_or_default().to_ascii_lowercase();
    attribute(tag, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("cite"))
        || attribute(tag, "cite").is_some()
        || class.contains("quote") && !class.contains("wp-block")
        || class.contains("cite")
        || attribute(tag, "style").is_some_and(has_line_at_the_left)
}

fn has_line_at_the_left(style: &str) -> bool {
    declarations(style).any(|Declaration { name, value, .. }| {
        (name == "border-left" || name == "border-left-width" || name == "border-left-style")
            && !value.split(' ').any(|word| word == "none" || is_zero(word))
    })
}

/// `0`, `0px` and the like.
fn is_zero(value: &str) -> bool {
    let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    number.parse::<f32>().is_ok_and(|number| number == 0.0)
}

/// A name and a value in lower case.
struct Declaration {
    name: String,
    value: String,
    is_important: bool,
}

fn declarations(style: &str) -> impl Iterator<Item = Declaration> {
    style.split(';').filter_map(|one| {
        let (name, value) = one.split_once(':')?;
        let value = value.trim().to_ascii_lowercase();
        let (value, is_important) = match value.split_once('!') {
            Some((value, word)) => (value.trim_end().to_owned(), word.trim() == "important"),
            None => (value, false),
        };
        Some(Declaration { name: name.trim().to_ascii_lowercase(), value, is_important })
    })
}
