//! Counts tickets in one statement, which reads at most a fixed number of tickets of each state.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text as SqlText, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::{CountedBy, TicketCount};
use crate::auth::person::PersonKind;
use crate::auth::policy::Role;
use crate::db::schema::tickets;
use crate::db::{Literal, Statement};
use crate::http::Actor;
use crate::people::{Named, Person};
use crate::problem::Result;
use crate::tickets::filters::{ATTENTION, TicketFilters, filtered};
use crate::tickets::workflow::TicketStatus;

/// The maximum number of tickets of one state that are read: the newest.
const MOST_OF_A_STATE: i64 = 10_000;

/// The maximum number of people, categories or units that are listed, with the row for none.
const MOST_GROUPS: usize = 1_000;

impl CountedBy {
    /// The columns of a ticket that are read for it.
    fn columns(self) -> &'static [&'static str] {
        match self {
            CountedBy::Status => &[],
            CountedBy::Criticality => &["criticality"],
            CountedBy::SupportLevel => &["support_level"],
            CountedBy::Assignee => &["assignee_id"],
            CountedBy::Channel => &["channel"],
            CountedBy::Category => &["category_id"],
            CountedBy::Unit => &["requester_unit_id"],
            CountedBy::Overdue => &["clock_due_at"],
            CountedBy::Attention => &[
                "id",
                "attended_at",
                "first_attention_due_at",
                "archived_at",
                "information_deadline",
                "imported_at",
            ],
        }
    }

    /// The value of the ticket `t` at `$now`, as the SQL expression that is grouped by.
    fn value(self) -> &'static str {
        match self {
            CountedBy::Overdue => "coalesce(t.clock_due_at < $now, false)",
            CountedBy::Attention => ATTENTION,
            CountedBy::Status => "t.status",
            CountedBy::Criticality => "t.criticality",
            CountedBy::SupportLevel => "t.support_level",
            CountedBy::Assignee => "t.assignee_id",
            CountedBy::Channel => "t.channel",
            CountedBy::Category => "t.category_id",
            CountedBy::Unit => "t.requester_unit_id",
        }
    }
}

/// One group of tickets with the same value.
#[derive(QueryableByName)]
pub struct Group {
    #[diesel(sql_type = SqlText)]
    counted_by: String,
    /// `None`: the tickets without a value.
    #[diesel(sql_type = Nullable<SqlText>)]
    value: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    id: Option<Uuid>,
    /// The name of the person, the category or the unit.
    #[diesel(sql_type = Nullable<SqlText>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<SqlText>)]
    role: Option<Role>,
    #[diesel(sql_type = Nullable<SqlText>)]
    kind: Option<PersonKind>,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Group {
    pub fn person(&self) -> Option<Person> {
        Some(Person { id: self.id?, full_name: self.name.clone()?, role: self.role?, kind: self.kind? })
    }

    pub fn named(&self) -> Option<Named> {
        Some(Named { id: self.id?, name: self.name.clone()? })
    }
}

/// The numbers of tickets by several values.
pub struct Tally(Vec<Group>);

impl Tally {
    /// Counts the tickets that match these filters and that the caller may see.
    ///
    /// # Errors
    /// An error of the database.
    pub fn read(
        db: &mut PgConnection,
        actor: &Actor,
        filters: &TicketFilters,
        by: &[CountedBy],
    ) -> Result<Self> {
        // The states are always counted: they make the total.
        let by: Vec<CountedBy> = CountedBy::ALL
            .iter()
            .copied()
            .filter(|each| *each == CountedBy::Status || by.contains(each))
            .collect();
        let states: Vec<TicketFilters> = filters.states().map(|state| filters.in_state(state)).collect();
        if states.is_empty() {
            return Ok(Tally(Vec::new()));
        }
        let mut statement = Statement::new("WITH found AS (");
        for (number, state) in states.iter().enumerate() {
            statement = statement.sql(if number == 0 { "(" } else { " UNION ALL (" });
            statement = newest(statement, state, actor, &by).sql(")");
        }
        statement = statement.sql("), valued AS (SELECT ");
        for (number, each) in by.iter().enumerate() {
            statement = statement.sql(if number == 0 { "" } else { ", " });
            statement = match each.value().split_once("$now") {
                Some((before, after)) => statement.sql(before).bind::<Timestamptz, _>(actor.now).sql(after),
                None => statement.sql(each.value()),
            };
            statement = statement.sql(format!(" AS by_{}", each.as_str()));
        }
        // Its text differs for each set of filters: a connection would keep a large statement for each. And the selectivity of a
        // filter depends on its values.
        Ok(Tally(statement.sql(grouped(&by)).planned_each_time().load(db)?))
    }

