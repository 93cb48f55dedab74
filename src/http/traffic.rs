//! Counts the responses of this copy of the server.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Responses by the class of their status, and verified passwords; of this process alone, like every metric.
#[derive(Debug, Default)]
pub struct Traffic {
    classes: [AtomicU64; 5],
    passwords: AtomicU64,
}

impl Traffic {
    /// Counts one more verified password.
    pub fn password(&self) {
        self.passwords.fetch_add(1, Ordering::Relaxed);
    }

    pub fn count(&self, status: u16) {
        if let Some(class) = self.classes.get(usize::from(status / 100).wrapping_sub(1)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# HELP mesa_http_responses_total Responses by the class of their status.")?;
        writeln!(f, "# TYPE mesa_http_responses_total counter")?;
        for (index, class) in self.classes.iter().enumerate() {
            writeln!(
                f,
                "mesa_http_responses_total{{class=\"{}xx\"}} {}",
                index + 1,
                class.load(Ordering::Relaxed)
            )?;
        }
        writeln!(f, "# HELP mesa_passwords_total Verified passwords of sign-ins.")?;
        writeln!(f, "# TYPE mesa_passwords_total counter")?;
        writeln!(f, "mesa_passwords_total {}", self.passwords.load(Ordering::Relaxed))
    }
}
