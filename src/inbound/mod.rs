//! Inbound mail from three sources: stored unchanged, read, and turned into a ticket or a followup.

mod answers;
mod copies;
pub mod emails;
mod files;
pub mod imap;
mod links;
pub mod message;
mod original;
mod outcome;
pub mod process;
mod programs;
mod public_providers;
mod receive;
mod registration;
mod replies;
mod requester_data;
mod sender_data;
mod senders;
pub mod storage;
mod thanks;
mod threads;
mod trust;
mod words;

use self::message::Verdict;
use crate::http::routes::Routes;
use crate::language::text_enum;

pub fn routes(routes: &mut Routes) {
    routes
        .service(receive::receive)
        .service(emails::list)
        .service(emails::read)
        .service(emails::raw)
        .service(emails::process_again)
        .service(original::read);
}

text_enum! {
    /// The source of a message.
    pub enum InboundEmailSource {
        /// `POST /inbound-emails`.
        Api = "api",
        /// `mesa mail ingest`, called by a mail server's pipe.
        Command = "command",
        /// A mailbox that the server polls.
        Imap = "imap",
    }
}

text_enum! {
    /// The processing state of an inbound message.
    pub enum InboundEmailStatus {
        /// It is stored, and not processed yet, or it will be tried again after a failed attempt.
        Waiting = "waiting",
        /// A ticket or a followup was created.
        Processed = "processed",
        /// A member of staff has to check it: see `reason`.
        SetAside = "set_aside",
        /// A program sent it, or its author wrote too much: nothing was created and no answer was sent; see `reason`.
        Ignored = "ignored",
    }
}

text_enum! {
    /// Whether the entity's own mail server verified that a message comes from the domain of its author (RFC 8601).
    pub enum InboundEmailAuthentication {
        /// Verified: DMARC passes, or DKIM or SPF pass for the domain of `From`, a parent domain or a subdomain of it.
        Aligned = "aligned",
        /// Failed: DMARC, SPF or DKIM fail, so the message does not come from there.
        Failed = "failed",
        /// Neither, or the check is not configured (MESA_MAIL_AUTHSERV_ID).
        Unverified = "unverified",
    }
}

impl From<Verdict> for InboundEmailAuthentication {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Aligned => InboundEmailAuthentication::Aligned,
            Verdict::Failed => InboundEmailAuthentication::Failed,
            Verdict::Unverified => InboundEmailAuthentication::Unverified,
        }
    }
}

text_enum! {
    /// Why a message was set aside or ignored.
    pub enum InboundEmailReason {
        /// Set aside: it has too many parts, or cannot be read for another reason.
        NotUnderstood = "not_understood",
        /// Set aside: it names no author, or more than one.
        SenderUnclear = "sender_unclear",
        /// Set aside: the entity's own mail server reports that SPF, DKIM or DMARC fail.
        AuthenticationFailed = "authentication_failed",
        /// Set aside: the entity's own mail server did not verify its author, who is staff, or MESA_MAIL_TRUST is
        /// `aligned`.
        SenderUnverified = "sender_unverified",
        /// Set aside: its author's account is no longer active.
        SenderInactive = "sender_inactive",
        /// Set aside: its author's contract has ended, so it cannot register a ticket. Releasing it does not change
        /// that.
        ContractEnded = "contract_ended",
        /// Set aside: its author's address is that of the desk's own mailbox, also with `+` and a suffix. Releasing
        /// it does not change that.
        OwnAddress = "own_address",
        /// Set aside: its author has no account, and more than the allowed number of such authors wrote within an
        /// hour.
        TooManyStrangers = "too_many_strangers",
        /// Set aside: another message had the same Message-ID and a different content.
        MessageIdReused = "message_id_reused",
        /// Set aside: all attempts to process it failed; the log has the reason.
        Failed = "failed",
        /// Ignored: it was sent by the desk itself.
        OwnMail = "own_mail",
        /// Ignored: it reports undelivered mail.
        Bounce = "bounce",
        /// Ignored: a program answered automatically.
        AutoReply = "auto_reply",
        /// Ignored: it was sent to a list, and its author has no account.
        MailingList = "mailing_list",
        /// Ignored: its author wrote more than the limit within an hour.
        SenderLimit = "sender_limit",
        /// Ignored: it replies to a closed or archived ticket, and only thanks.
        Thanks = "thanks",
    }
}

impl InboundEmailReason {
    /// The status that follows from this reason.
    pub fn status(self) -> InboundEmailStatus {
        use InboundEmailReason::*;
        match self {
            NotUnderstood | SenderUnclear | AuthenticationFailed | SenderUnverified | SenderInactive
            | ContractEnded | OwnAddress | TooManyStrangers | MessageIdReused | Failed => {
                InboundEmailStatus::SetAside
            }
            OwnMail | Bounce | AutoReply | MailingList | SenderLimit | Thanks => InboundEmailStatus::Ignored,
        }
    }
}
