//! The entity's logo.

use std::fmt;
use std::io::Cursor;
use std::path::Path;

/// The largest file, in bytes.
const LARGEST: usize = 512 * 1024;

/// Maximum number of pixels, because a small file can contain a large image.
const MOST_POINTS: u64 = 4_000_000;

/// A PNG that every format of a report can show.
#[derive(Clone)]
pub struct Logo {
    /// The file.
    pub bytes: Vec<u8>,
    pub width: u32,
    pub height: u32,
    /// Red, green and blue of each pixel.
    pub colors: Vec<u8>,
    /// The opacity of each pixel.
    pub opacity: Vec<u8>,
}

impl Logo {
    /// The image of this file; `None` if it cannot be read or is not a PNG of up to 512 KiB and four million pixels.
    pub fn read(path: &Path) -> Option<Self> {
        let bytes = std::fs::read(path).ok().filter(|bytes| bytes.len() <= LARGEST)?;
        let mut decoder = png::Decoder::new(Cursor::new(&bytes));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().ok()?;
        let (width, height) = (reader.info().width, reader.info().height);
        if u64::from(width) * u64::from(height) > MOST_POINTS {
            return None;
        }
        let mut buffer = vec![0; reader.output_buffer_size()?];
        let frame = reader.next_frame(&mut buffer).ok()?;
        let channels = frame.color_type.samples();
        let (mut colors, mut opacity) = (Vec::new(), Vec::new());
        for point in buffer.get(..frame.buffer_size())?.chunks_exact(channels) {
            match *point {
                [gray] => (colors.extend([gray; 3]), opacity.push(255)),
                [gray, alpha] => (colors.extend([gray; 3]), opacity.push(alpha)),
                [red, green, blue] => (colors.extend([red, green, blue]), opacity.push(255)),
                [red, green, blue, alpha] => (colors.extend([red, green, blue]), opacity.push(alpha)),
                _ => return None,
            };
        }
        Some(Logo { width, height, colors, opacity, bytes: bytes.clone() })
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {} points", self.width, self.height)
    }
}
