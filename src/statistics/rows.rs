//! The order of the rows of each breakdown, and their names. Pure.

use std::collections::HashMap;

use uuid::Uuid;

use super::answer::{ByChannel, ByCriticality, ByLevel, ByNamed, ByPerson};
use super::figures::{Figures, Work};
use crate::tickets::model::{Channel, Criticality};

/// One row for each wanted criticality, in order, and one for unclassified tickets.
pub fn by_criticality(
    mut found: Vec<(Option<Criticality>, Figures)>,
    wanted: &[Criticality],
    linked: impl Fn(Option<Criticality>, Figures) -> Figures,
) -> Vec<ByCriticality> {
    let all = Criticality::ALL.iter().copied().map(Some).chain([None]);
    let all = all.filter(|one| wanted.is_empty() || one.is_some_and(|one| wanted.contains(&one)));
    let rows = all.map(|criticality| {
        let place = found.iter().position(|(one, _)| *one == criticality);
        let figures = place.map(|place| found.swap_remove(place).1).unwrap_or_default();
        ByCriticality {
            criticality,
            attention_minutes_mean: figures.attention_minutes.mean,
            attention_minutes_p90: figures.attention_minutes.p90,
            solution_minutes_mean: figures.solution_minutes.mean,
            solution_minutes_p90: figures.solution_minutes.p90,
            figures: linked(criticality, figures),
        }
    });
    rows.collect()
}

/// By tickets received, descending.
pub fn by_channel(
    found: Vec<(Channel, Figures)>,
    linked: impl Fn(Channel, Figures) -> Figures,
) -> Vec<ByChannel> {
    let row = |(channel, figures)| ByChannel { channel, figures: linked(channel, figures) };
    let mut rows: Vec<ByChannel> = found.into_iter().map(row).collect();
    rows.sort_by_key(|row| (-row.figures.received, row.channel));
    rows
}

/// By tickets received, descending, then by name; those without a name last among equals.
pub fn named(
    rows: impl Iterator<Item = (Option<Uuid>, Figures)>,
    names: &HashMap<Uuid, String>,
) -> Vec<ByNamed> {
    let row = |(id, figures): (Option<Uuid>, Figures)| ByNamed {
        id,
        name: id.and_then(|id| names.get(&id).cloned()),
        figures,
    };
    let mut rows: Vec<ByNamed> = rows.map(row).collect();
    rows.sort_by(|a, b| {
        let key = |row: &ByNamed| (-row.figures.received, row.name.is_none());
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    rows
}

/// By tickets solved and accepted, descending, then in the order of `names`.
pub fn by_person(
    found: Vec<(Uuid, Work)>,
    names: &[(Uuid, String)],
    linked: impl Fn(Uuid, Work) -> Work,
) -> Vec<ByPerson> {
    let mut found: HashMap<Uuid, Work> = found.into_iter().collect();
    let row = |(id, full_name): &(Uuid, String)| {
        let work = linked(*id, found.remove(id)?);
        Some(ByPerson { id: *id, full_name: full_name.clone(), work })
    };
    let mut rows: Vec<ByPerson> = names.iter().filter_map(row).collect();
    rows.sort_by_key(|row| (-row.work.solved, -row.work.accepted));
    rows
}

/// One row for each level.
pub fn by_level(mut found: Vec<(i16, Work)>, linked: impl Fn(i16, Work) -> Work) -> Vec<ByLevel> {
    let rows = (1..=3).map(|level| {
        let place = found.iter().position(|(known, _)| *known == level);
        let work = place.map(|place| found.swap_remove(place).1).unwrap_or_default();
        ByLevel { level, work: linked(level, work) }
    });
    rows.collect()
}
