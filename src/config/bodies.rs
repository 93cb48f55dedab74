//! Maximum memory of request bodies.

use super::reader::{Reader, Wrong};

const MIB: usize = 1024 * 1024;

/// The default for all bodies together.
const BODY_MEMORY: usize = 64 * MIB;

impl Reader<'_> {
    /// The largest accepted message, and the memory for all bodies: the half of it that one account may use can hold
    /// such a message.
    pub fn body_sizes(&mut self) -> (usize, usize) {
        let mail_max_bytes = self.parse(
            "MESA_MAIL_MAX_BYTES",
            30 * MIB,
            |n| (1024..=1024 * MIB).contains(n),
            "a number of bytes from 1024 to 1073741824",
        );
        let least = 2 * (mail_max_bytes + MIB);
        let memory = self.parse(
            "MESA_BODY_MEMORY_BYTES",
            BODY_MEMORY.max(least),
            |n| (16 * MIB..=16 * 1024 * MIB).contains(n),
            "a number of bytes from 16777216 to 17179869184",
        );
        if memory < least {
            let expected = format!(
                "expected {least} bytes or more, which hold two messages of MESA_MAIL_MAX_BYTES, found {memory}"
            );
            self.wrong.push(Wrong { variable: "MESA_BODY_MEMORY_BYTES", expected });
        }
        (mail_max_bytes, memory)
    }
}
