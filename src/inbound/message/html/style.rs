//! What the attributes of an element say about how it is displayed.

use html5ever::tokenizer::Tag;

pub fn attribute<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
}

/// Whether nobody sees it: `display:none` and its substitutes, as in the line that some programs show in a list of
/// messages. The size 0 alone is usual for what contains text of other sizes.
pub fn is_hidden(tag: &Tag) -> bool {
    if attribute(tag, "hidden").is_some() {
        return true;
    }
    let Some(style) = attribute(tag, "style") else { return false };
    let is_word = matches!(&*tag.name, "span" | "font");
    let (mut is_flat, mut is_cut) = (false, false);
    for (name, value) in declarations(style) {
        match name.as_str() {
            "display" if value == "none" => return true,
            "visibility" if value == "hidden" => return true,
            "mso-hide" if value == "all" => return true,
            "opacity" if is_zero(&value) => return true,
            "font-size" if is_word && is_zero(&value) => return true,
            "max-height" => is_flat = is_zero(&value),
            "overflow" => is_cut = value == "hidden",
            _ => {}
        }
    }
    is_flat && is_cut
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
    declarations(style).any(|(name, value)| {
        (name == "border-left" || name == "border-left-width" || name == "border-left-style")
            && !value.split(' ').any(|word| word == "none" || is_zero(word))
    })
}

/// `0`, `0px` and the like.
fn is_zero(value: &str) -> bool {
    let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    number.parse::<f32>().is_ok_and(|number| number == 0.0)
}

/// Names and values in lower case.
fn declarations(style: &str) -> impl Iterator<Item = (String, String)> {
    style.split(';').filter_map(|one| {
        let (name, value) = one.split_once(':')?;
        let value = value.trim().to_ascii_lowercase();
        let value = value.strip_suffix("!important").unwrap_or(&value).trim_end().to_owned();
        Some((name.trim().to_ascii_lowercase(), value))
    })
}
