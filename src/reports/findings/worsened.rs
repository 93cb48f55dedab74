//! What got worse since the previous quarter, and where. Pure.

use super::{ReportFinding, ReportMark, counted, number, percent};
use crate::language::Text;
use crate::statistics::answer::Statistics;
use crate::statistics::figures::Figures;
use crate::tickets::model::Criticality;

/// The minimum number of cases behind a share or a time, in both quarters: below it one case decides.
const FEWEST_CASES: i64 = 5;
/// The minimum difference of two shares.
const LEAST_SHARE: f64 = 0.01;
/// The minimum growth of a count or a time, as a share.
const LEAST_GROWTH: f64 = 0.1;
/// The number of findings of all tickets.
const MOST_IN_TOTAL: usize = 3;
/// The number of findings of each kind of group.
const MOST_OF_A_KIND: usize = 2;

/// The tickets of a quarter.
pub struct Quarterly<'a> {
    pub all: &'a Figures,
    pub groups: Vec<(Group, &'a Figures)>,
}

/// A group of tickets, the same in both quarters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    Criticality(Option<Criticality>),
    /// A unit or a category, by its current name.
    Unit(Option<String>),
    Category(Option<String>),
}

impl<'a> From<&'a Statistics> for Quarterly<'a> {
    fn from(statistics: &'a Statistics) -> Self {
        let criticalities =
            statistics.by_criticality.iter().map(|row| (Group::Criticality(row.criticality), &row.figures));
        let units = statistics.by_unit.iter().map(|row| (Group::Unit(row.name.clone()), &row.figures));
        let categories =
            statistics.by_category.iter().map(|row| (Group::Category(row.name.clone()), &row.figures));
        Quarterly { all: &statistics.tickets, groups: criticalities.chain(units).chain(categories).collect() }
    }
}

/// A figure that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    Attention,
    FirstLevel,
    Satisfaction,
    Backlog,
    SolutionTime,
}

const FIGURES: [Figure; 5] =
    [Figure::Attention, Figure::Satisfaction, Figure::FirstLevel, Figure::Backlog, Figure::SolutionTime];

/// A figure that is worse than before.
struct Worse<'a> {
    figure: Figure,
    group: Option<&'a Group>,
    now: f64,
    before: f64,
    /// The number of cases that the difference concerns, about; the larger, the more important.
    weight: f64,
    cases: i64,
}

/// The findings of a quarter and the one before it.
pub fn findings(now: &Quarterly<'_>, before: Option<&Quarterly<'_>>) -> Vec<ReportFinding> {
    let one = |text: Text| vec![ReportFinding::new(ReportMark::NoData, &text)];
    let Some(before) = before.filter(|before| !before.all.is_empty()) else {
        return one(Text::new(
            "El trimestre anterior no tiene datos: no se puede comparar.",
            "The previous quarter has no data: nothing can be compared.",
        ));
    };
    if now.all.is_empty() {
        return one(Text::new(
            "Este trimestre no tiene datos: no se puede comparar con el anterior.",
            "This quarter has no data: it cannot be compared with the previous one.",
        ));
    }
    let figures = FIGURES.iter().filter_map(|figure| compare(*figure, None, now.all, before.all));
    let mut found: Vec<Worse<'_>> = figures.collect();
    let is_new = found.is_empty() && comparable(now.all, before.all) == 0;
    found.truncate(MOST_IN_TOTAL);
    for kind in [Group::Criticality(None), Group::Unit(None), Group::Category(None)] {
        let same_kind =
            |group: &&(Group, &Figures)| std::mem::discriminant(&group.0) == std::mem::discriminant(&kind);
        let mut worse: Vec<Worse<'_>> = now
            .groups
            .iter()
            .filter(same_kind)
            .filter_map(|(group, figures)| {
                let (_, earlier) = before.groups.iter().find(|(other, _)| other == group)?;
                Some((group, *figures, *earlier))
            })
            .flat_map(|(group, figures, earlier)| {
                FIGURES.iter().filter_map(move |figure| compare(*figure, Some(group), figures, earlier))
            })
            .collect();
        worse.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        worse.truncate(MOST_OF_A_KIND);
        found.extend(worse);
    }
    if !found.is_empty() {
        return found.iter().map(|worse| ReportFinding::new(ReportMark::Worse, &sentence(worse))).collect();
    }
    if is_new {
        return one(Text::new(
            "Hay muy pocos casos en uno de los dos trimestres: no se puede comparar.",
            "One of the two quarters has too few cases: nothing can be compared.",
        ));
    }
    let text = Text::new(
        "Ninguna cifra comparable empeoró de manera apreciable frente al trimestre anterior.",
        "No comparable figure got noticeably worse than in the previous quarter.",
    );
    vec![ReportFinding::new(ReportMark::NotWorse, &text)]
}

