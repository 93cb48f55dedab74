//! Whether the targets of the indicators are met. Pure.

use super::{ReportFinding, ReportMark, number};
use crate::indicators::light::{IndicatorDirection, IndicatorLight};
use crate::language::Text;
use crate::reports::indicators::ReportIndicator;

/// A summary, and a sentence for each indicator.
pub fn findings(indicators: &[ReportIndicator]) -> Vec<ReportFinding> {
    let mut all = vec![summary(indicators)];
    all.extend(indicators.iter().map(|one| ReportFinding::new(mark(one), &sentence(one))));
    all
}

pub fn mark(indicator: &ReportIndicator) -> ReportMark {
    match indicator.light {
        Some(IndicatorLight::Green) => ReportMark::Met,
        Some(IndicatorLight::Yellow) => ReportMark::Warned,
        Some(IndicatorLight::Red) => ReportMark::Missed,
        None => ReportMark::NoData,
    }
}

/// Its mark is the worst of the indicators.
fn summary(indicators: &[ReportIndicator]) -> ReportFinding {
    let count = |mark_: ReportMark| indicators.iter().filter(|one| mark(one) == mark_).count();
    let [met, warned, missed, silent] =
        [ReportMark::Met, ReportMark::Warned, ReportMark::Missed, ReportMark::NoData].map(count);
    let judged = met + warned + missed;
    if judged == 0 {
        let text = match indicators.is_empty() {
            true => Text::new(
                "No hay indicadores que se midan en este trimestre.",
                "No indicator is measured in this quarter.",
            ),
            false => Text::new(
                "Ningún indicador tiene datos en este trimestre.",
                "No indicator has data in this quarter.",
            ),
        };
        return ReportFinding::new(ReportMark::NoData, &text);
    }
    let (mut es, mut en) = match (met == judged, judged) {
        (true, 1) => {
            ("La única meta con datos se cumple".to_owned(), "The only target with data is met".to_owned())
        }
        (true, _) => (
            format!("Se cumplen las {judged} metas con datos"),
            format!("All {judged} targets with data are met"),
        ),
        (false, 1) => (
            "La única meta con datos no se cumple".to_owned(),
            "The only target with data is not met".to_owned(),
        ),
        (false, _) if met == 0 => (
            format!("No se cumple ninguna de las {judged} metas con datos"),
            format!("None of the {judged} targets with data is met"),
        ),
        (false, _) => {
            let verb = if met == 1 { "Se cumple" } else { "Se cumplen" };
            let verb_en = if met == 1 { "is" } else { "are" };
            (format!("{verb} {met} de {judged} metas"), format!("{met} of {judged} targets {verb_en} met"))
        }
    };
    if warned > 0 {
        let verb = if warned == 1 { "está" } else { "están" };
        es.push_str(&format!("; {warned} {verb} en alerta"));
        en.push_str(&format!("; {warned} within the warning limit"));
    }
    if missed > 0 {
        let verb = if missed == 1 { "no se cumple" } else { "no se cumplen" };
        es.push_str(&format!("; {missed} {verb}"));
        en.push_str(&format!("; {missed} not met"));
    }
    if silent > 0 {
        let verb = if silent == 1 { "no tiene" } else { "no tienen" };
        es.push_str(&format!("; {silent} {verb} datos"));
        en.push_str(&format!("; {silent} without data"));
    }
    let worst = match (missed, warned) {
        (1.., _) => ReportMark::Missed,
        (0, 1..) => ReportMark::Warned,
        (0, 0) => ReportMark::Met,
    };
    ReportFinding::new(worst, &Text::made(format!("{es}."), format!("{en}.")))
}

fn sentence(one: &ReportIndicator) -> Text {
    let name = &one.label;
    let target = target(one);
    let Some(value) = one.value else {
        return if one.withheld {
            Text::made(
                format!(
                    "{name}: se reserva porque permitiría deducir respuestas de una persona; {}.",
                    target.es
                ),
                format!("{name}: withheld because it would reveal the answers of a person; {}.", target.en),
            )
        } else {
            Text::made(
                format!("{name}: sin datos en el período; {}.", target.es),
                format!("{name}: no data in the period; {}.", target.en),
            )
        };
    };
    let value_text = in_unit(value, one);
    let before = compared(one, value);
    Text::made(
        format!("{name}: {}; {}. {}", value_text.es, target.es, before.es),
        format!("{name}: {}; {}. {}", value_text.en, target.en, before.en),
    )
}

/// Such as `la meta es al menos 90 %`.
fn target(one: &ReportIndicator) -> Text {
    let limit = in_unit(one.target, one);
    match one.direction {
        IndicatorDirection::AtLeast => Text::made(
            format!("la meta es al menos {}", limit.es),
            format!("the target is at least {}", limit.en),
        ),
        IndicatorDirection::AtMost => Text::made(
            format!("la meta es máximo {}", limit.es),
            format!("the target is at most {}", limit.en),
        ),
    }
}

