//! The computation of the statistics of a period.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::counts::{By, Counts};
use super::facts::Facts;
use super::figures::{Figures, Links, Surveys, Work};
use super::links::{Group, Lists, Scope, Who};
use super::period::{Interval, MOST_PARTS, Period};
use crate::db::schema::{article_revisions, articles, categories, units};
use crate::http::query::invalid;
use crate::problem::{Problem, Result, Text};
use crate::tickets::model::{Channel, Criticality};

/// The figures of a period.
#[derive(Clone, Serialize, ToSchema)]
pub struct Statistics {
    /// The first day of the period.
    #[serde(rename = "from_date")]
    pub from: NaiveDate,
    /// The last day of the period, inclusive.
    #[serde(rename = "through_date")]
    pub to: NaiveDate,
    /// The IANA time zone in which the days begin and end (`MESA_TIMEZONE`).
    #[schema(max_length = 100, example = "America/Bogota")]
    pub timezone: String,
    /// The figures of all tickets that match the filters.
    pub tickets: Figures,
    /// One row for each criticality, and one with `null` for unclassified tickets. With the filter `criticality`, only
    /// its values.
    pub by_criticality: Vec<ByCriticality>,
    /// One row for each unit of a requester that has any counts, by tickets received, descending.
    pub by_unit: Vec<ByNamed>,
    /// One row for each category that has any counts, by tickets received, descending.
    pub by_category: Vec<ByNamed>,
    /// One row for each channel that has any counts, by tickets received, descending.
    pub by_channel: Vec<ByChannel>,
    /// The work of each member of staff in the period.
    pub by_person: Vec<ByPerson>,
    /// The work of the staff of each support level in the period; one row for each level.
    pub by_level: Vec<ByLevel>,
    /// The tickets escalated in the period.
    pub escalations: Escalations,
    /// The surveys of all tickets: the same as `tickets.surveys`.
    pub surveys: Surveys,
    /// The activity of the knowledge base in the period.
    pub knowledge: Knowledge,
    /// The parts of the period that have begun, by `interval`, the oldest first; empty if `interval` is omitted. The
    /// first and the last part are shorter if the bounds of the period cut them off.
    pub series: Vec<Part>,
    /// All tickets in the previous period: the same number of months if the period consists of whole months, otherwise
    /// the same number of days. `null` if there is none.
    pub previous: Option<Part>,
}

/// The tickets of one criticality.
#[derive(Clone, Serialize, ToSchema)]
pub struct ByCriticality {
    /// The criticality; `null` for unclassified tickets.
    pub criticality: Option<Criticality>,
    #[serde(flatten)]
    pub figures: Figures,
    /// The mean of `attention_minutes`, in minutes; `null` if there are no values.
    attention_minutes_mean: Option<f64>,
    /// The 90th percentile of `attention_minutes`, in minutes; `null` if there are no values.
    attention_minutes_p90: Option<f64>,
    /// The mean of `solution_minutes`, in minutes; `null` if there are no values.
    solution_minutes_mean: Option<f64>,
    /// The 90th percentile of `solution_minutes`, in minutes; `null` if there are no values.
    solution_minutes_p90: Option<f64>,
}

/// The tickets of one unit or category.
#[derive(Clone, Serialize, ToSchema)]
pub struct ByNamed {
    /// Identifier of the unit or category; `null` for tickets without one.
    pub id: Option<Uuid>,
    /// The current name of the unit or category; `null` for tickets without one.
    #[schema(max_length = 200)]
    pub name: Option<String>,
    #[serde(flatten)]
    pub figures: Figures,
}

/// The tickets of one channel.
#[derive(Clone, Serialize, ToSchema)]
pub struct ByChannel {
    /// The channel by which the tickets were registered.
    pub channel: Channel,
    #[serde(flatten)]
    pub figures: Figures,
}

/// The work of one member of staff.
#[derive(Clone, Serialize, ToSchema)]
pub struct ByPerson {
    /// Identifier of the member of staff.
    pub id: Uuid,
    /// The full name of the member of staff.
    #[schema(max_length = 200)]
    pub full_name: String,
    #[serde(flatten)]
    pub work: Work,
}

