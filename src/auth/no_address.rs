//! The addresses of accounts of people who have no email address: undeliverable (RFC 2606), and different for each.

use uuid::Uuid;

const DOMAIN: &str = "@no-address.invalid";

/// The domain of anonymized accounts.
pub const ANONYMOUS: &str = "@anonymous.invalid";

/// The domain of service accounts.
const MACHINE: &str = "@service-account.invalid";

/// The SQL condition that the account `u` has an address to which mail can be sent.
pub const HAS_ADDRESS: &str = "u.account_kind = 'person' AND u.email NOT LIKE '%@no-address.invalid'";

/// The address of this account, if its owner has none.
pub fn undeliverable(id: Uuid) -> String {
    format!("{id}{DOMAIN}")
}

/// The address of this service account.
pub fn of_service_account(id: Uuid) -> String {
    format!("{id}{MACHINE}")
}

/// Whether mail can be sent to this address.
pub fn is_deliverable(address: &str) -> bool {
    let address = address.to_lowercase();
    ![DOMAIN, ANONYMOUS, MACHINE].iter().any(|domain| address.ends_with(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_reserved_domain_is_not_deliverable() {
        assert!(!is_deliverable(&undeliverable(Uuid::nil())));
        assert!(!is_deliverable(&of_service_account(Uuid::nil())));
        assert!(!is_deliverable("ANA@No-Address.Invalid"));
        assert!(is_deliverable("ana@no-address.invalid.example.com"));
        assert!(HAS_ADDRESS.ends_with(&format!("'%{DOMAIN}'")));
    }
}
