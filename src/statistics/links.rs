//! The lists behind the figures, as paths of the API. Pure.

use chrono::{DateTime, SecondsFormat, Utc};
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::figures::Links;
use crate::tickets::model::{Channel, Criticality};

/// The tickets of the figures: for each field any of its values; an empty field does not filter.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub criticality: Vec<Criticality>,
    pub channel: Vec<Channel>,
    pub category_id: Vec<Uuid>,
    pub unit_id: Vec<Uuid>,
}

impl Scope {
    /// Whether there is no filter.
    pub fn is_all(&self) -> bool {
        let Scope { criticality, channel, category_id, unit_id } = self;
        criticality.is_empty() && channel.is_empty() && category_id.is_empty() && unit_id.is_empty()
    }
}

/// A group of tickets; `None` stands for the tickets without a value.
#[derive(Debug, Clone, Copy)]
pub enum Group {
    All,
    Criticality(Option<Criticality>),
    Channel(Channel),
    Category(Option<Uuid>),
    Unit(Option<Uuid>),
}

/// The person or level whose work is counted.
#[derive(Debug, Clone, Copy)]
pub enum Who {
    Person(Uuid),
    Level(i16),
}

type Filters = Vec<(String, String)>;

/// The lists of a period.
pub struct Lists<'a> {
    pub scope: &'a Scope,
    pub begin: DateTime<Utc>,
    pub end: DateTime<Utc>,
    /// The moment of the backlog.
    pub backlog: DateTime<Utc>,
}

