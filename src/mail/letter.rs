//! A message as mail: its headers and its two parts.

use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder, MultiPart};
use uuid::Uuid;

use super::content::Content;

/// RFC 3834: prevents automatic answers.
const AUTO_SUBMITTED: &str = "Auto-Submitted";
/// The same for Exchange, which ignores the other. `Precedence` is not sent: it is in no standard, and some filters
/// classify `bulk` as advertising.
const SUPPRESS: &str = "X-Auto-Response-Suppress";

/// The mail of this message. Its Message-ID is derived from the message's id, so that a mail that is sent twice can
/// be recognized; every message of a ticket except the first replies to the first.
///
/// # Errors
/// A text, if the recipient's address is not valid.
pub fn letter(from: &Mailbox, id: Uuid, content: &Content) -> Result<Message, String> {
    let address = content
        .to_address
        .parse()
        .map_err(|error| format!("the address {:?} cannot be used: {error}", content.to_address))?;
    let message_id = |id: Uuid| format!("<{id}@{}>", from.email.domain());
    let mut letter = automatic(from)
        .message_id(Some(message_id(id)))
        .to(Mailbox::new(Some(content.to_name.clone()).filter(|name| !name.is_empty()), address))
        .subject(&content.subject);
    if content.root != id {
        letter = letter.in_reply_to(message_id(content.root)).references(message_id(content.root));
    }
    letter
        .multipart(MultiPart::alternative_plain_html(content.text.clone(), content.html.clone()))
        .map_err(|error| error.to_string())
}

/// A mail with the current date and the headers against automatic answers.
pub fn automatic(from: &Mailbox) -> MessageBuilder {
    let header = |name, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
    Message::builder()
        .date_now()
        .from(from.clone())
        .raw_header(header(AUTO_SUBMITTED, "auto-generated"))
        .raw_header(header(SUPPRESS, "OOF, AutoReply"))
}
