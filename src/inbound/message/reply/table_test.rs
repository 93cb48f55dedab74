//! The replies and the texts of writers in `tests/replies`. Each begins with `%% name`; below a line `%%` are the words
//! that must be left, which are all of them if there is no such line. `␠` is a space at the end of a line.

use std::path::Path;

use super::{OwnTexts, new_words};

struct Row {
    name: String,
    text: String,
    /// None: all of the text.
    expected: Option<String>,
}

fn rows() -> Vec<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replies");
    let mut rows = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = std::fs::read_to_string(&path).unwrap().replace('␠', " ");
        for block in file.split("%% ").skip(1) {
            let (name, rest) = block.split_once('\n').unwrap();
            let name = format!("{}: {name}", path.file_name().unwrap().to_str().unwrap());
            let (text, expected) = match rest.split_once("%%\n") {
                Some((text, expected)) => (text.trim_end_matches('\n'), Some(expected.trim().to_owned())),
                None => (rest, None),
            };
            rows.push(Row { name, text: text.to_owned(), expected });
        }
    }
    rows
}

#[test]
fn replies_of_each_program_are_cut_and_words_of_writers_are_not() {
    let rows = rows();
    let cut = rows.iter().filter(|row| row.expected.is_some()).count();
    assert!(cut >= 200 && rows.len() - cut >= 80, "{cut} of {}", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let reply = new_words(&row.text, &OwnTexts::default());
        let expected = row.expected.as_deref().unwrap_or(row.text.trim());
        let is_cut = expected.split_whitespace().count() < row.text.split_whitespace().count();
        if reply.text != expected || reply.is_cut != is_cut {
            wrong.push(format!("{}:\n{}\nexpected:\n{expected}", row.name, reply.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_ends_of_lines_of_windows_change_nothing() {
    for row in rows() {
        let reply = new_words(&row.text.replace('\n', "\r\n"), &OwnTexts::default());
        let expected = row.expected.as_deref().unwrap_or(row.text.trim());
        assert_eq!(reply.text.replace("\r\n", "\n"), expected, "{}", row.name);
    }
}

/// What programs put below a reply.
const QUOTATIONS: [&str; 5] = [
    "El lun, 24 nov 2026 a las 10:00, Mesa <mesa@desk.test> escribió:\n\n> Su caso\n",
    "On Tue, Nov 24, 2026 at 10:00 AM Desk <desk@desk.test> wrote:\n\nYour case\n",
    "De: Mesa <mesa@desk.test>\nEnviado: martes, 24 de noviembre de 2026 10:00\nPara: Ana\nAsunto: RE: x\n\nSu caso\n",
    "De: Mesa <mesa@desk.test>\n\nFecha: martes, 24 de noviembre de 2026\n\nPara: Ana\n\nAsunto: x\n\nSu caso\n",
    "-----Mensaje original-----\nDe: Mesa\n\nSu caso\n",
];

#[test]
fn words_of_writers_stay_above_a_quotation() {
    for row in rows().iter().filter(|row| row.expected.is_none()) {
        for quotation in QUOTATIONS {
            let text = row.text.trim();
            let reply = new_words(&format!("{text}\n\n{quotation}"), &OwnTexts::default());
            assert!(reply.text.starts_with(text), "{}:\n{}", row.name, reply.text);
            let forwards = row.name.contains("forwarded");
            assert!(reply.text == text || forwards, "{}:\n{}", row.name, reply.text);
        }
    }
}