impl Lists<'_> {
    /// The list behind each count of `Figures`.
    pub fn figures(&self, group: Group) -> Links {
        let common = self.filters(group);
        let mut links = Links::default();
        let mut add = |figure: &str, filters: Filters| {
            links.0.insert(figure.to_owned(), link(common.iter().cloned().chain(filters)));
        };
        let with = |mut filters: Filters, more: &[(&str, &str)]| {
            filters.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            filters
        };
        let during = |what: &str| self.during(what);
        add("received", during("received"));
        add("received_solved", with(during("received"), &[("status", "solved"), ("status", "closed")]));
        add("received_archived", with(during("received"), &[("status", "archived")]));
        for state in ["attended_in_time", "attended_late", "waiting", "waiting_overdue"] {
            let attention = state.trim_start_matches("attended_");
            add(state, with(during("received"), &[("attention", attention)]));
        }
        add("solved", during("solved"));
        add("solved_at_level_1", with(during("solved"), &[("solved_support_level", "1")]));
        add("solved_with_article", with(during("solved"), &[("has_article", "true")]));
        add("closed", during("closed"));
        add("archived", during("archived"));
        for reason in ["missing_information", "profile_not_authorized", "duplicate", "withdrawn"] {
            let of_reason = with(during("archived"), &[("archive_reason", reason)]);
            add(&format!("archived_by_reason.{reason}"), of_reason);
        }
        add("reopened", during("reopened"));
        add("escalated", during("escalated"));
        let open = || vec![("open_at".to_owned(), moment(self.backlog))];
        add("open", open());
        // Received at least one age limit ago, and less than the next one.
        let ages = [("up_to_1_day", Some(1), None), ("up_to_7_days", Some(7), Some(1))];
        for (name, most, least) in
            ages.into_iter().chain([("up_to_30_days", Some(30), Some(7)), ("older", None, Some(30))])
        {
            let ago = |days: i64| moment(self.backlog - chrono::TimeDelta::days(days));
            let mut filters = open();
            filters.extend(most.map(|days| ("received_from".to_owned(), ago(days))));
            filters.extend(least.map(|days| ("received_before".to_owned(), ago(days))));
            add(&format!("open_by_age.{name}"), filters);
        }
        add("surveys.sent", during("survey_sent"));
        add("surveys.responded", with(during("survey_sent"), &[("survey_status", "answered")]));
        add("surveys.answered", during("survey_answered"));
        add("surveys.satisfied", with(during("survey_answered"), &[("satisfied", "true")]));
        links
    }

    /// The list behind each count of `Work`.
    pub fn work(&self, who: Who) -> Links {
        let common = self.filters(Group::All);
        let named = |person: &str, level: &str| match who {
            Who::Person(id) => (person.to_owned(), id.to_string()),
            Who::Level(number) => (level.to_owned(), number.to_string()),
        };
        let mut links = Links::default();
        let mut add = |figure: &str, what: &str, who: (String, String), more: Option<(&str, &str)>| {
            let more = more.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let filters = self.during(what).into_iter().chain([who]).chain(more);
            links.0.insert(figure.to_owned(), link(common.iter().cloned().chain(filters)));
        };
        let accepted = || named("accepted_by_id", "accepted_support_level");
        let solved = || named("solved_by_id", "solved_support_level");
        add("accepted", "accepted", accepted(), None);
        add("accepted_in_time", "accepted", accepted(), Some(("acceptance", "in_time")));
        add("accepted_late", "accepted", accepted(), Some(("acceptance", "late")));
        add("solved", "solved", solved(), None);
        add("reopened", "reopened", solved(), None);
        add("escalated", "escalated", named("escalated_by_id", "escalated_to_level"), None);
        links
    }

    /// The tickets escalated in the period, to the given level if there is one.
    pub fn escalated(&self, to_level: Option<i16>) -> String {
        let level = to_level.map(|level| ("escalated_to_level".to_owned(), level.to_string()));
        link(self.filters(Group::All).into_iter().chain(self.during("escalated")).chain(level))
    }

    /// Knowledge base articles published in the period.
    pub fn published(&self) -> String {
        let mut query = Serializer::new(String::new());
        for (name, value) in self.during("published") {
            query.append_pair(&name, &value);
        }
        format!("/api/v1/kb/articles?{}", query.finish())
    }

    /// The filters of every list of the group. The filter of a group replaces that of the scope on the same column.
    fn filters(&self, group: Group) -> Filters {
        let Scope { criticality, channel, category_id, unit_id } = self.scope;
        let mut filters = Filters::new();
        let mut add = |name: &str, value: String| filters.push((name.to_owned(), value));
        match group {
            Group::Criticality(Some(one)) => add("criticality", one.as_str().to_owned()),
            Group::Criticality(None) => add("without", "criticality".to_owned()),
            _ => criticality.iter().for_each(|one| add("criticality", one.as_str().to_owned())),
        }
        match group {
            Group::Channel(one) => add("channel", one.as_str().to_owned()),
            _ => channel.iter().for_each(|one| add("channel", one.as_str().to_owned())),
        }
        match group {
            Group::Category(Some(one)) => add("category_id", one.to_string()),
            Group::Category(None) => add("without", "category".to_owned()),
            _ => category_id.iter().for_each(|one| add("category_id", one.to_string())),
        }
        match group {
            Group::Unit(Some(one)) => add("unit_id", one.to_string()),
            Group::Unit(None) => add("without", "unit".to_owned()),
            _ => unit_id.iter().for_each(|one| add("unit_id", one.to_string())),
        }
        add("imported", "false".to_owned());
        filters
    }

    fn during(&self, what: &str) -> Filters {
        vec![(format!("{what}_from"), moment(self.begin)), (format!("{what}_before"), moment(self.end))]
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn link(filters: impl IntoIterator<Item = (String, String)>) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in filters {
        query.append_pair(&name, &value);
    }
    format!("/api/v1/tickets?{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(scope: &Scope) -> Lists<'_> {
        let at = |text: &str| text.parse().unwrap();
        Lists {
            scope,
            begin: at("2026-10-01T05:00:00Z"),
            end: at("2027-01-01T05:00:00Z"),
            backlog: at("2026-11-24T12:00:00.5Z"),
        }
    }

    #[test]
    fn a_link_narrows_as_its_figure_does() {
        let unit = Uuid::nil();
        let scope = Scope {
            criticality: vec![Criticality::High, Criticality::Low],
            unit_id: vec![unit],
            ..Scope::default()
        };
        let of = |group, figure: &str| lists(&scope).figures(group).0[figure].clone();
        let period = "received_from=2026-10-01T05%3A00%3A00Z&received_before=2027-01-01T05%3A00%3A00Z";
        assert_eq!(
            of(Group::All, "received"),
            format!(
                "/api/v1/tickets?criticality=high&criticality=low&unit_id={unit}&imported=false&{period}"
            )
        );
        let high =
            format!("/api/v1/tickets?criticality=high&unit_id={unit}&imported=false&{period}&attention=late");
        assert_eq!(of(Group::Criticality(Some(Criticality::High)), "attended_late"), high);
        let none = format!(
            "/api/v1/tickets?without=criticality&unit_id={unit}&imported=false&{period}&attention=waiting"
        );
        assert_eq!(of(Group::Criticality(None), "waiting"), none);
    }

    #[test]
    fn the_ages_of_the_backlog_meet_without_a_gap() {
        let scope = Scope::default();
        let links = lists(&scope).figures(Group::All).0;
        let of = |name: &str| links[&format!("open_by_age.{name}")].splitn(3, '&').nth(2).unwrap().to_owned();
        assert_eq!(of("up_to_1_day"), "received_from=2026-11-23T12%3A00%3A00.500Z");
        assert_eq!(
            of("up_to_7_days"),
            "received_from=2026-11-17T12%3A00%3A00.500Z&received_before=2026-11-23T12%3A00%3A00.500Z"
        );
        assert_eq!(of("older"), "received_before=2026-10-25T12%3A00%3A00.500Z");
    }
}
