//! The code pages of DOS, in which old programs still write mail and reports.

use mail_parser::decoders::charsets::DecoderFnc;

/// The United States. The characters of the bytes from 0x80.
const CP437: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ\
    áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// Western Europe. The characters of the bytes from 0x80.
const CP850: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ\
    áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
    └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀\
    ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// Central Europe. The characters of the bytes from 0x80.
const CP852: &str = "\
    ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×č\
    áíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐\
    └┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀\
    ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}";

/// Portugal. The characters of the bytes from 0x80.
const CP860: &str = "\
    ÇüéâãàÁçêÊèÍÔìÃÂÉÀÈôõòÚùÌÕÜ¢£Ù₧Ó\
    áíóúñÑªº¿Ò¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// How the labels of a code page begin, in lower case and without punctuation.
const PREFIXES: [&str; 10] =
    ["xcp", "xibm", "cp", "csibm", "ibm", "dos", "oem", "ccsid", "cspc8codepage", "cspcp"];

/// The decoder for a label in lower case without punctuation, such as `ibm00858`.
pub fn decoder(label: &str) -> Option<DecoderFnc> {
    let page = PREFIXES.iter().find_map(|prefix| label.strip_prefix(prefix)).unwrap_or(label);
    match page.trim_start_matches('0') {
        "437" => Some(|bytes| text(CP437, bytes)),
        "850" | "cspc850multilingual" => Some(|bytes| text(CP850, bytes)),
        "852" => Some(|bytes| text(CP852, bytes)),
        // The same with the euro sign for one letter.
        "858" | "pcmultilingual850euro" => Some(|bytes| text(&CP850.replace('ı', "€"), bytes)),
        "860" => Some(|bytes| text(CP860, bytes)),
        _ => None,
    }
}

/// The text, or UTF-8 where the bytes are UTF-8.
fn text(upper: &str, bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let upper: Vec<char> = upper.chars().collect();
    let character = |byte: &u8| match byte.checked_sub(0x80) {
        Some(at) => upper.get(usize::from(at)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        None => char::from(*byte),
    };
    bytes.iter().map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_page_has_a_character_for_every_byte() {
        let all: Vec<u8> = (0..=0xff).collect();
        for (label, first, euro) in [
            ("cp437", 'Ç', '╒'),
            ("ibm850", 'Ç', 'ı'),
            ("852", 'Ç', 'Ň'),
            ("ibm00858", 'Ç', '€'),
            ("dos860", 'Ç', '╒'),
        ] {
            let read: Vec<char> = decoder(label).unwrap()(&all).chars().collect();
            assert_eq!(
                (read.len(), read[0x41], read[0x80], read[0xd5], read[0xff]),
                (256, 'A', first, euro, '\u{a0}')
            );
        }
        assert!(decoder("cp1252").is_none() && decoder("cp").is_none());
    }

    #[test]
    fn letters_are_read_by_their_code_page() {
        for (label, bytes, expected) in [
            ("cspc8codepage437", b"Impresi\xa2n da\xa4ada".as_slice(), "Impresión dañada"),
            ("cspc850multilingual", b"\xb5rea \xe0ptima", "Área Óptima"),
            ("cspcp852", b"B\x88\xa5d drukarki", "Błąd drukarki"),
            ("cp858", b"100 \xd5", "100 €"),
            ("csibm860", b"impress\x84o n\x84o", "impressão não"),
            ("cp437", "año".as_bytes(), "año"),
        ] {
            assert_eq!(decoder(label).unwrap()(bytes), expected, "{label}");
        }
    }
}
