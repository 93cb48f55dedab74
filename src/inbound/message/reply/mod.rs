//! The new text in a reply: without quotations and without the signature of a mail program.
//!
//! A quotation is left out only below a real attribution (a sentence or a block of header fields that a mail program
//! writes), or if it repeats what the desk sent. In any doubt the text stays, because a word of its author that is
//! lost costs more than a quotation that is shown. Everything is linear in the length of the text.

mod announcements;
mod attributions;
mod authors;
mod cut;
mod dates;
mod fields;
mod folded;
mod header_blocks;
mod lines;
mod mobile;
mod mobile_words;
mod other_forms;
mod own;
mod postscripts;
mod scan;
mod separators;
mod signatures;
mod within;

#[cfg(test)]
mod cases_test;
#[cfg(test)]
mod cost_test;
#[cfg(test)]
mod forms_test;
#[cfg(test)]
mod own_test;
#[cfg(test)]
mod table_test;
#[cfg(test)]
mod within_test;

pub use own::OwnTexts;

/// Where something was left out between words of the author.
pub const MARK: &str = "[…]";

/// The words of the author of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Without marks. All of the text if nothing else would be left.
    pub text: String,
    /// Whether a quotation or a signature was left out, at any place.
    pub is_cut: bool,
    /// The places in `text` where something was left out between its words: offsets in bytes of the lines that follow,
    /// ascending.
    cuts: Vec<usize>,
}

impl Reply {
    /// All of the text.
    pub fn whole(text: &str) -> Reply {
        Reply { text: text.trim().to_owned(), is_cut: false, cuts: Vec::new() }
    }

    /// The text with `[…]` on a line of its own at each place where words follow that which was left out. What was
    /// left out at the beginning or at the end has no mark: there `is_cut` says it.
    pub fn marked(&self) -> String {
        let mut marked = String::with_capacity(self.text.len() + self.cuts.len() * (MARK.len() + 4));
        let mut from = 0;
        for &cut in &self.cuts {
            marked.push_str(self.text[from..cut].trim_end());
            marked.push_str("\n\n");
            marked.push_str(MARK);
            marked.push_str("\n\n");
            from = cut;
        }
        marked.push_str(&self.text[from..]);
        marked
    }
}

/// The text without quotation and signature. `own`: what the desk sent on the ticket.
pub fn new_words(text: &str, own: &OwnTexts) -> Reply {
    let lines = lines::read(text);
    let decisions = scan::decisions(&lines, own);
    cut::assemble(text, &lines, &decisions)
}

/// Whether the message forwards another one, which must then be kept: `RV: …`.
pub fn is_forwarded(subject: &str) -> bool {
    const PREFIXES: [&str; 8] = ["rv", "fw", "fwd", "reenv", "reenviado", "enc", "wg", "tr"];
    let prefix = subject.split_once(':').map(|(prefix, _)| prefix.trim().to_lowercase());
    prefix.is_some_and(|prefix| PREFIXES.contains(&prefix.as_str()))
}
