//! The keys that this copy of the server found valid lately, and when it last recorded their use.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::credential::{Credential, Proof};
use crate::auth::keys::KeyHash;
use crate::problem::Result;

/// How long a key is not looked up again after the database found it valid. What it allows is read from the database with
/// each request.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// How long requests with a key are counted with its account, and not with their network, after the database found it
/// valid.
const KNOWN_FOR: Duration = Duration::from_hours(24);

/// The shortest time between two records of the use of a key.
const RECORDED_EVERY: Duration = Duration::from_secs(60);

/// The most keys that are kept.
const MOST: usize = 10_000;

#[derive(Default)]
pub struct KnownKeys(Mutex<Known>);

/// A key that was found valid.
pub enum KnownKey {
    /// Within the last minute.
    Fresh(Credential),
    /// Before: it is looked up again, and its request counted with its account.
    Stale { user_id: Uuid },
}

#[derive(Default)]
struct Known {
    valid: HashMap<KeyHash, (Instant, Credential)>,
    recorded: HashMap<Uuid, (Instant, ())>,
}

impl KnownKeys {
    /// The caller with this key, if it was found valid within the last day.
    pub fn known(&self, hash: &KeyHash) -> Option<KnownKey> {
        let known = self.locked();
        let (found_at, credential) = known.valid.get(hash)?;
        match found_at.elapsed() {
            elapsed if elapsed < FRESH_FOR => Some(KnownKey::Fresh(credential.clone())),
            elapsed if elapsed < KNOWN_FOR => Some(KnownKey::Stale { user_id: credential.user_id }),
            _ => None,
        }
    }

    /// The database found this key valid.
    pub fn add(&self, credential: &Credential) {
        if let Proof::Key { hash, .. } = credential.proof {
            keep(&mut self.locked().valid, hash, credential.clone(), KNOWN_FOR);
        }
    }

    /// The key is no longer valid.
    pub fn forget(&self, hash: &KeyHash) {
        self.locked().valid.remove(hash);
    }

    /// Whether to record this use of a key: once a minute.
    pub fn is_to_record(&self, key_id: Uuid) -> bool {
        let mut known = self.locked();
        if known.recorded.get(&key_id).is_some_and(|(at, ())| at.elapsed() < RECORDED_EVERY) {
            return false;
        }
        keep(&mut known.recorded, key_id, (), RECORDED_EVERY);
        true
    }

    /// The use of this key could not be recorded: the next one is to be.
    pub fn not_recorded(&self, key_id: Uuid) {
        self.locked().recorded.remove(&key_id);
    }

    fn locked(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a value with the time, unless there are too many.
fn keep<K: Eq + Hash, V>(kept: &mut HashMap<K, (Instant, V)>, key: K, value: V, for_long: Duration) {
    if kept.len() >= MOST {
        kept.retain(|_, (at, _)| at.elapsed() < for_long);
    }
    if kept.len() < MOST {
        kept.insert(key, (Instant::now(), value));
    }
}

/// Records the use of a key, unless another copy of the server has done so within the last minute.
///
/// # Errors
/// An error of the database.
pub fn record_use(db: &mut PgConnection, key_id: Uuid, address: Option<IpAddr>) -> Result<()> {
    diesel::sql_query(
        "INSERT INTO access_key_uses AS kept (key_id, last_used_at, last_used_address) VALUES ($1, now(), $2) \
         ON CONFLICT (key_id) DO UPDATE SET last_used_at = now(), last_used_address = $2 \
         WHERE kept.last_used_at < now() - interval '55 seconds'",
    )
    .bind::<SqlUuid, _>(key_id)
    .bind::<Nullable<Text>, _>(address.map(|address| address.to_string()))
    .execute(db)?;
    Ok(())
}