    /// All tickets.
    pub fn total(&self) -> i64 {
        self.of_this(CountedBy::Status).map(|group| group.count).sum()
    }

    /// Whether all tickets were counted.
    pub fn is_exact(&self) -> bool {
        self.of_this(CountedBy::Status).all(|group| group.count < MOST_OF_A_STATE)
    }

    pub fn in_state(&self, status: TicketStatus) -> TicketCount {
        let tickets = self.of(CountedBy::Status, Some(status.as_str()));
        TicketCount { is_exact: tickets.count < MOST_OF_A_STATE, ..tickets }
    }

    /// The tickets with this value; `None`: those without one.
    pub fn of(&self, by: CountedBy, value: Option<&str>) -> TicketCount {
        let groups = self.of_this(by).filter(|group| group.value.as_deref() == value);
        TicketCount { count: groups.map(|group| group.count).sum(), is_exact: self.is_exact() }
    }

    /// The tickets with one of these values.
    pub fn of_any(&self, by: CountedBy, values: &[&str]) -> TicketCount {
        let counts = values.iter().map(|value| self.of(by, Some(value)).count);
        TicketCount { count: counts.sum(), is_exact: self.is_exact() }
    }

    /// The tickets without a value, as `None`, then those of each value: the largest number first, then by name.
    pub fn groups(&self, by: CountedBy) -> Vec<(Option<&Group>, TicketCount)> {
        let mut groups: Vec<&Group> = self.of_this(by).filter(|group| group.id.is_some()).collect();
        groups.sort_by(|one, other| {
            let order = other.count.cmp(&one.count);
            order.then_with(|| one.name.cmp(&other.name)).then_with(|| one.id.cmp(&other.id))
        });
        groups.truncate(MOST_GROUPS - 1);
        let is_exact = self.is_exact();
        let counted = |group: &'_ Group| TicketCount { count: group.count, is_exact };
        let with_value = groups.into_iter().map(|group| (Some(group), counted(group)));
        [(None, self.of(by, None))].into_iter().chain(with_value).collect()
    }

    fn of_this(&self, by: CountedBy) -> impl Iterator<Item = &Group> {
        self.0.iter().filter(move |group| group.counted_by == by.as_str())
    }
}

/// Adds the query of the newest tickets that match these filters, which name one state.
fn newest<'a>(
    statement: Statement<'a>,
    filters: &'a TicketFilters,
    actor: &'a Actor,
    by: &[CountedBy],
) -> Statement<'a> {
    let mut columns = "tickets.status".to_owned();
    for column in by.iter().flat_map(|each| each.columns()) {
        columns.push_str(&format!(", tickets.{column}"));
    }
    // The order of the index over the states.
    let query = filtered(filters, actor).select(Literal::<SqlText>::new(columns)).order((
        tickets::status.desc(),
        tickets::received_at.desc(),
        tickets::id.desc(),
    ));
    statement.query(query.limit(MOST_OF_A_STATE))
}

/// The groups of the values, with the names of people, categories and units.
fn grouped(by: &[CountedBy]) -> String {
    let each = |part: fn(&str) -> String, between: &str| {
        by.iter().map(|each| part(each.as_str())).collect::<Vec<_>>().join(between)
    };
    let (whens, values, sets) = (
        each(|name| format!("WHEN GROUPING(by_{name}) THEN '{name}'"), " "),
        each(|name| format!("by_{name}::text"), ", "),
        each(|name| format!("(by_{name})"), ", "),
    );
    let named =
        [(CountedBy::Assignee, "users"), (CountedBy::Category, "categories"), (CountedBy::Unit, "units")];
    let (mut ids, mut names, mut role, mut kind, mut joins) =
        ("NULL::uuid".to_owned(), "NULL::text".to_owned(), "NULL::text", "NULL::text", String::new());
    for (each, table) in named.into_iter().filter(|(each, _)| by.contains(each)) {
        let name = if each == CountedBy::Assignee { "full_name" } else { "name" };
        ids.push_str(&format!(", {table}.id"));
        names.push_str(&format!(", {table}.{name}"));
        joins.push_str(&format!(" LEFT JOIN {table} ON {table}.id = counted.by_{}", each.as_str()));
        if each == CountedBy::Assignee {
            (role, kind) = ("users.role", "users.account_kind");
        }
    }
    let keys = each(|name| format!("by_{name}"), ", ");
    format!(
        " FROM found t), counted AS (SELECT CASE 0 {whens} END AS counted_by, {keys}, count(*) AS count \
         FROM valued GROUP BY GROUPING SETS ({sets})) \
         SELECT counted_by, coalesce({values}) AS value, coalesce({ids}) AS id, coalesce({names}) AS name, \
         {role} AS role, {kind} AS kind, count FROM counted{joins}"
    )
}
