//! Names of files: made safe for the systems that they are downloaded to, and rejected if opening them runs a
//! program.

use unicode_general_category::{GeneralCategory, get_general_category};

/// Maximum length of a name without its extension, in characters.
const STEM_LENGTH: usize = 150;

/// Maximum length of an extension, in characters.
const EXTENSION_LENGTH: usize = 10;

/// Device names in Windows, with any extension.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Extensions of files that Windows, macOS or Linux runs, installs, mounts or applies as settings when a user opens
/// them. Whether a web page or an SVG image is accepted is decided by its media type.
const RUNNABLE: [&str; 104] = [
    "ade",
    "adp",
    "apk",
    "app",
    "appimage",
    "appinstaller",
    "application",
    "appref-ms",
    "appx",
    "appxbundle",
    "bat",
    "chm",
    "class",
    "cmd",
    "com",
    "command",
    "cpl",
    "deb",
    "desktop",
    "diagcab",
    "dll",
    "dmg",
    "drv",
    "exe",
    "fxp",
    "gadget",
    "grp",
    "hlp",
    "hpj",
    "hta",
    "htc",
    "img",
    "inf",
    "ins",
    "iqy",
    "iso",
    "isp",
    "jar",
    "jnlp",
    "js",
    "jse",
    "ksh",
    "library-ms",
    "lnk",
    "mad",
    "maf",
    "mam",
    "maq",
    "mar",
    "mau",
    "mav",
    "maw",
    "mcf",
    "mht",
    "mhtml",
    "msc",
    "msh",
    "msi",
    "msix",
    "msp",
    "mst",
    "ocx",
    "osd",
    "pcd",
    "pif",
    "pkg",
    "plg",
    "ppkg",
    "prf",
    "prg",
    "ps1",
    "ps1xml",
    "ps2",
    "psc1",
    "psd1",
    "psm1",
    "py",
    "pyc",
    "pyw",
    "pyz",
    "rdp",
    "reg",
    "rpm",
    "scf",
    "scr",
    "sct",
    "sh",
    "shb",
    "shs",
    "slk",
    "svgz",
    "swf",
    "sys",
    "theme",
    "udl",
    "url",
    "vb",
    "vbe",
    "vbs",
    "vhd",
    "vhdx",
    "webloc",
    "xll",
    "xbap",
];

/// Extensions of the same kind that are longer than others, or that end script hosts and saved searches.
const RUNNABLE_MORE: [&str; 16] = [
    "jsp",
    "msixbundle",
    "php",
    "search-ms",
    "searchconnector-ms",
    "settingcontent-ms",
    "shtml",
    "vsto",
    "vsw",
    "website",
    "ws",
    "wsb",
    "wsc",
    "wsf",
    "wsh",
    "xnk",
];

/// The extension of a safe name, in lower case; empty if it has none.
pub fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, extension)| extension.trim().to_lowercase()).unwrap_or_default()
}

/// Whether opening a file of this (safe) name runs its content.
pub fn is_runnable(name: &str) -> bool {
    let extension = extension(name);
    RUNNABLE.contains(&extension.as_str()) || RUNNABLE_MORE.contains(&extension.as_str())
}

/// The last part of a path, without characters that are invisible, change the direction of writing or are reserved by
/// file systems; not a name that a file system reserves or hides, and not too long.
pub fn safe(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible = last.chars().filter(|c| !is_hidden(*c));
    let allowed = visible.map(|c| match c {
        '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
        c if c.is_whitespace() => ' ',
        c => c,
    });
    let allowed: String = allowed.collect();
    let words: Vec<&str> = allowed.split(' ').filter(|word| !word.is_empty()).collect();
    let mut name = trim(&words.join(" ")).to_owned();
    if is_device(&name) {
        name.insert(0, '_');
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.chars().count() <= EXTENSION_LENGTH => (stem, Some(extension)),
        _ => (name.as_str(), None),
    };
    let stem: String = stem.chars().take(STEM_LENGTH).collect();
    let name = match extension {
        Some(extension) => format!("{stem}.{extension}"),
        None => stem,
    };
    match trim(&name) {
        "" => "file".to_owned(),
        name => name.to_owned(),
    }
}

/// Windows drops spaces and dots at the end of a name; a dot at its beginning hides the file elsewhere.
fn trim(name: &str) -> &str {
    name.trim_matches(|c: char| c == '.' || c.is_whitespace())
}

