//! A document as PDF: A4, tagged (PDF/UA-1), with its language, its title and embedded fonts.

mod file;
mod head;
mod layout;
mod pages;
mod pieces;
mod table;
mod tags;

use self::layout::Layout;
use self::pages::{Frame, Pages};
use self::tags::Tags;
use super::model::Document;
use crate::problem::Result;

/// Width and height of A4, in points.
const A4: (f32, f32) = (595.28, 841.89);
const MARGIN: f32 = 42.0;

/// # Errors
/// If the file cannot be written.
pub fn write(document: &Document) -> Result<Vec<u8>> {
    let size = if document.landscape { (A4.1, A4.0) } else { A4 };
    let mut tags = Tags::default();
    let head = head::layout(document, size, &mut tags);
    let frame = Frame {
        left: MARGIN,
        width: size.0 - 2.0 * MARGIN,
        first_top: head.first_bottom,
        top: head.bottom,
        bottom: size.1 - MARGIN - head.footer,
    };
    let pieces = Layout::new(document, frame, &mut tags).pieces();
    let mut pages = Pages::of(frame, pieces);
    let count = pages.done.len();
    for (number, page) in pages.done.iter_mut().enumerate() {
        let content = std::mem::take(page);
        *page = head.of_page(number + 1, count);
        page.extend(content);
    }
    file::write(document, size, pages.done, &pages.places, tags)
}

#[cfg(test)]
mod tests;
