//! Limits attempts to sign in to a copy of the server that changes nothing, where they cannot be counted in the database.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use sha2::{Digest, Sha256};

/// Attempts with one email from one network at once; then one a minute. Right passwords count too.
const FROM_NETWORK: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
const EVERY_FROM_NETWORK: Duration = Duration::from_secs(60);
/// Attempts with one email from all networks together from which no user signed in before at once; then one every half minute.
const FROM_UNKNOWN: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);
const EVERY_FROM_UNKNOWN: Duration = Duration::from_secs(30);
/// The same from all networks together from which a user signed in before; then one every three seconds.
const FROM_KNOWN: NonZeroU32 = NonZeroU32::MIN.saturating_add(199);
const EVERY_FROM_KNOWN: Duration = Duration::from_secs(3);

/// The number of attempts after which emails without recent ones are removed from memory.
const TIDY_EVERY: u32 = 1024;

type Subject = [u8; 32];
type Limiter = RateLimiter<Subject, DashMapStateStore<Subject>, DefaultClock>;

/// Counts attempts in this process.
pub struct SignInLimits {
    from_network: Limiter,
    from_unknown: Limiter,
    from_known: Limiter,
    clock: DefaultClock,
    seen: AtomicU32,
}

impl Default for SignInLimits {
    fn default() -> Self {
        let limiter = |every, burst| {
            let quota = Quota::with_period(every).unwrap_or(Quota::per_hour(NonZeroU32::MIN));
            RateLimiter::keyed(quota.allow_burst(burst))
        };
        SignInLimits {
            from_network: limiter(EVERY_FROM_NETWORK, FROM_NETWORK),
            from_unknown: limiter(EVERY_FROM_UNKNOWN, FROM_UNKNOWN),
            from_known: limiter(EVERY_FROM_KNOWN, FROM_KNOWN),
            clock: DefaultClock::default(),
            seen: AtomicU32::new(0),
        }
    }
}

impl SignInLimits {
    /// Counts an attempt with this email, in upper or lower case, from this network; `is_known`: whether a user signed in from it
    /// before. Attempts by strangers do not delay those who sign in from a known network.
    ///
    /// # Errors
    /// How long the next attempt has to wait.
    pub fn take(&self, email: &str, network: &str, is_known: bool) -> Result<(), Duration> {
        let group = if is_known { &self.from_known } else { &self.from_unknown };
        if self.seen.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            for limiter in [&self.from_network, &self.from_unknown, &self.from_known] {
                limiter.retain_recent();
            }
        }
        let email = email.to_lowercase();
        for (limiter, subject) in [(&self.from_network, format!("{email}\0{network}")), (group, email)] {
            if let Err(refused) = limiter.check_key(&Sha256::digest(subject).into()) {
                return Err(refused.wait_time_from(self.clock.now()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_has_few_attempts_from_one_network_and_more_from_all() {
        let limits = SignInLimits::default();
        let refused = |email: &str, network: &str| limits.take(email, network, false).err();
        for _ in 0..10 {
            assert_eq!(refused("Ana@mesa.test", "203.0.113.7"), None);
        }
        let wait = refused("ana@mesa.test", "203.0.113.7").unwrap();
        assert!(wait > Duration::from_secs(30) && wait <= EVERY_FROM_NETWORK, "{wait:?}");
        assert_eq!(refused("luis@mesa.test", "203.0.113.7"), None);
        for network in 0..10 {
            assert_eq!(refused("ana@mesa.test", &format!("198.51.100.{network}")), None);
        }
        assert!(refused("ana@mesa.test", "192.0.2.1").is_some());
        assert_eq!(limits.take("ana@mesa.test", "192.0.2.2", true), Ok(()));
    }
}
