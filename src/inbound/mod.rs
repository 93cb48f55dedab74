//! Mail that comes in by three doors: kept as it came, read, and made into a ticket or a followup.

pub mod emails;
mod files;
pub mod imap;
mod links;
pub mod message;
mod outcome;
pub mod process;
mod receive;
mod senders;
pub mod storage;
mod threads;
mod trust;

use utoipa_actix_web::service_config::ServiceConfig;

use self::message::Verdict;
use crate::language::text_enum;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(receive::receive)
        .service(emails::list)
        .service(emails::read)
        .service(emails::raw)
        .service(emails::process_again);
}

text_enum! {
    /// By which door a message came in.
    pub enum Source {
        /// `POST /inbound-emails`.
        Api = "api",
        /// `mesa mail ingest`, as a mail server's pipe calls it.
        Command = "command",
        /// A mailbox that the desk looks into.
        Imap = "imap",
    }
}

text_enum! {
    /// The processing state of an inbound message.
    pub enum EmailStatus {
        /// It is kept, and its turn has not come, or the last try did not succeed.
        Waiting = "waiting",
        /// It became a ticket or a followup.
        Processed = "processed",
        /// Somebody of the staff has to look at it: see `reason`.
        SetAside = "set_aside",
        /// A machine wrote it, or somebody wrote too much: nothing became of it and nobody was answered; see `reason`.
        Ignored = "ignored",
    }
}

text_enum! {
    /// Whether our own mail server verified that a message comes from the domain of its author (RFC 8601).
    pub enum Authentication {
        /// Verified: DMARC passes, or DKIM or SPF pass for the domain of `From`, a parent domain or a subdomain of it.
        Aligned = "aligned",
        /// It says that the message does not come from there: DMARC, SPF or DKIM fail.
        Failed = "failed",
        /// It says neither, or is not configured (MESA_MAIL_AUTHSERV_ID).
        Unverified = "unverified",
    }
}

impl From<Verdict> for Authentication {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Aligned => Authentication::Aligned,
            Verdict::Failed => Authentication::Failed,
            Verdict::Unverified => Authentication::Unverified,
        }
    }
}

text_enum! {
    /// Why a message was set aside or ignored.
    pub enum Reason {
        /// Set aside: it has too many parts, or is otherwise not to be read.
        NotUnderstood = "not_understood",
        /// Set aside: it names no author, or more than one.
        SenderUnclear = "sender_unclear",
        /// Set aside: our own mail server says that SPF, DKIM or DMARC fail.
        AuthenticationFailed = "authentication_failed",
        /// Set aside: our own mail server did not verify its author, who is staff, or MESA_MAIL_TRUST is `aligned`.
        SenderUnverified = "sender_unverified",
        /// Set aside: its author's account is not active any more.
        SenderInactive = "sender_inactive",
        /// Set aside: its author's address is that of the desk's own mailbox, also with `+` and a suffix. Releasing it does not
        /// change that.
        OwnAddress = "own_address",
        /// Set aside: nobody knows its author, and more than the limit of such wrote within an hour.
        TooManyStrangers = "too_many_strangers",
        /// Set aside: another message had the same Message-ID and other words.
        MessageIdReused = "message_id_reused",
        /// Set aside: it was tried often and did not succeed; the log says why.
        Failed = "failed",
        /// Ignored: the desk sent it itself.
        OwnMail = "own_mail",
        /// Ignored: it tells of mail that could not be delivered.
        Bounce = "bounce",
        /// Ignored: a program answered or reported by itself.
        AutoReply = "auto_reply",
        /// Ignored: it went to a list, and answers no ticket of its author.
        MailingList = "mailing_list",
        /// Ignored: its author wrote more than the limit within an hour.
        SenderLimit = "sender_limit",
    }
}

impl Reason {
    /// What a message with this reason is.
    pub fn status(self) -> EmailStatus {
        use Reason::*;
        match self {
            NotUnderstood | SenderUnclear | AuthenticationFailed | SenderUnverified | SenderInactive
            | OwnAddress | TooManyStrangers | MessageIdReused | Failed => EmailStatus::SetAside,
            OwnMail | Bounce | AutoReply | MailingList | SenderLimit => EmailStatus::Ignored,
        }
    }
}
