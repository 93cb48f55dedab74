//! The computation of the statistics of a period: the plan of what is read, and the answer from the counts.

use std::collections::HashMap;

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use uuid::Uuid;

use super::answer::{Escalations, Knowledge, Part, Statistics};
use super::breakdown::{Breakdown, Breakdowns};
use super::fact::Moment;
use super::figures::{Figures, Links, Work};
use super::fold::Fold;
use super::frame::{Frame, Plan, Slot};
use super::grouped::Grouped;
use super::links::{Group, Lists, Scope, Who};
use super::period::{Interval, MOST_PARTS, Period};
use super::reading::Reader;
use super::rows;
use crate::db::Db;
use crate::db::schema::{article_revisions, articles, categories, units, users};
use crate::http::query::invalid;
use crate::problem::{Result, Text};

/// The parameters of the computation.
#[derive(Clone)]
pub struct Question {
    pub period: Period,
    pub interval: Option<Interval>,
    pub scope: Scope,
    pub timezone: Tz,
    pub now: DateTime<Utc>,
    pub by: Breakdowns,
    pub with_links: bool,
    /// Consecutive periods before this one, the oldest first, each with its breakdowns.
    pub earlier: Vec<(Period, Breakdowns)>,
}

/// Everything that was read, before the figures are computed: that needs no connection.
pub struct Counted {
    question: Question,
    fold: Fold,
    whole: Stretch,
    earlier: Vec<Stretch>,
    parts: Vec<Stretch>,
    knowledge: (i64, i64),
    names: Names,
}

/// What names are shown by their identifiers.
struct Names {
    units: HashMap<Uuid, String>,
    categories: HashMap<Uuid, String>,
    /// In the order of their names.
    people: Vec<(Uuid, String)>,
}

/// The statistics of the period of a question, and of the periods before it.
pub struct Answered {
    pub statistics: Statistics,
    /// Those of `earlier` that had begun.
    pub earlier: Vec<Statistics>,
}

/// A period as moments.
#[derive(Clone, Copy)]
struct Stretch {
    period: Period,
    begin: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Question {
    /// Reads everything from one snapshot, so that the figures are consistent; if the pool has a connection to spare,
    /// with two.
    ///
    /// # Errors
    /// A 400 if the period is invalid or has too many parts.
    pub fn count(self, db: &mut PgConnection, pool: &Db) -> Result<Counted> {
        db.build_transaction().repeatable_read().read_only().run(|tx| self.count_within(tx, Some(pool)))
    }

    /// The same, within a transaction that reads from one snapshot.
    ///
    /// # Errors
    /// As `count`.
    pub fn count_within(self, tx: &mut PgConnection, pool: Option<&Db>) -> Result<Counted> {
        let whole = self.stretch(self.period)?;
        let parts = self.interval.map_or_else(Vec::new, |interval| self.period.parts(interval));
        if parts.len() > MOST_PARTS {
            let detail = Text::made(
                format!("El período puede tener hasta {MOST_PARTS} partes."),
                format!("A period may have up to {MOST_PARTS} parts."),
            );
            return Err(invalid("interval", detail));
        }
        let stretch = |period: &Period| self.stretch(*period);
        let parts: Vec<Stretch> = parts.iter().map(stretch).collect::<Result<_>>()?;
        let earlier: Vec<Stretch> =
            self.earlier.iter().map(|(period, _)| stretch(period)).collect::<Result<_>>()?;
        let plan = self.plan(&whole, &earlier, &parts);
        let fold = Reader::read(tx, Fold::new(plan, self.scope.clone()), moment(self.now), pool)?;
        Ok(Counted {
            knowledge: knowledge(tx, &whole)?,
            names: Names::read(tx, &fold, self.by)?,
            question: self,
            fold,
            whole,
            earlier,
            parts,
        })
    }

    /// The frames are the earlier periods, the whole, and the parts.
    fn plan(&self, whole: &Stretch, earlier: &[Stretch], parts: &[Stretch]) -> Plan {
        let first = earlier.len();
        let within = if parts.is_empty() { std::slice::from_ref(whole) } else { parts };
        let slots: Vec<Slot> = earlier.iter().chain(within).map(|one| one.slot(self.now)).collect();
        let single = |place: usize, by: Breakdowns| Frame { slots: place..place + 1, by };
        let of_earlier = self.earlier.iter().enumerate().map(|(place, (_, by))| single(place, *by));
        let of_whole = Frame { slots: first..slots.len(), by: self.by };
        let of_parts = (0..parts.len()).map(|place| single(first + place, Breakdowns::default()));
        Plan { frames: of_earlier.chain([of_whole]).chain(of_parts).collect(), slots }
    }

    fn stretch(&self, period: Period) -> Result<Stretch> {
        let (begin, end) = period.bounds(self.timezone)?;
        Ok(Stretch { period, begin, end })
    }

    fn lists(&self, stretch: &Stretch) -> Lists<'_> {
        let Stretch { begin, end, .. } = *stretch;
        Lists { scope: &self.scope, begin, end, backlog: end.min(self.now) }
    }
}

