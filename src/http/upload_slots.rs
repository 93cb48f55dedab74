//! Limits the number of uploads that this copy of the server receives at a time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use actix_web::web::Data;
use uuid::Uuid;

use super::desk::Desk;
use crate::problem::{Code, Problem, Reason, Result, Text};

/// Uploads of one account at a time.
const OF_ONE_ACCOUNT: usize = 4;

/// Maximum number of uploads at a time if each takes little memory (a folder), and if each takes 5 MiB (S3).
const IN_A_FOLDER: usize = 64;
const IN_S3: usize = 16;

/// Seconds after which a client may try again.
const RETRY_AFTER: i64 = 5;

/// The uploads that are being received, by account.
#[derive(Debug, Default)]
pub struct UploadSlots(Mutex<HashMap<Uuid, usize>>);

/// An upload that is being received; it ends when this is dropped.
pub struct Slot {
    desk: Data<Desk>,
    user_id: Uuid,
}

impl UploadSlots {
    /// # Errors
    /// [Code::TooManyRequests] if the account has the maximum number of uploads; [Code::Unavailable] if all accounts
    /// together have.
    pub fn enter(desk: &Data<Desk>, user_id: Uuid) -> Result<Slot> {
        let most = if desk.config.attachments_folder().is_some() { IN_A_FOLDER } else { IN_S3 };
        desk.uploads.take(user_id, most)?;
        Ok(Slot { desk: desk.clone(), user_id })
    }

    fn take(&self, user_id: Uuid, most: usize) -> Result<()> {
        let mut uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uploads.get(&user_id).is_some_and(|own| *own >= OF_ONE_ACCOUNT) {
            return Err(refused(
                Code::TooManyRequests,
                Text::made(
                    format!(
                        "Suba hasta {OF_ONE_ACCOUNT} archivos a la vez; repita este cuando termine otro."
                    ),
                    format!(
                        "Upload up to {OF_ONE_ACCOUNT} files at a time; repeat this one when another is complete."
                    ),
                ),
            ));
        }
        if uploads.values().sum::<usize>() >= most {
            return Err(refused(
                Code::Unavailable,
                Text::new(
                    "Se reciben demasiados archivos a la vez; intente de nuevo en unos segundos.",
                    "Too many files are being received; try again in a few seconds.",
                ),
            ));
        }
        *uploads.entry(user_id).or_default() += 1;
        Ok(())
    }

    fn release(&self, user_id: Uuid) {
        let mut uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = uploads.get_mut(&user_id) {
            *own -= 1;
            if *own == 0 {
                uploads.remove(&user_id);
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.desk.uploads.release(self.user_id);
    }
}

#[track_caller]
fn refused(code: Code, detail: Text) -> Problem {
    let mut problem = Problem::new(code, detail);
    problem.retry_after = Some(RETRY_AFTER);
    problem.because(Reason::Uploads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_and_all_accounts_are_limited_and_what_ends_makes_room() {
        let slots = UploadSlots::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for _ in 0..OF_ONE_ACCOUNT {
            slots.take(one, 6).unwrap();
        }
        assert_eq!(slots.take(one, 6).unwrap_err().code, Code::TooManyRequests);
        slots.take(other, 6).unwrap();
        slots.take(other, 6).unwrap();
        assert_eq!(slots.take(other, 6).unwrap_err().code, Code::Unavailable);
        slots.release(one);
        slots.take(other, 6).unwrap();
        for _ in 0..3 {
            slots.release(one);
            slots.release(other);
        }
        assert!(slots.0.lock().unwrap().is_empty());
    }
}
