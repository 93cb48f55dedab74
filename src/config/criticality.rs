//! The criticality of tickets; the attention time of one of them applies before the classification.

use std::str::FromStr;

use crate::language::text_enum;

text_enum! {
    /// The impact of an incident (nivel de criticidad).
    pub enum Criticality {
        /// Many users, the security of systems and network, or data that may be lost permanently.
        Critical = "critical",
        /// Considerable impact on critical resources.
        High = "high",
        /// Considerable impact on resources that are not critical.
        Medium = "medium",
        /// Little impact.
        Low = "low",
    }
}

impl FromStr for Criticality {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|criticality| criticality.as_str() == word).ok_or(())
    }
}
