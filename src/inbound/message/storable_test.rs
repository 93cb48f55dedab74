//! What is read of a message can be stored: within the lengths of the columns, and without NUL, which PostgreSQL does not
//! store in text.

use super::{Mailbox, Message, Summary};

fn check_text(text: &str, longest: usize) {
    assert!(text.chars().count() <= longest && !text.contains('\0'), "{text:?}");
}

fn check_mailbox(mailbox: Option<&Mailbox>) {
    let Some(Mailbox { address, name }) = mailbox else { return };
    check_address(address);
    if let Some(name) = name {
        check_text(name, 200);
        assert!(!name.is_empty());
    }
}

fn check_address(address: &str) {
    check_text(address, 254);
    assert!(address.len() >= 3, "{address:?}");
}

fn check(bytes: &[u8]) -> (Summary<'_>, Message) {
    let (summary, message) = (Summary::read(bytes).unwrap(), Message::read(bytes, None, None).unwrap());
    check_mailbox(summary.from.as_ref());
    check_mailbox(summary.reply_to.as_ref());
    assert!(summary.recipients.len() <= 50);
    summary.recipients.iter().for_each(|address| check_address(address));
    check_text(&summary.subject, 200);
    check_text(summary.message_id.as_deref().unwrap_or_default(), 500);
    assert_eq!((&message.from, &message.reply_to), (&summary.from, &summary.reply_to));
    assert_eq!((&message.subject, &message.message_id), (&summary.subject, &summary.message_id));
    assert_eq!(message.recipients, summary.recipients);
    message.answers.iter().for_each(|id| check_text(id, 500));
    check_text(&message.text, usize::MAX);
    check_text(&message.reply.text, usize::MAX);
    for file in &message.files {
        check_text(&file.name, 255);
        assert!(!file.name.is_empty());
    }
    (summary, message)
}

#[test]
fn every_field_can_be_stored() {
    for value in [
        "\0",
        "a\0b",
        "\u{200b}",
        "=?utf-8?Q?a=00b?=",
        "=?utf-8?B?AA==?=",
        "=?utf-16le?B?YQAAAGIA?=",
        "\u{958}",
        "a@x.test\0",
        "a\0@x.test",
        "",
    ] {
        for times in [1, 400] {
            let value = value.repeat(times);
            for address in ["a@x.test".to_owned(), format!("{}@x.test", "a".repeat(300)), value.clone()] {
                let message = format!(
                    "From: {value} <a@x.test>\r\nReply-To: \"{value}\" <{address}>\r\nTo: {address}\r\nCc: {value}\r\n\
                     Subject: {value}\r\nMessage-ID: <{value}>\r\nReferences: <{value}> <a{value}@x.test>\r\n\
                     Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{value}\r\nbegin 644 {value}.txt\r\n\
                     #8V%T\r\nend\r\n--b\r\nContent-Type: application/pdf; name=\"{value}\"\r\n\r\nx\r\n--b\r\n\
                     Content-Type: application/pdf; name*=utf-8''%00{value}\r\n\r\nx\r\n--b\r\n\
                     Content-Type: message/rfc822\r\n\r\nSubject: {value}\r\n\r\nx\r\n--b\r\n\
                     Content-Type: text/html\r\n\r\n<p>&#0;{value}<img alt=\"{value}\"></p>\r\n--b--\r\n"
                );
                let (_, read) = check(message.as_bytes());
                assert!(read.files.len() >= 3, "{message:?}");
            }
        }
    }
}

#[test]
fn an_address_is_read_up_to_its_longest_length() {
    let with = |length: usize| {
        let address = format!("{}@x.test", "a".repeat(length - "@x.test".len()));
        let message = format!("From: {address}\r\nReply-To: {address}\r\nTo: {address}\r\n\r\nx");
        let (summary, _) = check(message.as_bytes());
        (summary.from.is_some(), summary.reply_to.is_some(), summary.recipients.len())
    };
    assert_eq!(with(254), (true, true, 1));
    assert_eq!(with(255), (false, false, 0));
}

#[test]
fn the_first_recipients_are_kept() {
    let list: Vec<String> = (0..60).map(|number| format!("u{number}@x.test")).collect();
    let message = format!("From: a@x.test\r\nTo: {}\r\nCc: b@x.test\r\n\r\nx", list.join(", "));
    assert_eq!(check(message.as_bytes()).0.recipients, list[..50]);
}
