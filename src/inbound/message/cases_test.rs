//! The messages in `tests/mail-cases`, each with what a desk should read in it.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::Message;

/// The numbers of the messages that show how replies are cut.
const REPLIES: [std::ops::RangeInclusive<u32>; 2] = [9..=9, 18..=35];

/// What only the whole desk shows: tickets, relations, and which files are accepted.
const OF_THE_DESK: [&str; 3] = ["kind", "followup_or_relation", "refused_files"];

struct Case {
    name: String,
    message: Vec<u8>,
    expected: Value,
}

impl Case {
    fn number(&self) -> u32 {
        self.name.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    }
}

fn cases() -> Vec<Case> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/mail-cases");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    paths.sort();
    let read =
        |path: PathBuf| Case {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            message: fs::read(&path).unwrap(),
            expected: serde_json::from_slice::<Value>(&fs::read(path.with_extension("json")).unwrap())
                .unwrap()["expected"]
                .take(),
        };
    paths.into_iter().map(read).collect()
}

/// Why the message is not read as expected.
fn fault(message: &Message, what: &str, expected: &Value) -> Option<String> {
    let words = |value: &Value| value.as_str().unwrap().to_owned();
    let many = |value: &Value| value.as_array().unwrap().iter().map(words).collect::<Vec<String>>();
    let names = || message.files.iter().map(|file| file.name.clone()).collect::<Vec<String>>();
    let from = message.from.as_ref();
    let (is_right, read) = match what {
        "subject" => (message.subject == words(expected), message.subject.clone()),
        "requester_name" => {
            let name = from.and_then(|from| from.name.clone()).unwrap_or_default();
            (name == words(expected), name)
        }
        "from_address" => {
            let address = from.map(|from| from.address.clone()).unwrap_or_default();
            (address == words(expected), address)
        }
        "reply_to" => {
            let address = message.reply_to.as_ref().map(|to| to.address.clone()).unwrap_or_default();
            (address == words(expected), address)
        }
        "body_equals" => (message.reply.text == words(expected), message.reply.text.clone()),
        "body_contains" => {
            (many(expected).iter().all(|part| message.reply.text.contains(part)), message.reply.text.clone())
        }
        "body_lacks" => {
            (!many(expected).iter().any(|part| message.reply.text.contains(part)), message.reply.text.clone())
        }
        "files" => (names() == many(expected), format!("{:?}", names())),
        "files_any" => (names().iter().any(|name| many(expected).contains(name)), format!("{:?}", names())),
        "file_bytes" => {
            let wanted = many(expected);
            let file = message.files.iter().find(|file| file.name == wanted[0]);
            let bytes = file.map(|file| String::from_utf8_lossy(&file.bytes).into_owned());
            (bytes.as_ref() == Some(&wanted[1]), format!("{bytes:?}"))
        }
        _ => panic!("{what} is unknown"),
    };
    (!is_right).then(|| format!("{what} {expected}: {read}"))
}

#[test]
fn messages_are_read_as_a_desk_should() {
    let (mut faults, mut read) = (Vec::new(), 0);
    for case in cases() {
        if REPLIES.iter().any(|numbers| numbers.contains(&case.number())) {
            continue;
        }
        let message = match Message::read(&case.message, None, None) {
            Ok(message) => message,
            Err(fault) => {
                faults.push(format!("{}: {fault:?}", case.name));
                continue;
            }
        };
        if message.from.is_none() {
            faults.push(format!("{}: no author", case.name));
        }
        for (what, expected) in case.expected.as_object().unwrap() {
            if OF_THE_DESK.contains(&what.as_str()) {
                println!("{}: {what} is not checked here", case.name);
                continue;
            }
            read += 1;
            faults.extend(fault(&message, what, expected).map(|fault| format!("{}: {fault}", case.name)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(read > 20, "{read}");
}