/// The work of the staff of one support level.
#[derive(Clone, Serialize, ToSchema)]
pub struct ByLevel {
    /// The support level: 1 technician, 2 professional, 3 director.
    #[schema(minimum = 1, maximum = 3, example = 1)]
    #[serde(rename = "support_level")]
    pub level: i16,
    #[serde(flatten)]
    pub work: Work,
}

/// The tickets escalated in the period.
#[derive(Clone, Serialize, ToSchema)]
pub struct Escalations {
    /// Tickets that were escalated; one that was escalated twice counts once.
    pub count: i64,
    /// Tickets that were escalated to support level 2.
    pub to_level_2: i64,
    /// Tickets that were escalated to support level 3.
    pub to_level_3: i64,
    /// For each count, by its name, the path of the list of what it counts.
    links: Links,
}

/// Knowledge base activity.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = KnowledgeFigures)]
pub struct Knowledge {
    /// Knowledge base articles that were first published in the period, regardless of their ticket.
    pub published: i64,
    /// Revisions of articles that were written in the period, including first ones.
    pub revisions: i64,
    /// `solved_with_article` for all tickets.
    pub solved_with_article: i64,
    /// For each count except `revisions`, by its name, the path of the list of what it counts.
    links: Links,
}

/// The figures of all tickets in a part of a period.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = StatisticsPart)]
pub struct Part {
    /// The first day of the part.
    #[serde(rename = "from_date")]
    pub from: NaiveDate,
    /// The last day of the part, inclusive.
    #[serde(rename = "through_date")]
    pub to: NaiveDate,
    #[serde(flatten)]
    pub figures: Figures,
}

/// The parameters of the computation.
#[derive(Clone)]
pub struct Question {
    pub period: Period,
    pub interval: Option<Interval>,
    pub scope: Scope,
    pub timezone: Tz,
    pub now: DateTime<Utc>,
}

/// Compiling these queries costs more than it saves; a large quarter is sorted in memory; and each fact looks up its
/// ticket by number, so that the cost depends on the facts only: otherwise PostgreSQL would scan all tickets, however
/// many came in before.
const FOR_MANY_FACTS: &str = "SET LOCAL jit = off; SET LOCAL work_mem = '64MB'; \
    SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL random_page_cost = 1.1";

