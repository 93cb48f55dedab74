//! Numbers and properties in the file.

use super::text::Text;

pub fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

/// A number of this many bytes, of which the least significant is first.
pub fn number(rest: &mut &[u8], length: usize) -> Option<u64> {
    let bytes = take(rest, length)?;
    Some(bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
}

/// The properties of a message or of a file (MS-OXTNEF, 2.1.3.4) that have a length of their own.
pub fn all<'a>(mut rest: &'a [u8], mut add: impl FnMut(u64, Text<'a>)) -> Option<()> {
    let count = number(&mut rest, 4)?;
    for _ in 0..count {
        let kind = number(&mut rest, 2)?;
        let id = number(&mut rest, 2)?;
        if id >= 0x8000 {
            take(&mut rest, 16)?;
            if number(&mut rest, 4)? == 0 {
                take(&mut rest, 4)?;
            } else {
                padded(&mut rest)?;
            }
        }
        let is_multiple = kind & 0x1000 != 0;
        let size = match kind & 0x0fff {
            0x0001 => Some(0),
            0x0002 | 0x0003 | 0x0004 | 0x000a | 0x000b => Some(4),
            0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => Some(8),
            0x0048 => Some(16),
            0x000d | 0x001e | 0x001f | 0x0102 => None,
            _ => return None,
        };
        let values = if is_multiple || size.is_none() { number(&mut rest, 4)? } else { 1 };
        for _ in 0..values {
            match size {
                Some(0) => break,
                Some(size) => {
                    take(&mut rest, size)?;
                }
                None => add(id, Text { bytes: padded(&mut rest)?, is_wide: kind & 0x0fff == 0x001f }),
            }
        }
    }
    Some(())
}

/// Bytes with their length before them, filled up to four.
fn padded<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(rest, 4)?).ok()?;
    let bytes = take(rest, length)?;
    let fill = length.wrapping_neg() % 4;
    take(rest, fill.min(rest.len()))?;
    Some(bytes)
}
