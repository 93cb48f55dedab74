//! The replies among the cases of `tests/mail-cases`.

use std::path::Path;

use crate::inbound::message::Message;

const FIRST_AND_LAST: (&str, &str) = ("18", "35");

#[test]
fn replies_are_cut_where_the_cases_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail-cases");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let in_range = (FIRST_AND_LAST.0..=FIRST_AND_LAST.1).contains(&&name[..2]) || &name[..2] == "09";
        if path.extension().unwrap() != "eml" || !in_range {
            continue;
        }
        let case: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path.with_extension("json")).unwrap()).unwrap();
        let message = Message::read(&std::fs::read(&path).unwrap(), None, None).unwrap();
        let expected = &case["expected"];
        if let Some(words) = expected["body_equals"].as_str() {
            assert_eq!(message.reply.text, words, "{name}");
        }
        for words in expected["body_contains"].as_array().into_iter().flatten() {
            assert!(message.reply.text.contains(words.as_str().unwrap()), "{name}: {}", message.reply.text);
        }
        read += 1;
    }
    assert_eq!(read, 19);
}