/// A period as moments.
struct Stretch {
    period: Period,
    begin: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Question {
    /// Computes everything from one snapshot, so that the figures are consistent.
    ///
    /// # Errors
    /// A 400 if the period is invalid or has too many parts.
    pub fn answer(&self, db: &mut PgConnection) -> Result<Statistics> {
        db.build_transaction().repeatable_read().read_only().run(|tx| self.answer_within(tx))
    }

    /// The same, within a transaction that reads from one snapshot.
    ///
    /// # Errors
    /// As `answer`.
    pub fn answer_within(&self, tx: &mut PgConnection) -> Result<Statistics> {
        let whole = self.stretch(self.period)?;
        let parts = self.interval.map_or_else(Vec::new, |interval| self.period.parts(interval));
        if parts.len() > MOST_PARTS {
            let detail = Text::made(
                format!("El período puede tener hasta {MOST_PARTS} partes."),
                format!("A period may have up to {MOST_PARTS} parts."),
            );
            return Err(invalid("interval", detail));
        }
        diesel::connection::SimpleConnection::batch_execute(tx, FOR_MANY_FACTS)?;
        let facts = self.facts(std::slice::from_ref(&whole));
        let (mut groups, mut escalations) = (HashMap::<_, Vec<Counts>>::new(), None);
        for counts in facts.by_group(tx)? {
            if counts.by() == By::Nothing {
                escalations = Some((counts.escalated_to_2, counts.escalated_to_3));
            }
            groups.entry(counts.by()).or_default().push(counts);
        }
        let mut of = |by| groups.remove(&by).unwrap_or_default();
        let lists = self.lists(&whole);
        let linked =
            |counts: Counts, group: Group| Figures { links: lists.figures(group), ..Figures::from(counts) };
        let tickets = of(By::Nothing).pop().map(|counts| linked(counts, Group::All));
        let tickets = tickets.ok_or_else(|| Problem::internal("the count returned no rows"))?;
        let (to_level_2, to_level_3) = escalations.unwrap_or_default();
        let by_unit: Vec<(Option<Uuid>, Figures)> =
            named(of(By::Unit), |counts| counts.unit_id, Group::Unit, &lists);
        let by_category = named(of(By::Category), |counts| counts.category_id, Group::Category, &lists);
        let unit_names = units::table.filter(units::id.eq_any(by_unit.iter().filter_map(|(id, _)| *id)));
        let unit_names: Vec<(Uuid, String)> = unit_names.select((units::id, units::name)).load(tx)?;
        let category_names =
            categories::table.filter(categories::id.eq_any(by_category.iter().filter_map(|(id, _)| *id)));
        let category_names: Vec<(Uuid, String)> =
            category_names.select((categories::id, categories::name)).load(tx)?;
        let mut by_channel: Vec<ByChannel> = of(By::Channel)
            .into_iter()
            .filter_map(|counts| {
                let channel = counts.channel?;
                Some(ByChannel { channel, figures: linked(counts, Group::Channel(channel)) })
            })
            .collect();
        by_channel.sort_by_key(|row| (-row.figures.received, row.channel));
        let (by_person, by_level) = self.work(tx, &facts, &lists)?;
        Ok(Statistics {
            from: self.period.from,
            to: self.period.to,
            timezone: self.timezone.name().to_owned(),
            by_criticality: by_criticality(of(By::Criticality), &lists),
            by_unit: with_names(by_unit, unit_names),
            by_category: with_names(by_category, category_names),
            by_channel,
            by_person,
            by_level,
            escalations: Escalations {
                count: tickets.escalated,
                to_level_2,
                to_level_3,
                links: links([
                    ("count", Some(lists.escalated(None))),
                    ("to_level_2", Some(lists.escalated(Some(2)))),
                    ("to_level_3", Some(lists.escalated(Some(3)))),
                ]),
            },
            surveys: tickets.surveys.clone(),
            knowledge: self.knowledge(tx, &whole, &lists, &tickets)?,
            series: self.series(tx, parts)?,
            previous: match self.period.before() {
                Some(before) => self.series(tx, vec![before])?.pop(),
                None => None,
            },
            tickets,
        })
    }

    /// The figures of each of these consecutive periods that has begun.
    pub fn series(&self, tx: &mut PgConnection, parts: Vec<Period>) -> Result<Vec<Part>> {
        let parts: Vec<Stretch> = parts.into_iter().map(|part| self.stretch(part)).collect::<Result<_>>()?;
        let parts: Vec<Stretch> = parts.into_iter().filter(|part| part.begin <= self.now).collect();
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        let mut found: HashMap<i32, Counts> =
            self.facts(&parts).by_part(tx)?.into_iter().map(|counts| (counts.part, counts)).collect();
        let figures = (1..).zip(&parts).map(|(number, part)| Part {
            from: part.period.from,
            to: part.period.to,
            figures: Figures {
                links: self.lists(part).figures(Group::All),
                ..found.remove(&number).map_or_else(Figures::default, Figures::from)
            },
        });
        Ok(figures.collect())
    }

    fn stretch(&self, period: Period) -> Result<Stretch> {
        let (begin, end) = period.bounds(self.timezone)?;
        Ok(Stretch { period, begin, end })
    }

    /// `parts` must be consecutive.
    fn facts(&self, parts: &[Stretch]) -> Facts<'_> {
        Facts {
            begin: parts.first().map_or(self.now, |part| part.begin),
            end: parts.last().map_or(self.now, |part| part.end),
            parts: parts.iter().map(|part| part.begin).collect(),
            days: (
                parts.first().map_or(self.period.from, |part| part.period.from),
                parts.last().map_or(self.period.to, |part| part.period.to),
            ),
            part_days: parts.iter().map(|part| part.period.from).collect(),
            backlogs: parts.iter().map(|part| part.end.min(self.now)).collect(),
            now: self.now,
            scope: &self.scope,
        }
    }

