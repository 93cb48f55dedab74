//! The addresses of the desk's own mailbox.

use super::Config;

impl Config {
    /// Whether mail to this address reaches the desk itself: it is the sender of the desk's mail (`MESA_MAIL_FROM`)
    /// or the mailbox that the desk reads (the user of `MESA_IMAP_URL`, if it is an address), in upper or lower case,
    /// also with a suffix after `+`.
    pub fn is_own_address(&self, address: &str) -> bool {
        let from = self.mail.as_ref().map(|mail| mail.from.email.as_ref());
        let mailbox = self.imap.as_ref().map(|imap| imap.user.as_str()).filter(|user| user.contains('@'));
        let mailbox_of_address = mailbox_of(address);
        from.into_iter().chain(mailbox).any(|own: &str| mailbox_of(own) == mailbox_of_address)
    }
}

/// The local part without a suffix after `+`, and the domain; in lower case, without quotation marks, the domain in
/// ASCII.
fn mailbox_of(address: &str) -> (String, String) {
    let (local, domain) = address.trim().rsplit_once('@').unwrap_or((address, ""));
    let local = local.replace(['"', '\\'], "").to_lowercase();
    // A local part that begins with `+` has no name before it.
    let end = local.find('+').filter(|at| *at > 0).unwrap_or(local.len());
    let domain = domain.trim_end_matches('.');
    let ascii = url::Host::parse(domain).map_or_else(|_| domain.to_lowercase(), |host| host.to_string());
    (local[..end].to_owned(), ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Config {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let get = |name: &str| variables.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
        Config::read(&get).unwrap()
    }

    const SMTP: (&str, &str) = ("MESA_SMTP_URL", "smtp://mail.itagui.gov.co");
    const URL: (&str, &str) = ("MESA_PUBLIC_URL", "https://mesa.itagui.gov.co");
    const TRUST: (&str, &str) = ("MESA_MAIL_TRUST", "all");

    #[test]
    fn the_sender_and_the_mailbox_are_own_addresses_in_every_spelling() {
        let config = read(&[
            SMTP,
            URL,
            TRUST,
            ("MESA_MAIL_FROM", "Mesa <Mesa@itag\u{fc}i.gov.co>"),
            ("MESA_IMAP_URL", "imaps://soporte%40itagui.gov.co:x@mail.itagui.gov.co"),
        ]);
        for own in [
            "mesa@itag\u{fc}i.gov.co",
            "MESA@ITAG\u{dc}I.GOV.CO",
            "mesa@xn--itagi-nva.gov.co",
            "mesa+123@itag\u{fc}i.gov.co",
            "\"mesa\"@itag\u{fc}i.gov.co",
            "Mesa+a+b@itag\u{fc}i.gov.co.",
            "soporte@itagui.gov.co",
            "Soporte+x@Itagui.gov.co",
        ] {
            assert!(config.is_own_address(own), "{own}");
        }
        for other in [
            "ana@itagui.gov.co",
            "mesa@itagui.gov.co",
            "mesa2@itag\u{fc}i.gov.co",
            "ana+soporte@itagui.gov.co",
            "soporte@itagui.gov.co.evil.co",
            "soporte@otra.gov.co",
            "+soporte@itagui.gov.co",
            "",
        ] {
            assert!(!config.is_own_address(other), "{other}");
        }
    }

    #[test]
    fn an_own_address_with_a_suffix_stands_for_its_mailbox_and_a_user_name_for_none() {
        let from = ("MESA_MAIL_FROM", "mesa+casos@itagui.gov.co");
        let config = read(&[SMTP, URL, TRUST, from, ("MESA_IMAP_URL", "imaps://mesa:x@mail.itagui.gov.co")]);
        assert!(config.is_own_address("mesa@itagui.gov.co"));
        assert!(!config.is_own_address("mesa"));
        assert!(!read(&[]).is_own_address("mesa@itagui.gov.co"));
    }
}
