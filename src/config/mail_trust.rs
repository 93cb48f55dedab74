//! Which senders of inbound mail are trusted.

use std::str::FromStr;

use super::reader::{Reader, Wrong};

/// Which messages are accepted, by the entity's mail server's verdict on their author. A message whose author is
/// staff must be aligned in any case, unless the value is `All`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTrust {
    /// Those whose verification did not fail.
    NotFailed,
    /// Those that are verified.
    Aligned,
    /// All, including those of staff.
    All,
}

impl MailTrust {
    const ALL: [MailTrust; 3] = [MailTrust::NotFailed, MailTrust::Aligned, MailTrust::All];

    /// The value of `MESA_MAIL_TRUST`.
    pub fn as_str(self) -> &'static str {
        match self {
            MailTrust::NotFailed => "not_failed",
            MailTrust::Aligned => "aligned",
            MailTrust::All => "all",
        }
    }
}

impl FromStr for MailTrust {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        MailTrust::ALL.into_iter().find(|trust| trust.as_str() == text).ok_or(())
    }
}

/// The default of `MESA_MAIL_HOPS`: the border server of the entity and one that delivers behind it, as Postfix with
/// Dovecot or Google Workspace, whose border server writes its results below its own `Received` field.
const HOPS: usize = 2;

impl Reader<'_> {
    /// How many `Received` fields may be above an `Authentication-Results` field that counts.
    pub fn mail_hops(&mut self) -> usize {
        self.parse(
            "MESA_MAIL_HOPS",
            HOPS,
            |n| (0..=50).contains(n),
            "a number of Received fields from 0 to 50",
        )
    }

    /// The name of the entity's mail server in `Authentication-Results`, and which senders are trusted.
    pub fn mail_trust(&mut self) -> (Option<String>, MailTrust) {
        let authserv_id = self.checked(
            "MESA_MAIL_AUTHSERV_ID",
            |id| id.chars().all(|c| c.is_ascii_graphic() && !"\"();=".contains(c)),
            "the name of your mail server as in Authentication-Results, such as mx.example.gov.co",
        );
        let trust =
            self.parse("MESA_MAIL_TRUST", MailTrust::NotFailed, |_| true, "not_failed, aligned or all");
        let needs_it = match trust {
            MailTrust::All => None,
            MailTrust::Aligned => Some("MESA_MAIL_TRUST is aligned"),
            MailTrust::NotFailed => self.text("MESA_IMAP_URL").map(|_| "MESA_IMAP_URL is set"),
        };
        if let Some(why) = needs_it.filter(|_| authserv_id.is_none()) {
            let expected = format!(
                "required if {why}: the name of your mail server as in Authentication-Results, such as \
                 mx.example.gov.co; MESA_MAIL_TRUST=all trusts every sender without it"
            );
            self.wrong.push(Wrong { variable: "MESA_MAIL_AUTHSERV_ID", expected });
        }
        (authserv_id, trust)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigError};

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::read(&move |name| variables.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()))
    }

    fn wrong(variables: &[(&str, &str)]) -> Vec<&'static str> {
        let named = |error: ConfigError| error.0.iter().map(|wrong| wrong.variable).collect();
        read(variables).map_or_else(named, |_| Vec::new())
    }

    const MAILBOX: (&str, &str) = ("MESA_IMAP_URL", "imaps://mesa:secreto@mail.x.co");
    const SERVER: (&str, &str) = ("MESA_MAIL_AUTHSERV_ID", "mx.x.co");

    #[test]
    fn a_mailbox_needs_a_mail_server_that_verifies_senders_or_the_trust_of_all() {
        assert_eq!(wrong(&[MAILBOX]), ["MESA_MAIL_AUTHSERV_ID"]);
        assert_eq!(wrong(&[MAILBOX, ("MESA_MAIL_TRUST", "not_failed")]), ["MESA_MAIL_AUTHSERV_ID"]);
        assert_eq!(wrong(&[MAILBOX, ("MESA_MAIL_AUTHSERV_ID", " ")]), ["MESA_MAIL_AUTHSERV_ID"]);
        assert!(wrong(&[MAILBOX, SERVER]).is_empty());
        assert!(wrong(&[MAILBOX, ("MESA_MAIL_TRUST", "all")]).is_empty());
        let told = read(&[MAILBOX]).unwrap_err().to_string();
        assert!(told.contains("MESA_MAIL_TRUST=all") && !told.contains("secreto"), "{told}");
    }

    #[test]
    fn hops_are_a_number() {
        assert_eq!(read(&[]).unwrap().mail_hops, 2);
        assert_eq!(read(&[("MESA_MAIL_HOPS", "0")]).unwrap().mail_hops, 0);
        for text in ["-1", "51", "all"] {
            assert_eq!(wrong(&[("MESA_MAIL_HOPS", text)]), ["MESA_MAIL_HOPS"]);
        }
    }

    #[test]
    fn trust_is_one_of_three_and_in_what_is_aligned_needs_a_mail_server() {
        assert_eq!(read(&[]).unwrap().mail_trust, MailTrust::NotFailed);
        assert_eq!(read(&[SERVER, ("MESA_MAIL_TRUST", "aligned")]).unwrap().mail_trust, MailTrust::Aligned);
        assert_eq!(wrong(&[("MESA_MAIL_TRUST", "aligned")]), ["MESA_MAIL_AUTHSERV_ID"]);
        assert_eq!(wrong(&[("MESA_MAIL_TRUST", "everybody")]), ["MESA_MAIL_TRUST"]);
        assert_eq!(wrong(&[("MESA_MAIL_AUTHSERV_ID", "mx; dmarc=pass")]), ["MESA_MAIL_AUTHSERV_ID"]);
    }
}