/// The value of a figure, and the number of its cases; `None` without a value.
fn value(figure: Figure, figures: &Figures) -> Option<(f64, i64)> {
    let attended = figures.attended_in_time + figures.attended_late + figures.waiting_overdue;
    match figure {
        Figure::Attention => Some((figures.attention_compliance?, attended)),
        Figure::FirstLevel => Some((figures.first_level_rate?, figures.solved)),
        Figure::Satisfaction => Some((figures.surveys.satisfaction_rate?, figures.surveys.answered)),
        Figure::Backlog => Some((figures.open as f64, figures.open)),
        Figure::SolutionTime => Some((figures.solution_working_minutes.median?, figures.solved)),
    }
}

/// How many figures have enough cases in both quarters.
fn comparable(now: &Figures, before: &Figures) -> usize {
    let enough = |figure: &Figure| {
        [now, before]
            .iter()
            .all(|figures| value(*figure, figures).is_some_and(|(_, cases)| cases >= FEWEST_CASES))
    };
    FIGURES.iter().filter(|figure| enough(figure)).count()
}

/// The figure, if it is noticeably worse. One that has no data in one of the quarters is neither better nor worse.
fn compare<'a>(
    figure: Figure,
    group: Option<&'a Group>,
    now: &Figures,
    before: &Figures,
) -> Option<Worse<'a>> {
    let ((now, cases), (before, earlier)) = (value(figure, now)?, value(figure, before)?);
    let weight = match figure {
        Figure::Attention | Figure::FirstLevel | Figure::Satisfaction => {
            let enough = cases >= FEWEST_CASES && earlier >= FEWEST_CASES;
            (enough && before - now >= LEAST_SHARE).then_some((before - now) * cases as f64)
        }
        Figure::Backlog => {
            let more = now - before;
            (more >= FEWEST_CASES as f64 && more > before * LEAST_GROWTH).then_some(more)
        }
        Figure::SolutionTime => {
            let enough = cases >= FEWEST_CASES && earlier >= FEWEST_CASES && before > 0.0;
            let growth = now / before - 1.0;
            (enough && growth > LEAST_GROWTH).then(|| growth.min(1.0) * cases as f64)
        }
    };
    weight.map(|weight| Worse { figure, group, now, before, weight, cases })
}

fn sentence(worse: &Worse<'_>) -> Text {
    let place = worse.group.map_or_else(|| Text::new("En total", "In total"), place);
    let Worse { now, before, .. } = *worse;
    let share = |es: &str, en: &str| {
        let (from, to) = (percent(before), percent(now));
        let points = number((before - now) * 100.0, 1);
        let cases = match worse.figure {
            Figure::Satisfaction => counted(worse.cases, ["encuesta", "encuestas"], ["survey", "surveys"]),
            _ => counted(worse.cases, ["caso", "casos"], ["case", "cases"]),
        };
        Text::made(
            format!(
                "{}: {es} bajó de {} a {} ({} puntos menos; {}).",
                place.es, from.es, to.es, points.es, cases.es
            ),
            format!(
                "{}: {en} fell from {} to {} ({} points less; {}).",
                place.en, from.en, to.en, points.en, cases.en
            ),
        )
    };
    match worse.figure {
        Figure::Attention => share("la atención oportuna", "timely attention"),
        Figure::FirstLevel => share("la solución en el primer nivel", "resolution at the first level"),
        Figure::Satisfaction => share("la satisfacción", "satisfaction"),
        Figure::Backlog => {
            let (from, to) = (number(before, 0), number(now, 0));
            Text::made(
                format!("{}: los casos pendientes al final pasaron de {} a {}.", place.es, from.es, to.es),
                format!("{}: the backlog at the end grew from {} to {}.", place.en, from.en, to.en),
            )
        }
        Figure::SolutionTime => {
            let (from, to) = (number(before / 60.0, 1), number(now / 60.0, 1));
            Text::made(
                format!(
                    "{}: la mediana del tiempo de solución subió de {} a {} horas del calendario de atención.",
                    place.es, from.es, to.es
                ),
                format!(
                    "{}: the median time to the solution rose from {} to {} hours of the attention calendar.",
                    place.en, from.en, to.en
                ),
            )
        }
    }
}