impl Counted {
    /// How many surveys were answered in the period.
    pub fn answered(&self) -> i64 {
        self.fold.answered(self.earlier.len())
    }

    /// Computes the figures.
    pub fn finish(self) -> Answered {
        let Counted { question, fold, whole, earlier, parts, knowledge, names } = self;
        let mut frames = fold.finish().into_iter();
        let begun = |stretch: &Stretch| stretch.begin <= question.now;
        let mut before = Vec::new();
        for ((stretch, (_, by)), grouped) in earlier.iter().zip(&question.earlier).zip(frames.by_ref()) {
            if begun(stretch) {
                before.push(question.statistics(stretch, *by, grouped, &names));
            }
        }
        let grouped = frames.next().unwrap_or_default();
        let mut statistics = question.statistics(&whole, question.by, grouped, &names);
        let part = |(stretch, grouped): (&Stretch, Grouped)| Part {
            from: stretch.period.from,
            to: stretch.period.to,
            figures: question.linked(&question.lists(stretch), Group::All, grouped.all),
        };
        statistics.series = parts.iter().zip(frames).filter(|(one, _)| begun(one)).map(part).collect();
        statistics.previous = before.last().map(Statistics::total);
        (statistics.knowledge.published, statistics.knowledge.revisions) = knowledge;
        // Of the whole even nothing is counted.
        statistics.tickets.surveys.satisfied.get_or_insert(0);
        statistics.surveys = statistics.tickets.surveys.clone();
        Answered { statistics, earlier: before }
    }
}

impl Question {
    /// The statistics of a frame, without its parts and the period before it.
    fn statistics(&self, stretch: &Stretch, by: Breakdowns, found: Grouped, names: &Names) -> Statistics {
        let lists = self.lists(stretch);
        let Grouped { all, escalated_to: [to_level_2, to_level_3], .. } = found;
        let tickets = self.linked(&lists, Group::All, all);
        let wanted = |one: Breakdown| by.has(one);
        let linked = |group: Group, figures: Figures| self.linked(&lists, group, figures);
        let of_ids = |rows: Vec<(Option<Uuid>, Figures)>, group: fn(Option<Uuid>) -> Group, names| {
            rows::named(rows.into_iter().map(|(id, figures)| (id, linked(group(id), figures))), names)
        };
        let links =
            |all: &[(&str, Option<String>)]| if self.with_links { links(all) } else { Links::default() };
        let with_article = tickets.links.0.get("solved_with_article").cloned();
        Statistics {
            from: stretch.period.from,
            to: stretch.period.to,
            timezone: self.timezone.name().to_owned(),
            by_criticality: listed(wanted(Breakdown::Criticality), || {
                let wanted = &self.scope.criticality;
                rows::by_criticality(found.by_criticality, wanted, |one, figures| {
                    linked(Group::Criticality(one), figures)
                })
            }),
            by_unit: listed(wanted(Breakdown::Unit), || of_ids(found.by_unit, Group::Unit, &names.units)),
            by_category: listed(wanted(Breakdown::Category), || {
                of_ids(found.by_category, Group::Category, &names.categories)
            }),
            by_channel: listed(wanted(Breakdown::Channel), || {
                rows::by_channel(found.by_channel, |one, figures| linked(Group::Channel(one), figures))
            }),
            by_person: listed(wanted(Breakdown::Person), || {
                rows::by_person(found.by_person, &names.people, |id, work| {
                    self.worked(&lists, Who::Person(id), work)
                })
            }),
            by_level: listed(wanted(Breakdown::Level), || {
                rows::by_level(found.by_level, |level, work| self.worked(&lists, Who::Level(level), work))
            }),
            escalations: Escalations {
                count: tickets.escalated,
                to_level_2,
                to_level_3,
                links: links(&[
                    ("count", Some(lists.escalated(None))),
                    ("to_level_2", Some(lists.escalated(Some(2)))),
                    ("to_level_3", Some(lists.escalated(Some(3)))),
                ]),
            },
            surveys: tickets.surveys.clone(),
            knowledge: Knowledge {
                solved_with_article: tickets.solved_with_article,
                links: links(&[
                    ("published", Some(lists.published())),
                    ("solved_with_article", with_article),
                ]),
                ..Knowledge::default()
            },
            series: Vec::new(),
            previous: None,
            tickets,
        }
    }

