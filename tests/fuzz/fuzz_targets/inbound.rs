//! Whatever bytes come in by mail: they are read or refused, within bounds, and what is read is fit to be kept.

#![no_main]

#[path = "../../../src/inbound/message/mod.rs"]
#[expect(dead_code, reason = "the tests of Mesa look at what is only compared here")]
mod message;

use libfuzzer_sys::fuzz_target;
use message::{Message, Summary, verdict};

fuzz_target!(|bytes: &[u8]| {
    let read = Message::read(bytes, Some("mesa.test"), Some("soporte@mesa.test"));
    let summary = Summary::read(bytes);
    verdict(bytes, "mx.mesa.test", 2);
    let Ok(message) = read else { return };
    let Ok(summary) = summary else { panic!("what is read as a whole has a header") };
    assert_eq!((&summary.message_id, &summary.from), (&message.message_id, &message.from));
    let one_line = |text: &str| !text.contains(|c: char| c.is_control());
    assert!(one_line(&message.subject) && message.subject.chars().count() <= 200);
    assert!(!message.text.contains('\0') && !message.reply.text.contains('\0'));
    assert!(message.text.trim().is_empty() || !message.reply.text.trim().is_empty());
    if let Some(mailbox) = &message.from {
        assert!(one_line(&mailbox.address) && mailbox.address.contains('@') && mailbox.address.len() <= 254);
        assert!(mailbox.name.as_deref().is_none_or(one_line));
    }
    // Nothing is made of nothing: what is decoded is never more than what came in.
    let files: usize = message.files.iter().map(|file| file.bytes.len()).sum();
    assert!(files <= bytes.len());
    assert!(message.files.iter().all(|file| one_line(&file.name) && !file.name.is_empty()));
});
