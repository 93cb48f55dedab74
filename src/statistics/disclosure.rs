//! The survey figures that readers of totals, who may not read individual survey answers, are shown. Pure.
//!
//! A mean of few answers reveals them, and so does the difference of two totals that differ by few answers: of a
//! period and a longer one, of today and tomorrow, of a unit and a category with nearly the same tickets. Therefore
//! totals are shown only for sets of answers that overlap only as a whole and its parts, and that no longer change:
//!
//! - one calendar quarter at a time, once it has ended, with all its tickets;
//! - the categories within the quarter, which are the only grouping, once no ticket of these answers can change its
//!   category (all are closed or archived);
//! - only if each set has at least five answers, as does everything that can be computed by subtracting what is shown
//!   from the whole.

use crate::auth::policy::{Action, PermissionScope, Rights};
use crate::language::text_enum;

/// The minimum number of answers in a total.
pub const FEWEST: i64 = 5;

text_enum! {
    /// Why figures of survey answers are withheld.
    pub enum WithheldReason {
        /// There are fewer than five answers.
        FewAnswers = "few_answers",
        /// Other, withheld figures could be computed from them by subtraction.
        Subtraction = "subtraction",
        /// The reader may only read figures of whole past calendar quarters, without filters, in total and by
        /// category; these figures are not among them.
        NotOffered = "not_offered",
        /// A ticket of these answers is open again and its category may still change.
        NotFinal = "not_final",
    }
}

/// Whether somebody with these rights may only read totals of survey answers.
pub fn applies_to(rights: Rights<'_>) -> bool {
    rights.scope(Action::ReadSurveyAnswers) != Some(PermissionScope::Any)
}

/// Which parts of a shown whole to withhold, and why, by the number of answers in each part. Each shown part has at
/// least five answers; the withheld parts are none, or together at least two parts and five answers. A part without
/// answers has nothing to withhold.
pub fn withheld_parts(answers: &[i64]) -> Vec<Option<WithheldReason>> {
    let few = |count: &i64| (1..FEWEST).contains(count).then_some(WithheldReason::FewAnswers);
    let mut withheld: Vec<Option<WithheldReason>> = answers.iter().map(few).collect();
    loop {
        let (mut parts, mut sum) = (0, 0);
        for (count, _) in answers.iter().zip(&withheld).filter(|(_, reason)| reason.is_some()) {
            parts += 1;
            sum += count;
        }
        if parts == 0 || parts >= 2 && sum >= FEWEST {
            return withheld;
        }
        let shown = (0..answers.len()).filter(|place| answers[*place] > 0 && withheld[*place].is_none());
        let Some(smallest) = shown.min_by_key(|place| answers[*place]) else { return withheld };
        withheld[smallest] = Some(WithheldReason::Subtraction);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::WithheldReason::{FewAnswers, Subtraction};
    use super::*;
    use crate::auth::policy::Role;

    #[test]
    fn professionals_and_the_director_read_single_answers() {
        let readers: Vec<bool> = Role::ALL.iter().map(|role| applies_to(Rights::of_role(*role))).collect();
        assert_eq!(readers, [true, true, false, false]);
    }

    #[test]
    fn a_part_that_alone_is_small_takes_the_smallest_other_one_with_it() {
        assert_eq!(withheld_parts(&[9, 4, 6, 0]), [None, Some(FewAnswers), Some(Subtraction), None]);
        // Two small parts that have four answers together.
        assert_eq!(
            withheld_parts(&[5, 2, 2, 8]),
            [Some(Subtraction), Some(FewAnswers), Some(FewAnswers), None]
        );
        assert_eq!(withheld_parts(&[3, 2, 8]), [Some(FewAnswers), Some(FewAnswers), None]);
        assert_eq!(withheld_parts(&[5, 5]), [None, None]);
        assert_eq!(withheld_parts(&[6]), [None]);
        assert_eq!(withheld_parts(&[]), []);
    }

    /// Whether the sum over this set of answers follows from the shown rows, each the set of answers that a shown
    /// figure sums up: by elimination modulo a prime that is larger than any determinant in these tests.
    fn follows(rows: &[Vec<i64>], target: &[i64]) -> bool {
        fn rank(mut rows: Vec<Vec<i64>>) -> usize {
            const PRIME: i64 = 1_000_003;
            let inverse = |number: i64| {
                let (mut result, mut base, mut exponent) = (1, number.rem_euclid(PRIME), PRIME - 2);
                while exponent > 0 {
                    if exponent % 2 == 1 {
                        result = result * base % PRIME;
                    }
                    base = base * base % PRIME;
                    exponent /= 2;
                }
                result
            };
            let (mut rank, columns) = (0, rows.first().map_or(0, Vec::len));
            for column in 0..columns {
                let Some(pivot) = (rank..rows.len()).find(|row| rows[*row][column].rem_euclid(PRIME) != 0)
                else {
                    continue;
                };
                rows.swap(rank, pivot);
                let scale = inverse(rows[rank][column]);
                let head: Vec<i64> = rows[rank].iter().map(|value| value * scale % PRIME).collect();
                for row in rows.iter_mut().skip(rank + 1) {
                    let factor = row[column];
                    for (value, part) in row.iter_mut().zip(&head) {
                        *value = (*value - factor * part).rem_euclid(PRIME);
                    }
                }
                rank += 1;
            }
            rank
        }
        let with: Vec<Vec<i64>> = rows.iter().cloned().chain([target.to_vec()]).collect();
        rank(with) == rank(rows.to_vec())
    }

    proptest! {
        /// For a quarter: the whole, and those of its parts that are shown.
        #[test]
        fn no_withheld_part_and_no_few_answers_follow_from_what_is_shown(counts in prop::collection::vec(0i64..12, 0..7)) {
            let total: i64 = counts.iter().sum();
            prop_assume!(total >= FEWEST);
            let withheld = withheld_parts(&counts);
            let answers = usize::try_from(total).unwrap();
            let mut sets = Vec::new();
            let mut first = 0;
            for count in &counts {
                let next = first + usize::try_from(*count).unwrap();
                sets.push((0..answers).map(|place| i64::from((first..next).contains(&place))).collect::<Vec<i64>>());
                first = next;
            }
            let mut shown = vec![vec![1; answers]];
            shown.extend(sets.iter().zip(&withheld).filter(|(_, reason)| reason.is_none()).map(|(set, _)| set.clone()));
            for ((set, reason), count) in sets.iter().zip(&withheld).zip(&counts) {
                prop_assert!(reason.is_some() || *count == 0 || *count >= FEWEST);
                // A single group that is the whole equals the total.
                if reason.is_some() {
                    prop_assert!(!follows(&shown, set), "{counts:?} {withheld:?}");
                }
            }
            for one in 0..answers {
                let single: Vec<i64> = (0..answers).map(|place| i64::from(place == one)).collect();
                prop_assert!(!follows(&shown, &single), "{counts:?} {withheld:?}");
            }
        }

        /// Nothing is withheld if every part is large enough.
        #[test]
        fn parts_that_are_all_large_are_all_shown(counts in prop::collection::vec(5i64..100, 0..20)) {
            prop_assert!(withheld_parts(&counts).iter().all(Option::is_none));
        }
    }
}