fn place(group: &Group) -> Text {
    let named = |es: &str, en: &str, name: &str| Text::made(format!("{es} {name}"), format!("{en} {name}"));
    match group {
        Group::Criticality(Some(Criticality::Critical)) => {
            Text::new("Criticidad crítica", "Criticality critical")
        }
        Group::Criticality(Some(Criticality::High)) => Text::new("Criticidad alta", "Criticality high"),
        Group::Criticality(Some(Criticality::Medium)) => Text::new("Criticidad media", "Criticality medium"),
        Group::Criticality(Some(Criticality::Low)) => Text::new("Criticidad baja", "Criticality low"),
        Group::Criticality(None) => Text::new("Sin clasificar", "Unclassified"),
        Group::Unit(Some(name)) => named("Unidad", "Unit", name),
        Group::Unit(None) => Text::new("Sin unidad", "Without a unit"),
        Group::Category(Some(name)) => named("Asunto", "Category", name),
        Group::Category(None) => Text::new("Sin asunto", "Without a category"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::figures::Spread;

    /// Tickets of which this many were attended in time and late.
    fn attended(in_time: i64, late: i64) -> Figures {
        let figures = Figures {
            received: in_time + late,
            attended_in_time: in_time,
            attended_late: late,
            ..Figures::default()
        };
        figures.with_shares()
    }

    fn all(figures: &Figures) -> Quarterly<'_> {
        Quarterly { all: figures, groups: Vec::new() }
    }

    fn said(now: &Quarterly<'_>, before: Option<&Quarterly<'_>>) -> Vec<(ReportMark, String, String)> {
        let found = findings(now, before);
        found.into_iter().map(|one| (one.mark, one.text_es, one.text_en)).collect()
    }

    #[test]
    fn a_share_that_fell_is_named_with_both_values() {
        let found = said(&all(&attended(34, 6)), Some(&all(&attended(46, 4))));
        assert_eq!(
            found,
            [(
                ReportMark::Worse,
                "En total: la atención oportuna bajó de 92,0 % a 85,0 % (7,0 puntos menos; 40 casos)."
                    .to_owned(),
                "In total: timely attention fell from 92.0 % to 85.0 % (7.0 points less; 40 cases)."
                    .to_owned(),
            )]
        );
    }

    #[test]
    fn the_groups_that_got_worse_are_named_by_the_cases_concerned() {
        let (now, before) = (attended(60, 20), attended(78, 2));
        let (large, large_before) = (attended(20, 15), attended(34, 1));
        let (small, small_before) = (attended(5, 4), attended(9, 0));
        let (tiny, tiny_before) = (attended(0, 4), attended(4, 0));
        let better = attended(9, 1);
        let unit = |name: &str| Group::Unit(Some(name.to_owned()));
        let critical = Group::Criticality(Some(Criticality::Critical));
        let now = Quarterly {
            all: &now,
            groups: vec![
                (critical.clone(), &small),
                (unit("Archivo"), &small),
                (unit("Hacienda"), &large),
                (unit("Salud"), &tiny),
                (unit("Nueva"), &large),
                (Group::Category(None), &better),
            ],
        };
        let before = Quarterly {
            all: &before,
            groups: vec![
                (critical, &small_before),
                (unit("Archivo"), &small_before),
                (unit("Hacienda"), &large_before),
                (unit("Salud"), &tiny_before),
                (Group::Category(None), &large),
            ],
        };
        let found = said(&now, Some(&before));
        let places: Vec<&str> = found.iter().map(|(_, es, _)| es.split(':').next().unwrap()).collect();
        // A unit with four cases decides nothing, and one without cases before cannot be compared.
        assert_eq!(places, ["En total", "Criticidad crítica", "Unidad Hacienda", "Unidad Archivo"]);
        assert!(found[1].2.starts_with("Criticality critical: timely attention fell from 100.0 % to 55.6 %"));
    }

    #[test]
    fn what_has_no_data_is_not_compared() {
        let (some, nothing) = (attended(3, 30), Figures::default());
        let [(mark, es, en)] = &said(&all(&some), Some(&all(&nothing)))[..] else { panic!() };
        assert_eq!(*mark, ReportMark::NoData);
        assert_eq!(es, "El trimestre anterior no tiene datos: no se puede comparar.");
        assert_eq!(en, "The previous quarter has no data: nothing can be compared.");
        assert_eq!(said(&all(&some), None)[0].1, *es);
        let found = said(&all(&nothing), Some(&all(&some)));
        assert_eq!(found[0].1, "Este trimestre no tiene datos: no se puede comparar con el anterior.");
        let found = said(&all(&attended(1, 1)), Some(&all(&attended(2, 0))));
        assert_eq!(found[0].1, "Hay muy pocos casos en uno de los dos trimestres: no se puede comparar.");
        assert_eq!(found[0].0, ReportMark::NoData);
    }

    #[test]
    fn what_did_not_get_worse_is_said() {
        let found = said(&all(&attended(91, 9)), Some(&all(&attended(90, 10))));
        assert_eq!(found[0].0, ReportMark::NotWorse);
        assert!(found[0].2.starts_with("No comparable figure got noticeably worse"));
        // Less than a point.
        let found = said(&all(&attended(995, 5)), Some(&all(&attended(999, 1))));
        assert_eq!(found[0].0, ReportMark::NotWorse);
    }

    #[test]
    fn backlog_and_times_are_compared_too() {
        let quarter = |open, median| Figures {
            open,
            solved: 50,
            solution_working_minutes: Spread { median: Some(median), ..Spread::default() },
            ..Figures::default()
        };
        let (now, before) = (quarter(30, 150.0), quarter(20, 120.0));
        let found = said(&all(&now), Some(&all(&before)));
        assert_eq!(found[0].1, "En total: los casos pendientes al final pasaron de 20 a 30.");
        assert_eq!(found[0].2, "In total: the backlog at the end grew from 20 to 30.");
        assert_eq!(
            found[1].1,
            "En total: la mediana del tiempo de solución subió de 2,0 a 2,5 horas del calendario de atención."
        );
        assert_eq!(said(&all(&quarter(24, 131.0)), Some(&all(&before)))[0].0, ReportMark::NotWorse);
    }
}
