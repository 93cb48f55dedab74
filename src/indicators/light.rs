//! The traffic light of a value against its target.

use crate::language::text_enum;

text_enum! {
    /// Which side of the target is good (sentido).
    pub enum IndicatorDirection {
        /// The target or more.
        AtLeast = "at_least",
        /// The target or less.
        AtMost = "at_most",
    }
}

text_enum! {
    /// The status of a value against the target (semáforo).
    pub enum IndicatorLight {
        /// The target is met.
        Green = "green",
        /// The target is missed, but not the limit `warning`.
        Yellow = "yellow",
        /// Both the target and the limit `warning` are missed.
        Red = "red",
    }
}

impl IndicatorLight {
    pub fn for_value(value: f64, target: f64, direction: IndicatorDirection, warning: f64) -> Self {
        let reaches = |limit| match direction {
            IndicatorDirection::AtLeast => value >= limit,
            IndicatorDirection::AtMost => value <= limit,
        };
        if reaches(target) {
            IndicatorLight::Green
        } else if reaches(warning) {
            IndicatorLight::Yellow
        } else {
            IndicatorLight::Red
        }
    }
}

/// Whether the warning is on the side of the target where it is missed, or equal to it.
pub fn is_sound(target: f64, direction: IndicatorDirection, warning: f64) -> bool {
    match direction {
        IndicatorDirection::AtLeast => warning <= target,
        IndicatorDirection::AtMost => warning >= target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_good_on_its_side_of_the_target() {
        use IndicatorDirection::{AtLeast, AtMost};
        for (value, direction, warning, light) in [
            (90.0, AtLeast, 80.0, IndicatorLight::Green),
            (89.99, AtLeast, 80.0, IndicatorLight::Yellow),
            (80.0, AtLeast, 80.0, IndicatorLight::Yellow),
            (79.99, AtLeast, 80.0, IndicatorLight::Red),
            (90.0, AtMost, 100.0, IndicatorLight::Green),
            (100.0, AtMost, 100.0, IndicatorLight::Yellow),
            (100.1, AtMost, 100.0, IndicatorLight::Red),
            (89.0, AtLeast, 90.0, IndicatorLight::Red),
        ] {
            assert_eq!(
                IndicatorLight::for_value(value, 90.0, direction, warning),
                light,
                "{value} {direction:?}"
            );
        }
    }
}
