//! Compressed RTF (MS-OXRTFCP).

use super::properties::{number, take};

/// The text with which the dictionary of compressed RTF begins (MS-OXRTFCP).
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// RTF before it was compressed; none if it is damaged or longer than this.
pub fn decompressed(mut rest: &[u8], longest: usize) -> Option<Vec<u8>> {
    take(&mut rest, 4)?;
    let length = usize::try_from(number(&mut rest, 4)?).ok().filter(|length| *length <= longest)?;
    let kind = take(&mut rest, 4)?;
    take(&mut rest, 4)?;
    if kind == b"MELA" {
        return rest.get(..length).map(<[u8]>::to_vec);
    }
    if kind != b"LZFu" {
        return None;
    }
    let mut text = DICTIONARY.to_vec();
    while text.len() - DICTIONARY.len() < length {
        let control = number(&mut rest, 1)?;
        for bit in 0..8 {
            if control & (1 << bit) == 0 {
                if text.len() - DICTIONARY.len() >= length {
                    break;
                }
                text.extend_from_slice(take(&mut rest, 1)?);
                continue;
            }
            // An offset in the dictionary, which is a ring of 4096 bytes, and a count.
            let [high, low] = take(&mut rest, 2)? else { return None };
            let offset = (usize::from(*high) << 4) | usize::from(*low >> 4);
            let distance = text.len().wrapping_sub(offset) % 4096;
            if distance == 0 {
                break;
            }
            for _ in 0..usize::from(*low & 15) + 2 {
                let byte = *text.get(text.len().checked_sub(distance)?)?;
                text.push(byte);
            }
        }
    }
    text.truncate(DICTIONARY.len() + length);
    Some(text.split_off(DICTIONARY.len()))
}
