//! What identifies the caller of a request: an access token or a key.

use uuid::Uuid;

use crate::auth::keys::KeyHash;
use crate::auth::tokens::Claims;
use crate::language::locale::Locale;

/// The caller of a request, as identified where requests are counted. Each read and each write checks it again.
#[derive(Debug, Clone)]
pub struct Credential {
    pub user_id: Uuid,
    pub locale: Locale,
    pub proof: Proof,
    /// When the token expires, in seconds of the Unix time; `None` for a key.
    pub expires_at: Option<i64>,
}

/// What proves that the caller is this account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// An access token of a sign-in of this era.
    SignIn { era: i32 },
    /// An access token that was issued for a key.
    TokenOfKey { era: i32, key_id: Uuid },
    /// A key.
    Key { hash: KeyHash, key_id: Uuid },
}

/// The account to read, with the key that must be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    Account(Uuid),
    /// The account of the key with this hash.
    Key(KeyHash),
    /// This account, if it has this key.
    KeyOf {
        user_id: Uuid,
        key_id: Uuid,
    },
}

impl Credential {
    pub fn of_token(claims: Claims) -> Self {
        let Claims { sub, locale, era, key, exp, .. } = claims;
        let proof = match key {
            Some(key_id) => Proof::TokenOfKey { era, key_id },
            None => Proof::SignIn { era },
        };
        Credential { user_id: sub, locale, proof, expires_at: Some(exp) }
    }

    /// What to read of the database.
    pub fn subject(&self) -> Subject {
        match self.proof {
            Proof::SignIn { .. } => Subject::Account(self.user_id),
            Proof::TokenOfKey { key_id, .. } => Subject::KeyOf { user_id: self.user_id, key_id },
            Proof::Key { hash, .. } => Subject::Key(hash),
        }
    }

    /// Whether the sign-ins of this era include the token. The era of a key is compared where it is read.
    pub fn is_of_era(&self, current: i32) -> bool {
        match self.proof {
            Proof::SignIn { era } | Proof::TokenOfKey { era, .. } => era == current,
            Proof::Key { .. } => true,
        }
    }

    /// The key, or that of the token.
    pub fn key_id(&self) -> Option<Uuid> {
        match self.proof {
            Proof::SignIn { .. } => None,
            Proof::TokenOfKey { key_id, .. } | Proof::Key { key_id, .. } => Some(key_id),
        }
    }
}
