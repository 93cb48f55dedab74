//! The level of a risk: the zones of the 5 × 5 matrix of the national guide (Función Pública, *Guía para la
//! administración del riesgo*, versions 5 and 6).

use crate::language::text_enum;

text_enum! {
    /// The level of a risk (zona de riesgo).
    pub enum RiskLevel {
        /// Bajo.
        Low = "low",
        /// Moderado.
        Moderate = "moderate",
        /// Alto.
        High = "high",
        /// Extremo.
        Extreme = "extreme",
    }
}

use RiskLevel::{Extreme, High, Low, Moderate};

/// A row for each probability from 1 to 5, a column for each impact from 1 to 5.
#[rustfmt::skip]
const ZONES: [[RiskLevel; 5]; 5] = [
    [Low,      Low,      Moderate, High, Extreme],
    [Low,      Moderate, Moderate, High, Extreme],
    [Moderate, Moderate, Moderate, High, Extreme],
    [Moderate, Moderate, High,     High, Extreme],
    [High,     High,     High,     High, Extreme],
];

/// The scale of the probability, from 1 to 5.
pub const PROBABILITIES: [&str; 5] = ["Muy baja", "Baja", "Media", "Alta", "Muy alta"];
/// The scale of the impact, from 1 to 5.
pub const IMPACTS: [&str; 5] = ["Leve", "Menor", "Moderado", "Mayor", "Catastrófico"];

impl RiskLevel {
    /// The zone of a risk of this probability and impact, each from 1 to 5; values outside of the range count as the
    /// nearest one.
    pub fn assess(probability: i16, impact: i16) -> Self {
        let place = |value: i16| usize::try_from(value.clamp(1, 5) - 1).unwrap_or_default();
        ZONES[place(probability)][place(impact)]
    }

    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Low => "Bajo",
            Moderate => "Moderado",
            High => "Alto",
            Extreme => "Extremo",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_likely_or_worse_is_never_a_lower_level() {
        for one in 1..=5 {
            for other in 1..5 {
                assert!(RiskLevel::assess(one, other) <= RiskLevel::assess(one, other + 1), "{one} {other}");
                assert!(RiskLevel::assess(other, one) <= RiskLevel::assess(other + 1, one), "{other} {one}");
            }
        }
        assert_eq!(
            (RiskLevel::assess(1, 1), RiskLevel::assess(5, 1), RiskLevel::assess(1, 5)),
            (Low, High, Extreme)
        );
        assert_eq!((RiskLevel::assess(0, -7), RiskLevel::assess(9, 9)), (Low, Extreme));
    }
}