/// A value without a previous one is neither better nor worse.
fn compared(one: &ReportIndicator, value: f64) -> Text {
    let Some(before) = one.previous_value else {
        return Text::new(
            "El período anterior no tiene datos para comparar.",
            "The previous period has no data to compare with.",
        );
    };
    let shown = in_unit(before, one);
    let change = match one.direction {
        IndicatorDirection::AtLeast => value - before,
        IndicatorDirection::AtMost => before - value,
    };
    // Values that are written alike are not called different.
    let (es, en) = if in_unit(value, one).es == shown.es {
        ("sin cambio", "no change")
    } else if change > 0.0 {
        ("mejoró", "it improved")
    } else {
        ("empeoró", "it got worse")
    };
    Text::made(format!("Antes: {}; {es}.", shown.es), format!("Before: {}; {en}.", shown.en))
}

/// With one decimal if the value has a fraction.
fn in_unit(value: f64, one: &ReportIndicator) -> Text {
    let decimals = if value.fract() == 0.0 { 0 } else { 1 };
    let number = number(value, decimals);
    let unit = &one.unit;
    Text::made(format!("{} {unit}", number.es), format!("{} {unit}", number.en))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: Option<f64>, previous_value: Option<f64>) -> ReportIndicator {
        ReportIndicator::sample("Oportunidad en la atención", value, previous_value)
    }

    fn texts(indicator: &ReportIndicator) -> (String, String) {
        let text = sentence(indicator);
        (text.es.into_owned(), text.en.into_owned())
    }

    #[test]
    fn a_sentence_has_the_value_the_target_and_the_comparison() {
        let (es, en) = texts(&one(Some(87.5), Some(92.0)));
        assert_eq!(es, "Oportunidad en la atención: 87,5 %; la meta es al menos 90 %. Antes: 92 %; empeoró.");
        assert_eq!(
            en,
            "Oportunidad en la atención: 87.5 %; the target is at least 90 %. Before: 92 %; it got worse."
        );
        assert!(texts(&one(Some(93.0), Some(92.0))).0.ends_with("Antes: 92 %; mejoró."));
        assert!(texts(&one(Some(92.04), Some(92.01))).0.ends_with("Antes: 92,0 %; sin cambio."));
        let mut fewer = one(Some(3.0), Some(5.0));
        fewer.direction = IndicatorDirection::AtMost;
        assert!(texts(&fewer).0.ends_with("la meta es máximo 90 %. Antes: 5 %; mejoró."));
        assert!(texts(&fewer).1.ends_with("the target is at most 90 %. Before: 5 %; it improved."));
    }

    #[test]
    fn without_data_nothing_is_better_or_worse() {
        let (es, en) = texts(&one(None, Some(92.0)));
        assert_eq!(es, "Oportunidad en la atención: sin datos en el período; la meta es al menos 90 %.");
        assert_eq!(en, "Oportunidad en la atención: no data in the period; the target is at least 90 %.");
        let (es, en) = texts(&one(Some(100.0), None));
        assert!(es.ends_with("El período anterior no tiene datos para comparar.") && !es.contains("mejor"));
        assert!(en.ends_with("The previous period has no data to compare with.") && !en.contains("improved"));
        let mut withheld = one(None, None);
        withheld.withheld = true;
        assert!(texts(&withheld).0.contains("se reserva") && texts(&withheld).1.contains("withheld"));
    }

    #[test]
    fn the_summary_counts_the_lights_and_has_the_worst() {
        let [good, fair, bad, silent] =
            [Some(95.0), Some(85.0), Some(50.0), None].map(|value| one(value, None));
        let summary = |all: &[&ReportIndicator]| {
            let all: Vec<ReportIndicator> = all.iter().map(|one| (*one).clone()).collect();
            let found = findings(&all).swap_remove(0);
            (found.mark, found.text_es, found.text_en)
        };
        let (mark, es, en) = summary(&[&good, &fair, &bad, &silent]);
        assert_eq!(mark, ReportMark::Missed);
        assert_eq!(es, "Se cumple 1 de 3 metas; 1 está en alerta; 1 no se cumple; 1 no tiene datos.");
        assert_eq!(en, "1 of 3 targets is met; 1 within the warning limit; 1 not met; 1 without data.");
        let (mark, es, en) = summary(&[&good, &good]);
        assert_eq!((mark, &*es), (ReportMark::Met, "Se cumplen las 2 metas con datos."));
        assert_eq!(en, "All 2 targets with data are met.");
        assert_eq!(summary(&[&good, &fair]).0, ReportMark::Warned);
        assert_eq!(
            summary(&[&fair, &bad]).1,
            "No se cumple ninguna de las 2 metas con datos; 1 está en alerta; 1 no se cumple."
        );
        assert_eq!(summary(&[&silent]).1, "Ningún indicador tiene datos en este trimestre.");
        assert_eq!(summary(&[]).2, "No indicator is measured in this quarter.");
        assert_eq!(summary(&[]).0, ReportMark::NoData);
    }
}