    fn linked(&self, lists: &Lists<'_>, group: Group, figures: Figures) -> Figures {
        let links = if self.with_links { lists.figures(group) } else { Links::default() };
        Figures { links, ..figures }
    }

    fn worked(&self, lists: &Lists<'_>, who: Who, work: Work) -> Work {
        let links = if self.with_links { lists.work(who) } else { Links::default() };
        Work { links, ..work }
    }
}

impl Statistics {
    /// The figures of all tickets.
    pub fn total(&self) -> Part {
        Part { from: self.from, to: self.to, figures: self.tickets.clone() }
    }
}

impl Stretch {
    fn slot(&self, now: DateTime<Utc>) -> Slot {
        Slot {
            begin: moment(self.begin),
            end: moment(self.end),
            first_day: self.period.from,
            last_day: self.period.to,
            backlog: moment(self.end.min(now)),
        }
    }
}

impl Names {
    fn read(tx: &mut PgConnection, fold: &Fold, by: Breakdowns) -> Result<Self> {
        let mut names = Names { units: HashMap::new(), categories: HashMap::new(), people: Vec::new() };
        if by.has(Breakdown::Unit) {
            let found = units::table.filter(units::id.eq_any(fold.units.ids()));
            names.units = found.select((units::id, units::name)).load(tx)?.into_iter().collect();
        }
        if by.has(Breakdown::Category) {
            let found = categories::table.filter(categories::id.eq_any(fold.categories.ids()));
            names.categories =
                found.select((categories::id, categories::name)).load(tx)?.into_iter().collect();
        }
        if by.has(Breakdown::Person) {
            let found = users::table.filter(users::id.eq_any(fold.people.ids()));
            let found = found.order((users::full_name, users::id));
            names.people = found.select((users::id, users::full_name)).load(tx)?;
        }
        Ok(names)
    }
}

/// The articles that were published in the period, and the revisions that were written.
fn knowledge(tx: &mut PgConnection, whole: &Stretch) -> Result<(i64, i64)> {
    let Stretch { begin, end, .. } = *whole;
    let published =
        articles::table.filter(articles::published_at.ge(begin).and(articles::published_at.lt(end)));
    let revisions = article_revisions::table
        .filter(article_revisions::changed_at.ge(begin).and(article_revisions::changed_at.lt(end)));
    Ok((published.count().get_result(tx)?, revisions.count().get_result(tx)?))
}

/// The rows of a breakdown; none if it is not wanted.
fn listed<T>(is_wanted: bool, rows: impl FnOnce() -> Vec<T>) -> Vec<T> {
    if is_wanted { rows() } else { Vec::new() }
}

fn links(all: &[(&str, Option<String>)]) -> Links {
    Links(all.iter().filter_map(|(name, path)| Some(((*name).to_owned(), path.clone()?))).collect())
}

fn moment(at: DateTime<Utc>) -> Moment {
    let epoch = Utc.timestamp_opt(946_684_800, 0).earliest().unwrap_or_default();
    (at - epoch).num_microseconds().unwrap_or(Moment::MAX)
}
