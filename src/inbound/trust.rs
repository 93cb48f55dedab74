//! Whether a message may act in the name of its author.

use super::{InboundEmailAuthentication, InboundEmailReason};
use crate::config::MailTrust;

/// Why a message is set aside because its author is not verified; none if it may act as its author. A message of
/// staff must be aligned, and staff cannot release it otherwise: it would act in the name of a colleague. Other
/// messages are accepted if `released`.
pub fn refusal(
    trust: MailTrust,
    authentication: InboundEmailAuthentication,
    is_staff: bool,
    released: bool,
) -> Option<InboundEmailReason> {
    let must_be_aligned = is_staff || trust == MailTrust::Aligned;
    match authentication {
        _ if trust == MailTrust::All => None,
        InboundEmailAuthentication::Aligned => None,
        _ if released && !is_staff => None,
        InboundEmailAuthentication::Failed => Some(InboundEmailReason::AuthenticationFailed),
        InboundEmailAuthentication::Unverified => {
            must_be_aligned.then_some(InboundEmailReason::SenderUnverified)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use InboundEmailAuthentication::{Aligned, Failed, Unverified};

    #[test]
    fn every_combination_has_its_reason() {
        let failed = Some(InboundEmailReason::AuthenticationFailed);
        let unverified = Some(InboundEmailReason::SenderUnverified);
        // Columns: a requester, a requester whose message is released, staff, staff whose message is released.
        for (trust, authentication, expected) in [
            (MailTrust::NotFailed, Aligned, [None; 4]),
            (MailTrust::NotFailed, Unverified, [None, None, unverified, unverified]),
            (MailTrust::NotFailed, Failed, [failed, None, failed, failed]),
            (MailTrust::Aligned, Aligned, [None; 4]),
            (MailTrust::Aligned, Unverified, [unverified, None, unverified, unverified]),
            (MailTrust::Aligned, Failed, [failed, None, failed, failed]),
            (MailTrust::All, Aligned, [None; 4]),
            (MailTrust::All, Unverified, [None; 4]),
            (MailTrust::All, Failed, [None; 4]),
        ] {
            let cases = [(false, false), (false, true), (true, false), (true, true)];
            let found = cases.map(|(is_staff, released)| refusal(trust, authentication, is_staff, released));
            assert_eq!(found, expected, "{trust:?} {authentication:?}");
        }
    }
}
