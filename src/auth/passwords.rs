//! Passwords, kept as argon2id with its recommended parameters.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use tokio::sync::Semaphore;

use crate::problem::{FieldCode, FieldError, Problem, Reason, Result, Text};

/// Words specific to this desk that an attacker would try in addition to those of all languages.
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

/// Minimum length of a new password, in characters.
pub const SHORTEST: usize = 10;
/// Maximum length of a password, in characters.
pub const LONGEST: usize = 200;

/// How many characters of a password are estimated: the time of zxcvbn grows with the square of the length, and
/// longer passwords are not guessed early.
const ESTIMATED: usize = 64;
/// How many words about the owner are considered, and how many characters of each.
const WORDS_OF_OWNER: usize = 32;
const WORD_LENGTH: usize = 64;

/// The fault, at this pointer, of a new password that would be guessed within a million attempts: a common one, a
/// keyboard pattern, a date, or a known fact about its owner. Takes up to tens of milliseconds of CPU time.
pub fn fault(pointer: &str, password: &str, known_of_owner: &[&str]) -> Option<FieldError> {
    let of_owner: Vec<String> = known_of_owner
        .iter()
        .take(WORDS_OF_OWNER)
        .map(|word| word.chars().take(WORD_LENGTH).collect())
        .collect();
    let words: Vec<&str> = WORDS.iter().copied().chain(of_owner.iter().map(String::as_str)).collect();
    let estimated: String = password.chars().take(ESTIMATED).collect();
    (zxcvbn::zxcvbn(&estimated, &words).score() < zxcvbn::Score::Two).then(|| {
        FieldError::new(
            pointer,
            FieldCode::TooGuessable,
            Text::new(
                "Es fácil de adivinar: use varias palabras.",
                "It is easy to guess: use several words.",
            ),
        )
    })
}

/// One permit for each processor: each hash uses a processor and 19 MiB while it is computed.
static PERMITS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(processors))
});

/// How long a request waits for a permit before a 503 is returned.
const WAIT: Duration = Duration::from_secs(2);

/// Runs CPU-heavy work on passwords on a blocking thread, without a database connection; at most as many at a time as
/// there are processors.
///
/// # Errors
/// [`crate::problem::Code::Unavailable`] if no permit is free in time; the work was not begun then.
pub async fn compute<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let permit = tokio::time::timeout(WAIT, Arc::clone(&PERMITS).acquire_owned())
        .await
        .map_err(|_| {
            Problem::unavailable("too many passwords are being computed").because(Reason::Computation)
        })?
        .map_err(Problem::internal)?;
    let bounded = move || {
        let _permit = permit;
        work()
    };
    actix_web::web::block(bounded).await.map_err(Problem::internal)
}

/// The hash of a new password, or the fault at this pointer.
pub type Checked = std::result::Result<String, FieldError>;

/// Estimates a new password and hashes it, as [`compute`] does. `known_of_owner` are words that an attacker would
/// try.
///
/// # Errors
/// [`crate::problem::Code::Unavailable`] if too many passwords are being computed.
pub async fn check_and_hash(
    pointer: &'static str,
    password: String,
    known_of_owner: Vec<String>,
) -> Result<Checked> {
    compute(move || {
        let known: Vec<&str> = known_of_owner.iter().map(String::as_str).collect();
        match fault(pointer, &password, &known) {
            Some(fault) => Ok(Err(fault)),
            None => hash(&password).map(Ok),
        }
    })
    .await?
}

/// The parts of these texts, such as an email address or a full name, that a person could use as a password.
pub fn words_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    texts
        .into_iter()
        .flat_map(|text| text.split([' ', '@']).chain([text]))
        .take(WORDS_OF_OWNER)
        .map(|word| word.chars().take(WORD_LENGTH).collect())
        .collect()
}

/// # Errors
/// A fault of the server.
pub fn hash(password: &str) -> Result<String> {
    Ok(Argon2::default().hash_password(password.as_bytes()).map_err(Problem::internal)?.to_string())
}

/// The hash to verify against if an account has none.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0IGZvciBub2JvZHk$Fmeke6yZ8nVtUZ4zXMCsQ6kBRjqYGVwS4rFBUEFmPjA";

/// Whether the password matches this hash. Without a hash it takes as long and returns false, so that the time does
/// not reveal which accounts exist.
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
    fn the_estimate_of_a_long_password_is_bounded() {
        let symbols =
            |count: usize| "!#$%&/()=?¡¿*+{}[]-_.:,;<>|°@".chars().cycle().take(count).collect::<String>();
        let time = |password: &str| {
            let started = std::time::Instant::now();
            fault("/password", password, &[&"x".repeat(100_000)]);
            started.elapsed()
        };
        // Warm up.
        time(&symbols(ESTIMATED));
        let (bounded, long) = (time(&symbols(ESTIMATED)), time(&symbols(LONGEST * 50)));
        assert!(long < bounded * 5, "{long:?} instead of {bounded:?}");
        assert!(words_of(["a b c d"; 100]).len() <= WORDS_OF_OWNER);
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
        assert!(started.elapsed() * 10 > somebody, "an unknown account is answered without computing a hash");
    }
}
