//! Links, of which the address is kept if the words do not contain it.

use html5ever::tokenizer::Tag;

use super::style::attribute;

/// The longest address that is kept, in bytes.
const LONGEST: usize = 2000;

/// A link that is open.
pub struct Link {
    address: String,
    /// What has been read within it.
    pub words: String,
}

impl Link {
    /// None if it leads nowhere out of the page.
    pub fn open(tag: &Tag) -> Option<Self> {
        let address = attribute(tag, "href").map(str::trim).filter(|address| address.len() <= LONGEST)?;
        leads_elsewhere(address).then(|| Link { address: address.to_owned(), words: String::new() })
    }

    /// Its address at its end, unless its words contain it or there are none.
    pub fn address(self) -> Option<String> {
        let address = match self.address.strip_prefix("mailto:") {
            Some(to) => to.split('?').next().unwrap_or_default(),
            None => &self.address,
        };
        let words = self.words.trim();
        let is_needed = !words.is_empty() && !simple(words).contains(&simple(address));
        let shown = || address.chars().filter(|c| !c.is_whitespace() && !"<>".contains(*c)).collect();
        is_needed.then(shown)
    }
}

/// Without what readers do not write.
fn simple(text: &str) -> String {
    let text = text.trim().to_lowercase();
    let text = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    text.trim_start_matches("www.").trim_end_matches('/').to_owned()
}

fn leads_elsewhere(address: &str) -> bool {
    let scheme = address.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| {
        matches!(scheme.as_str(), "http" | "https" | "ftp" | "ftps" | "mailto" | "file" | "sftp" | "smb")
    })
}
