//! Passwords, kept as argon2id with its recommended parameters.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// Words that whoever guesses passwords of this desk would try besides those of all languages.
const WORDS: [&str; 10] = [
    "alcaldia",
    "alcaldía",
    "clave",
    "colombia",
    "contrasena",
    "contraseña",
    "mesa",
    "municipio",
    "secretaria",
    "servicios",
];

/// The shortest password that an account may be given, in characters.
pub const SHORTEST: usize = 10;

/// What is wrong with a new password at this pointer, where those who guess would find it within a million tries: a common
/// one, a pattern of the keyboard, a date, or what is known of its owner.
pub fn fault(pointer: &str, password: &str, known_of_owner: &[&str]) -> Option<FieldError> {
    let words: Vec<&str> = WORDS.iter().chain(known_of_owner).copied().collect();
    // Long ones take long to be judged, and are not among the first tries.
    let judged: String = password.chars().take(72).collect();
    (zxcvbn::zxcvbn(&judged, &words).score() < zxcvbn::Score::Two).then(|| {
        FieldError::new(
            pointer,
            FieldCode::TooGuessable,
            Text::new(
                "Es de las que primero se prueban: use varias palabras.",
                "It is among the first that are tried: use several words.",
            ),
        )
    })
}

/// As many as there are processors: each password takes one of them, and 19 MiB, for as long as it is reckoned.
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(processors))
});

/// How long a request waits for its turn before it is told to come back.
const WAIT: Duration = Duration::from_secs(2);

/// A place to reckon one password in; free again once it is dropped.
///
/// # Errors
/// A 503 where none is free in time.
pub async fn turn() -> Result<OwnedSemaphorePermit> {
    tokio::time::timeout(WAIT, Arc::clone(&PLACES).acquire_owned())
        .await
        .map_err(|_| Problem::unavailable("too many passwords are being reckoned"))?
        .map_err(Problem::internal)
}

/// The hash of a new password, in its turn; to be called where the database is worked with.
///
/// # Errors
/// A 503 where its turn does not come in time.
pub fn hash_in_turn(password: &str) -> Result<String> {
    let _place = Handle::current().block_on(turn())?;
    hash(password)
}

/// Whether the password is the one of this hash, in its turn; to be called where the database is worked with.
///
/// # Errors
/// A 503 where its turn does not come in time.
pub fn verify_in_turn(password: &str, hash: Option<&str>) -> Result<bool> {
    let _place = Handle::current().block_on(turn())?;
    Ok(verify(password, hash))
}

/// # Errors
/// A fault of the server.
pub fn hash(password: &str) -> Result<String> {
    Ok(Argon2::default().hash_password(password.as_bytes()).map_err(Problem::internal)?.to_string())
}

/// What is reckoned where there is no hash.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0IGZvciBub2JvZHk$Fmeke6yZ8nVtUZ4zXMCsQ6kBRjqYGVwS4rFBUEFmPjA";

/// Whether the password is the one of this hash. Without a hash it takes as long and is wrong, so that time does not
/// tell which accounts exist.
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    let known = hash.is_some();
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODY)) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_verifies_against_its_own_hash_alone() {
        let kept = hash("una-clave-larga").unwrap();
        assert!(kept.starts_with("$argon2id$"));
        assert!(verify("una-clave-larga", Some(&kept)));
        assert!(!verify("otra-clave-larga", Some(&kept)));
        assert!(!verify("una-clave-larga", None));
    }

    #[test]
    fn what_is_tried_first_is_no_password() {
        for first in [
            "password123",
            "1234567890",
            "contraseña1",
            "qwertyuiop",
            "rosa.perez1",
            "aaaaaaaaaaaa",
            "Alcaldia2026",
        ] {
            let fault =
                fault("/password", first, &["rosa.perez@example.gov.co", "rosa.perez", "Rosa", "Pérez"]);
            assert!(fault.is_some_and(|fault| fault.code == FieldCode::TooGuessable), "{first}");
        }
        assert!(fault("/password", "una-clave-larga", &["technician@mesa.test"]).is_none());
        assert!(fault("/password", &"cuatro palabras que nadie junta; ".repeat(6), &[]).is_none());
    }

    #[test]
    fn the_hash_of_nobody_costs_what_all_cost() {
        let kept = hash("x").unwrap();
        let cost = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(cost(NOBODY), cost(&kept));
    }

    #[test]
    fn nobody_costs_as_much_as_somebody() {
        let known = hash("x").unwrap();
        let started = std::time::Instant::now();
        verify("y", Some(&known));
        let somebody = started.elapsed();
        let started = std::time::Instant::now();
        verify("y", None);
        assert!(started.elapsed() * 10 > somebody, "an unknown account is answered without reckoning");
    }
}