    fn lists(&self, stretch: &Stretch) -> Lists<'_> {
        let Stretch { begin, end, .. } = *stretch;
        Lists { scope: &self.scope, begin, end, backlog: end.min(self.now) }
    }

    fn work(
        &self,
        tx: &mut PgConnection,
        facts: &Facts<'_>,
        lists: &Lists<'_>,
    ) -> Result<(Vec<ByPerson>, Vec<ByLevel>)> {
        let (mut people, mut levels) = (Vec::new(), Vec::new());
        for counts in facts.of_work(tx)? {
            match (counts.person_id, counts.full_name.clone(), counts.level) {
                (Some(id), Some(full_name), _) => {
                    let work = Work { links: lists.work(Who::Person(id)), ..Work::from(counts) };
                    people.push(ByPerson { id, full_name, work });
                }
                (_, _, Some(level)) => levels.push((level, Work::from(counts))),
                _ => {}
            }
        }
        let by_level = (1..=3).map(|level| {
            let place = levels.iter().position(|(known, _)| *known == level);
            let work = place.map(|place| levels.swap_remove(place).1).unwrap_or_default();
            ByLevel { level, work: Work { links: lists.work(Who::Level(level)), ..work } }
        });
        let by_level = by_level.collect();
        Ok((people, by_level))
    }

    fn knowledge(
        &self,
        tx: &mut PgConnection,
        whole: &Stretch,
        lists: &Lists<'_>,
        tickets: &Figures,
    ) -> Result<Knowledge> {
        let Stretch { begin, end, .. } = *whole;
        let published =
            articles::table.filter(articles::published_at.ge(begin).and(articles::published_at.lt(end)));
        let revisions = article_revisions::table
            .filter(article_revisions::changed_at.ge(begin).and(article_revisions::changed_at.lt(end)));
        let with_article = tickets.links.0.get("solved_with_article").cloned();
        Ok(Knowledge {
            published: published.count().get_result(tx)?,
            revisions: revisions.count().get_result(tx)?,
            solved_with_article: tickets.solved_with_article,
            links: links([("published", Some(lists.published())), ("solved_with_article", with_article)]),
        })
    }
}

fn links<const N: usize>(all: [(&str, Option<String>); N]) -> Links {
    Links(all.into_iter().filter_map(|(name, path)| Some((name.to_owned(), path?))).collect())
}

/// One row for each requested criticality, in order, and one for unclassified tickets.
fn by_criticality(mut found: Vec<Counts>, lists: &Lists<'_>) -> Vec<ByCriticality> {
    let wanted = &lists.scope.criticality;
    let all = Criticality::ALL.iter().copied().map(Some).chain([None]);
    let all = all.filter(|one| wanted.is_empty() || one.is_some_and(|one| wanted.contains(&one)));
    let rows = all.map(|criticality| {
        let place = found.iter().position(|counts| counts.criticality == criticality);
        let figures = place.map_or_else(Figures::default, |place| Figures::from(found.swap_remove(place)));
        let figures = Figures { links: lists.figures(Group::Criticality(criticality)), ..figures };
        ByCriticality {
            criticality,
            attention_minutes_mean: figures.attention_minutes.mean,
            attention_minutes_p90: figures.attention_minutes.p90,
            solution_minutes_mean: figures.solution_minutes.mean,
            solution_minutes_p90: figures.solution_minutes.p90,
            figures,
        }
    });
    rows.collect()
}

fn named(
    found: Vec<Counts>,
    id: fn(&Counts) -> Option<Uuid>,
    group: fn(Option<Uuid>) -> Group,
    lists: &Lists<'_>,
) -> Vec<(Option<Uuid>, Figures)> {
    let linked = |counts: Counts| {
        let id = id(&counts);
        (id, Figures { links: lists.figures(group(id)), ..Figures::from(counts) })
    };
    found.into_iter().map(linked).collect()
}

/// By tickets received, descending, then by name; those without a name last among equals.
fn with_names(rows: Vec<(Option<Uuid>, Figures)>, names: Vec<(Uuid, String)>) -> Vec<ByNamed> {
    let mut names: HashMap<Uuid, String> = names.into_iter().collect();
    let row = |(id, figures): (Option<Uuid>, Figures)| ByNamed {
        id,
        name: id.and_then(|id| names.remove(&id)),
        figures,
    };
    let mut rows: Vec<ByNamed> = rows.into_iter().map(row).collect();
    rows.sort_by(|a, b| {
        let key = |row: &ByNamed| (-row.figures.received, row.name.is_none());
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    rows
}