/// Control and format characters (direction, joiners, soft hyphens, tags), separators of lines and paragraphs,
/// surrogates, private use and unassigned code points, and letters that are blank.
fn is_hidden(c: char) -> bool {
    use GeneralCategory as Category;
    let blank = matches!(
        c,
        '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
    ) || matches!(c, '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
    let category = matches!(
        get_general_category(c),
        Category::Control
            | Category::Format
            | Category::LineSeparator
            | Category::ParagraphSeparator
            | Category::PrivateUse
            | Category::Surrogate
            | Category::Unassigned
    );
    // A tab separates words.
    (category || blank) && !matches!(c, '\t')
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim().to_uppercase();
    let numbered = ["COM", "LPT"].iter().filter_map(|device| stem.strip_prefix(device)).any(|number| {
        let mut digits = number.chars();
        matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    });
    numbered || DEVICES.contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_made_safe() {
        for (name, expected) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ana\\informe final.pdf", "informe final.pdf"),
            ("factura\u{202e}fdp.exe", "facturafdp.exe"),
            ("a\r\nSet-Cookie: x", "aSet-Cookie_ x"),
            ("..", "file"),
            (".htaccess", "htaccess"),
            ("", "file"),
            ("\u{200b}\u{feff}", "file"),
            // Format characters, separators, tags, variation selectors, blank letters.
            (
                "a\u{061c}b\u{00ad}c\u{180e}d\u{2028}e\u{2029}f\u{e0041}g\u{fe0f}h\u{3164}i.txt",
                "abcdefghi.txt",
            ),
            ("a\u{2066}b\u{2069}c\u{200d}d\u{e000}.txt", "abcd.txt"),
            ("foto.jpg               \u{00a0}\u{3000}.hta", "foto.jpg .hta"),
            ("nota.txt. . .", "nota.txt"),
            // Device names of Windows, with any extension.
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("Com1.tar.gz", "_Com1.tar.gz"),
            ("LPT9 .txt", "_LPT9 .txt"),
            ("COM².txt", "_COM².txt"),
            ("C\u{200b}ON.txt", "_CON.txt"),
            ("conin$", "_conin$"),
            ("CONTRATO.pdf", "CONTRATO.pdf"),
            ("COM12.txt", "COM12.txt"),
            ("comité.pdf", "comité.pdf"),
            ("a.txt::$DATA", "a.txt__$DATA"),
        ] {
            assert_eq!(safe(name), expected, "{name:?}");
        }
        assert_eq!(safe(&format!("{}.pdf", "a".repeat(400))).chars().count(), STEM_LENGTH + 4);
    }

    #[test]
    fn what_runs_when_it_is_opened_is_known_by_its_last_extension() {
        for name in [
            "a.hta",
            "a.VBS",
            "a.url",
            "a.mht",
            "a.jar",
            "a.lnk",
            "a.ps1",
            "a.wsf",
            "a.js",
            "a.bat",
            "a.scr",
            "factura.pdf.exe",
            "factura.pdf           .hta",
            "factura.hta. .",
            "factura.h\u{200b}ta",
            "a.hta\u{202e}",
            "factura.txt\u{2028}.vbs",
            "a.settingcontent-ms",
            "a.msixbundle",
        ] {
            assert!(is_runnable(&safe(name)), "{name:?}: {}", safe(name));
        }
        // A name must not become a reserved one when it is cut.
        assert!(is_runnable(&safe(&format!("{}.hta.{}", "a".repeat(146), "b".repeat(11)))));
        for name in ["a.pdf", "exe", "informe.exe.pdf", "www.itagui.gov.co.txt", "nota", "a.xml", "datos.csv"]
        {
            assert!(!is_runnable(&safe(name)), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn every_name_becomes_one_that_is_short_and_safe(name in "(\\PC|[\\u{0}-\\u{20}]|[.:/\\\\ ]|[\\u{200b}-\\u{206f}]|CON|\\.hta){0,200}") {
            let made = safe(&name);
            prop_assert!(!made.is_empty() && made.chars().count() <= STEM_LENGTH + EXTENSION_LENGTH + 2);
            prop_assert!(!made.contains(['/', '\\', '\0', '\n', '"', ':']) && !made.starts_with('.'));
            prop_assert!(!made.ends_with(['.', ' ']) && !made.chars().any(is_hidden) && !is_device(&made));
            prop_assert_eq!(safe(&made), made);
        }
    }
}
