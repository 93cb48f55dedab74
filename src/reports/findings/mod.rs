//! The first page of the report: figures become sentences with a mark. Pure.

pub mod compliance;
pub mod proposed;
pub mod worsened;

use serde::Serialize;
use utoipa::ToSchema;

use crate::documents::cell::decimal;
use crate::language::{Locale, Text, text_enum};

text_enum! {
    /// The mark of a finding.
    pub enum ReportMark {
        /// A target is met.
        Met = "met",
        /// A target is missed, but not the limit of the indicator.
        Warned = "warned",
        /// A target is missed, and the limit of the indicator too.
        Missed = "missed",
        /// There are no data, or they are withheld from the reader.
        NoData = "no_data",
        /// A figure is worse than in the previous quarter.
        Worse = "worse",
        /// No figure is worse than in the previous quarter.
        NotWorse = "not_worse",
        /// No improvement action is open or proposed.
        Nothing = "nothing",
        /// An improvement action is to be carried out.
        Open = "open",
        /// An improvement action was to be carried out before.
        Overdue = "overdue",
        /// An improvement action is proposed.
        Proposed = "proposed",
    }
}

/// A sentence of the first page, with its mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReportFinding {
    /// What the sentence says, as one word.
    pub mark: ReportMark,
    /// The sentence in Spanish.
    #[schema(
        max_length = 2000,
        example = "Oportunidad en la atención: 87,5 %; la meta es al menos 90 %. Antes: 92,0 %; empeoró."
    )]
    pub text_es: String,
    /// The sentence in English.
    #[schema(
        max_length = 2000,
        example = "Oportunidad en la atención: 87.5 %; the target is at least 90 %. Before: 92.0 %; it got worse."
    )]
    pub text_en: String,
}

impl ReportFinding {
    pub fn new(mark: ReportMark, text: &Text) -> Self {
        ReportFinding { mark, text_es: text.es.to_string(), text_en: text.en.to_string() }
    }
}

/// The findings of the first page.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ReportFindings {
    /// Whether the targets of the indicators are met: a summary, then each indicator.
    #[schema(max_items = 200)]
    pub compliance: Vec<ReportFinding>,
    /// What got worse since the previous quarter, in total and then by criticality, unit and category; or one finding
    /// that states that nothing did, or that it cannot be compared.
    #[schema(max_items = 20)]
    pub worsened: Vec<ReportFinding>,
    /// The proposals of the author and the improvement actions that are open or proposed, those that are overdue first.
    #[schema(max_items = 20)]
    pub proposed: Vec<ReportFinding>,
}

/// A number in both languages: with a decimal comma and with a decimal point.
fn number(value: f64, decimals: usize) -> Text {
    Text::made(decimal(value, decimals, Locale::Es), decimal(value, decimals, Locale::En))
}

/// A share from 0 to 1, in percent.
fn percent(share: f64) -> Text {
    let number = number(share * 100.0, 1);
    Text::made(format!("{} %", number.es), format!("{} %", number.en))
}

/// A count with its noun.
fn counted(count: i64, es: [&str; 2], en: [&str; 2]) -> Text {
    let which = usize::from(count != 1);
    let number = number(count as f64, 0);
    Text::made(format!("{} {}", number.es, es[which]), format!("{} {}", number.en, en[which]))
}

/// A text of up to this many characters, cut at a word.
fn shortened(text: &str, most: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= most {
        return text;
    }
    let cut: String = text.chars().take(most).collect();
    let end = cut.rfind(' ').filter(|end| *end > most / 2).unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end_matches([',', '.', ';', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_each_language() {
        let one = number(1234.56, 1);
        assert_eq!((&*one.es, &*one.en), ("1.234,6", "1,234.6"));
        let share = percent(0.875);
        assert_eq!((&*share.es, &*share.en), ("87,5 %", "87.5 %"));
        let cases = counted(1, ["caso", "casos"], ["case", "cases"]);
        assert_eq!((&*cases.es, &*cases.en), ("1 caso", "1 case"));
    }

    #[test]
    fn a_long_text_is_cut_at_a_word() {
        assert_eq!(shortened("Uno\ndos", 10), "Uno dos");
        assert_eq!(shortened("Establecer un turno, los sábados", 21), "Establecer un turno…");
        assert_eq!(shortened("ñandúñandú", 5), "ñandú…");
    }
}
