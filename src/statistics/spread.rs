//! The mean and the percentiles of many values, in total and by group, as `avg` and `percentile_cont` of PostgreSQL
//! compute them. Pure.

use super::figures::Spread;

impl Spread {
    /// Of values in ascending order.
    pub fn of_sorted(values: &[f64]) -> Self {
        let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        Spread { mean, median: percentile(values, 0.5), p90: percentile(values, 0.9) }
    }
}

/// The value at this share of the way from the first to the last one, interpolated linearly.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * (sorted.len().checked_sub(1)? as f64);
    let below = sorted.get(place.floor() as usize)?;
    let above = sorted.get(place.ceil() as usize)?;
    Some(below + place.fract() * (above - below))
}

/// Values in ascending order, each with the index of what it belongs to.
pub struct Sorted(Vec<(f64, u32)>);

impl Sorted {
    /// Values that are not a number do not count.
    pub fn new(values: impl Iterator<Item = (f64, u32)>) -> Self {
        let mut values: Vec<(f64, u32)> = values.filter(|(value, _)| !value.is_nan()).collect();
        // The order of equal values has no effect on the result: it does not depend on the order of reading.
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        Sorted(values)
    }

    /// Of all values.
    pub fn spread(&self) -> Spread {
        Spread::of_sorted(&self.0.iter().map(|(value, _)| *value).collect::<Vec<_>>())
    }

    /// Of each of the first `count` groups; `group` returns that of an index. Each value is moved once, and the order is
    /// kept within the groups.
    pub fn by_group(&self, count: usize, group: impl Fn(u32) -> Option<usize>) -> Vec<Spread> {
        let mut ends = vec![0_usize; count];
        for (_, index) in &self.0 {
            if let Some(end) = group(*index).and_then(|group| ends.get_mut(group)) {
                *end += 1;
            }
        }
        let mut total = 0;
        for end in &mut ends {
            total += std::mem::replace(end, total);
        }
        let starts = ends.clone();
        let mut values = vec![0.0; total];
        for (value, index) in &self.0 {
            if let Some(end) = group(*index).and_then(|group| ends.get_mut(group)) {
                values[*end] = *value;
                *end += 1;
            }
        }
        starts.iter().zip(&ends).map(|(start, end)| Spread::of_sorted(&values[*start..*end])).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_are_interpolated() {
        let spread = Spread::of_sorted(&[30.0, 90.0, 120.0, 121.0]);
        assert_eq!((spread.mean, spread.median), (Some(90.25), Some(105.0)));
        // Position 2.7.
        assert!((spread.p90.unwrap() - 120.7).abs() < 1e-9);
        assert_eq!(Spread::of_sorted(&[]), Spread::default());
        assert_eq!(Spread::of_sorted(&[7.0]), Spread { mean: Some(7.0), median: Some(7.0), p90: Some(7.0) });
    }

    proptest! {
        /// By counting how many values are below, without sorting.
        #[test]
        fn a_percentile_lies_between_its_neighbours(values in prop::collection::vec(-1000i32..1000, 1..60)) {
            let sorted = Sorted::new(values.iter().map(|value| (f64::from(*value), 0)));
            let Spread { mean, median, p90 } = sorted.spread();
            let total: i64 = values.iter().map(|value| i64::from(*value)).sum();
            prop_assert!((mean.unwrap() * values.len() as f64 - total as f64).abs() < 1e-6);
            for (share, found) in [(0.5, median.unwrap()), (0.9, p90.unwrap())] {
                let place = share * (values.len() - 1) as f64;
                let below = values.iter().filter(|value| f64::from(**value) < found).count() as f64;
                let up_to = values.iter().filter(|value| f64::from(**value) <= found).count() as f64;
                prop_assert!(below <= place.ceil() && up_to > place.floor(), "{found} at {place}");
            }
        }

        #[test]
        fn groups_have_the_spread_of_their_own_values(
            values in prop::collection::vec((-50i32..50, 0u32..5, any::<bool>()), 0..80),
        ) {
            let of = |value: &(i32, u32, bool)| if value.2 { f64::from(value.0) } else { f64::NAN };
            let sorted = Sorted::new(values.iter().map(|value| (of(value), value.1)));
            let groups = sorted.by_group(4, |index| Some(index as usize));
            for (group, spread) in (0u32..4).zip(&groups) {
                let own = values.iter().filter(|value| value.1 == group).map(|value| (of(value), 0));
                prop_assert_eq!(&Sorted::new(own).spread(), spread);
            }
        }
    }
}
