//! Five quarters of data: every figure is computed again from the recorded events.

use diesel::RunQueryDsl;
use diesel::sql_types::{Array, Double};
use serde_json::{Value, json};

use crate::harness::{Database, Desk};
use crate::statistics::EVERY_BREAKDOWN;

/// Enough that every figure has a value in every quarter and every group; several thousand if `MESA_TEST_EVERY_FIGURE`
/// is set.
fn tickets() -> usize {
    if all() { 5000 } else { 1000 }
}

/// Whether to recount every row and follow every link, which takes the database some seconds.
fn all() -> bool {
    std::env::var_os("MESA_TEST_EVERY_FIGURE").is_some()
}

const QUARTERS: [(&str, &str, &str); 5] = [
    ("2024-10-01", "2024-12-31", "2025-01-01"),
    ("2025-01-01", "2025-03-31", "2025-04-01"),
    ("2025-04-01", "2025-06-30", "2025-07-01"),
    ("2025-07-01", "2025-09-30", "2025-10-01"),
    ("2025-10-01", "2025-12-31", "2026-01-01"),
];

/// The figures of a period, computed from `seed`: the first day, the day after the last one, and a filter for the
/// tickets.
struct Recount<'a> {
    database: &'a Database,
    from: &'a str,
    until: &'a str,
    only: String,
}

impl Recount<'_> {
    /// The number of tickets with one of these times in the period that also satisfy `also`.
    fn tickets(&self, moments: &[&str], also: &str) -> i64 {
        let happened: Vec<String> = moments.iter().map(|moment| self.within(moment)).collect();
        self.database.count(&format!(
            "SELECT count(*) FROM seed s WHERE ({}) AND ({also}) AND {}",
            happened.join(" OR "),
            self.only
        ))
    }

    fn within(&self, moment: &str) -> String {
        format!("({moment} >= '{} 00:00-05' AND {moment} < '{} 00:00-05')", self.from, self.until)
    }

    /// The values of a query, in ascending order.
    fn values(&self, sql: &str) -> Vec<f64> {
        #[derive(diesel::QueryableByName)]
        struct Values {
            #[diesel(sql_type = Array<Double>)]
            all: Vec<f64>,
        }
        let sql =
            format!("SELECT coalesce(array_agg(v ORDER BY v), '{{}}') AS all FROM ({sql}) AS values (v)");
        self.database.ask(|db| diesel::sql_query(sql).get_result::<Values>(db)).unwrap().all
    }

    fn spread(&self, values: &[(&str, &str)]) -> Value {
        let each = values.iter().map(|(value, moment)| {
            format!(
                "SELECT ({value})::float8 FROM seed s WHERE {} AND ({value}) IS NOT NULL AND {}",
                self.within(moment),
                self.only
            )
        });
        spread(&self.values(&each.collect::<Vec<_>>().join(" UNION ALL ")))
    }

    fn minutes(since: &str, until: &str) -> String {
        format!("extract(epoch FROM {until} - {since}) / 60")
    }

    /// The figures that the API must return, without their links.
    fn figures(&self) -> Value {
        let received = |also: &str| self.tickets(&["received"], also);
        let solved = |also: &str| self.tickets(&["solved", "solved_again"], also);
        let end = format!("timestamptz '{} 00:00-05'", self.until);
        let age = format!("extract(epoch FROM {end} - received) / 86400");
        let was_open = format!(
            "received < {end} AND (archived IS NULL OR archived >= {end}) AND (solved IS NULL OR solved >= {end} \
             OR (reopened < {end} AND (solved_again IS NULL OR solved_again >= {end})))"
        );
        let open = |also: &str| {
            self.database.count(&format!(
                "SELECT count(*) FROM seed s WHERE ({was_open}) AND ({also}) AND {}",
                self.only
            ))
        };
        let ages =
            self.values(&format!("SELECT ({age})::float8 FROM seed s WHERE ({was_open}) AND {}", self.only));
        let share =
            |part: i64, whole: i64| if whole == 0 { Value::Null } else { json!(part as f64 / whole as f64) };
        let late_wait = "attended IS NULL AND archived IS NULL AND due < now()";
        let (in_time, late) = (received("attended <= due"), received("attended > due"));
        let overdue = received(late_wait);
        let now_solved = "CASE WHEN reopened IS NULL THEN solved ELSE solved_again END IS NOT NULL";
        let archived = |also: &str| self.tickets(&["archived"], also);
        let answered = |also: &str| self.tickets(&["answered"], also);
        let rating = |what: &str| {
            mean(&self.values(&format!(
                "SELECT {what}::float8 FROM seed s WHERE {} AND {}",
                self.within("answered"),
                self.only
            )))
        };
        json!({
            "received": received("true"),
            "received_solved": received(now_solved),
            "received_archived": received("archived IS NOT NULL"),
            "solution_rate": share(received(now_solved), received("archived IS NULL")),
            "attended_in_time": in_time,
            "attended_late": late,
            "waiting": received("attended IS NULL AND archived IS NULL"),
            "waiting_overdue": overdue,
            "attention_compliance": share(in_time, in_time + late + overdue),
            "attention_minutes": self.spread(&[(&Self::minutes("received", "attended"), "received")]),
            "attention_working_minutes": self.spread(&[("attended_working", "received")]),
            "solved": solved("true"),
            "solved_at_level_1": solved("level = 1"),
            "first_level_rate": share(solved("level = 1"), solved("true")),
            "solved_with_article": solved("article"),
            "solution_minutes": self.spread(&[
                (&Self::minutes("received", "solved"), "solved"),
                (&Self::minutes("received", "solved_again"), "solved_again"),
            ]),
            "solution_working_minutes": self.spread(&[
                ("solved_working", "solved"),
                ("solved_again_working", "solved_again"),
            ]),
            "closed": self.tickets(&["closed"], "true"),
            "archived": archived("true"),
            "archived_by_reason": {
                "missing_information": archived("reason = 'missing_information'"),
                "profile_not_authorized": archived("reason = 'profile_not_authorized'"),
                "duplicate": archived("reason = 'duplicate'"),
                "withdrawn": archived("reason = 'withdrawn'"),
            },
            "reopened": self.tickets(&["reopened"], "true"),
            "escalated": self.tickets(&["escalated_2", "escalated_3"], "true"),
            "open": open("true"),
            "open_by_age": {
                "up_to_1_day": open(&format!("{age} <= 1")),
                "up_to_7_days": open(&format!("{age} > 1 AND {age} <= 7")),
                "up_to_30_days": open(&format!("{age} > 7 AND {age} <= 30")),
                "older": open(&format!("{age} > 30")),
            },
            "open_age_days": spread(&ages),
            "surveys": {
                "sent": self.tickets(&["solved"], "true"),
                "responded": self.tickets(&["solved"], "answered IS NOT NULL"),
                "response_rate": share(self.tickets(&["solved"], "answered IS NOT NULL"), self.tickets(&["solved"], "true")),
                "answered": answered("true"),
                "satisfied": answered("overall >= 4"),
                "satisfaction_rate": share(answered("overall >= 4"), answered("true")),
                "mean_ratings": {
                    "overall": rating("overall"), "timeliness": rating("timeliness"),
                    "courtesy": rating("courtesy"), "solution": rating("solution"),
                },
                "withheld_reason": null,
            },
        })
    }

    /// The work of the people that `who` selects, at levels 1, 2 and 3.
    fn work(&self, who: [&str; 3], solver: &str, escalated: [&str; 2]) -> Value {
        let levels = [
            ("attended", "received", "due"),
            ("accepted_2", "escalated_2", "escalated_2 + interval '2 hours'"),
            ("accepted_3", "escalated_3", "escalated_3 + interval '2 hours'"),
        ];
        let accepted = |also: &str| {
            let each = levels.iter().zip(who).map(|((at, _, due), who)| {
                let also = also.replace("{at}", at).replace("{due}", due);
                format!("({} AND ({who}) AND ({also}))", self.within(at))
            });
            let any = each.collect::<Vec<_>>().join(" OR ");
            self.database.count(&format!(
                "SELECT count(*) FROM seed s WHERE due IS NOT NULL AND ({any}) AND {}",
                self.only
            ))
        };
        let times = |working: bool| {
            let each = levels.iter().zip(who).map(|((at, since, _), who)| {
                let time = if working && *at == "attended" {
                    "attended_working".to_owned()
                } else {
                    Self::minutes(since, at)
                };
                format!(
                    "SELECT ({time})::float8 FROM seed s WHERE due IS NOT NULL AND {} AND ({who}) AND {}",
                    self.within(at),
                    self.only
                )
            });
            spread(&self.values(&each.collect::<Vec<_>>().join(" UNION ALL ")))
        };
        let solved = |times: [&str; 2]| {
            let each = times.iter().zip(["solved", "solved_again"]).map(|(time, at)| {
                format!(
                    "SELECT ({time})::float8 FROM seed s WHERE {} AND ({solver}) AND {}",
                    self.within(at),
                    self.only
                )
            });
            spread(&self.values(&each.collect::<Vec<_>>().join(" UNION ALL ")))
        };
        let share =
            |part: i64, whole: i64| if whole == 0 { Value::Null } else { json!(part as f64 / whole as f64) };
        let (in_time, late) = (accepted("{at} <= {due}"), accepted("{at} > {due}"));
        let escalations = ["escalated_2", "escalated_3"].iter().zip(escalated);
        let escalations: Vec<String> =
            escalations.map(|(at, who)| format!("({} AND ({who}))", self.within(at))).collect();
        json!({
            "accepted": accepted("true"),
            "accepted_in_time": in_time,
            "accepted_late": late,
            "acceptance_compliance": share(in_time, in_time + late),
            "acceptance_minutes": times(false),
            "acceptance_working_minutes": times(true),
            "solved": self.tickets(&["solved", "solved_again"], solver),
            "solution_minutes": solved([&Self::minutes("received", "solved"), &Self::minutes("received", "solved_again")]),
            "solution_working_minutes": solved(["solved_working", "solved_again_working"]),
            "reopened": self.tickets(&["reopened"], solver),
            "escalated": self.database.count(&format!(
                "SELECT count(*) FROM seed s WHERE ({}) AND {}", escalations.join(" OR "), self.only
            )),
        })
    }
}

fn mean(values: &[f64]) -> Value {
    if values.is_empty() { Value::Null } else { json!(values.iter().sum::<f64>() / values.len() as f64) }
}

/// Of sorted numbers: the mean, the median and the 90th percentile, interpolated linearly.
fn spread(values: &[f64]) -> Value {
    let at = |share: f64| {
        let place = share * (values.len() as f64 - 1.0);
        let (below, above) = (values.get(place.floor() as usize)?, values.get(place.ceil() as usize)?);
        Some(below + (above - below) * place.fract())
    };
    json!({"mean": mean(values), "median": at(0.5), "p90": at(0.9)})
}

/// Checks that every computed field is returned, numbers with a relative error of at most 1e-9. Other fields, such as
/// links and names, are ignored.
#[track_caller]
fn same(what: &str, answered: &Value, reckoned: &Value) {
    match reckoned {
        Value::Object(fields) => {
            for (name, field) in fields {
                same(&format!("{what} {name}"), &answered[name], field);
            }
        }
        Value::Number(number) => {
            let (expected, got) = (number.as_f64().unwrap(), answered.as_f64().unwrap_or(f64::NAN));
            assert!(
                (got - expected).abs() <= 1e-9 * expected.abs().max(1.0),
                "{what}: {answered}, expected {expected}"
            );
        }
        other => assert_eq!(answered, other, "{what}"),
    }
}

fn read(desk: &Desk, (from, to, _): (&str, &str, &str), more: &str) -> Value {
    let asked = format!("{more}{EVERY_BREAKDOWN}&with_links=true");
    desk.director().get(&format!("/statistics?from_date={from}&through_date={to}{asked}")).ok()
}

/// A pool with more reads a part of the facts with a second one, as in the other test.
#[test]
fn the_figures_are_the_same_with_one_connection() {
    let desk = Desk::configured(&[("MESA_POOL_SIZE", "1")]);
    desk.database.five_quarters(300);
    let quarter @ (from, _, until) = QUARTERS[4];
    let recount = Recount { database: &desk.database, from, until, only: "true".to_owned() };
    let figures = read(&desk, quarter, "");
    same("tickets", &figures["tickets"], &recount.figures());
    let level_1 = recount.work(["true", "false", "false"], "level = 1", ["false", "false"]);
    same("level 1", &figures["by_level"][0], &level_1);
}

#[test]
fn every_figure_of_five_quarters_equals_a_recount() {
    let desk = Desk::open();
    desk.database.five_quarters(tickets());
    let recount = |from, until, only: String| Recount { database: &desk.database, from, until, only };
    let whole = |(from, _, until)| recount(from, until, "true".to_owned());

    let mut before: Option<Value> = None;
    for quarter in QUARTERS {
        let figures = read(&desk, quarter, "");
        let expected = whole(quarter).figures();
        same(quarter.0, &figures["tickets"], &expected);
        if let Some(before) = before {
            same("previous", &figures["previous"], &before);
        }
        before = Some(expected);
    }

    let quarter = QUARTERS[4];
    let (from, _, until) = quarter;
    let figures = read(&desk, quarter, "&interval=month");
    for (part, (from, until)) in
        [("2025-10-01", "2025-11-01"), ("2025-11-01", "2025-12-01"), ("2025-12-01", "2026-01-01")]
            .into_iter()
            .enumerate()
    {
        assert_eq!(figures["series"][part]["from_date"], from);
        same(from, &figures["series"][part], &recount(from, until, "true".to_owned()).figures());
    }
    let groups = [
        ("by_criticality", "criticality"),
        ("by_unit", "unit_id"),
        ("by_category", "category_id"),
        ("by_channel", "channel"),
    ];
    for (list, column) in groups {
        let rows = figures[list].as_array().unwrap();
        let field = if column.ends_with("_id") { "id" } else { column };
        let received: i64 = rows.iter().map(|row| row["received"].as_i64().unwrap()).sum();
        assert_eq!(received, figures["tickets"]["received"], "{list} covers all tickets");
        for row in some(rows, 2) {
            let only = match row[field].as_str() {
                Some(value) => format!("{column} = '{value}'"),
                None => format!("{column} IS NULL"),
            };
            same(&format!("{list} {}", row[field]), row, &recount(from, until, only).figures());
        }
    }
    let of = recount(from, until, "true".to_owned());
    let level = |level: i64| {
        let who = [1, 2, 3].map(|other| if other == level { "true" } else { "false" });
        of.work(
            who,
            &format!("level = {level}"),
            [if level == 2 { "true" } else { "false" }, if level == 3 { "true" } else { "false" }],
        )
    };
    for number in 1..=3 {
        let row = &figures["by_level"][number - 1];
        same(&format!("level {number}"), row, &level(i64::try_from(number).unwrap()));
    }
    let people = figures["by_person"].as_array().unwrap();
    assert_eq!(people.len(), 7);
    for row in some(people, 2) {
        let id = row["id"].as_str().unwrap();
        let second = format!("md5('person' || 5 + id % 2)::uuid = '{id}'");
        let (first, third) = (format!("person_id = '{id}'"), format!("md5('person7')::uuid = '{id}'"));
        let work = of.work(
            [&first, &second, &third],
            &format!("last_person_id = '{id}'"),
            [&first, &format!("md5('person5')::uuid = '{id}'")],
        );
        same(row["full_name"].as_str().unwrap(), row, &work);
    }
    let published = "SELECT count(*) FROM seed WHERE article AND solved + interval '1 day' >= '2025-10-01 00:00-05' \
         AND solved + interval '1 day' < '2026-01-01 00:00-05'";
    assert_eq!(figures["knowledge"]["published"], desk.database.count(published));
    assert_eq!(figures["escalations"]["to_level_3"], of.tickets(&["escalated_3"], "true"));
    assert_eq!(figures["escalations"]["count"], figures["tickets"]["escalated"]);

    // Filtered to some of the tickets.
    let narrowed = read(&desk, quarter, "&criticality=high&criticality=low&channel=web&interval=quarter");
    let only = "criticality IN ('high', 'low') AND channel = 'web'".to_owned();
    let expected = recount(from, until, only).figures();
    same("narrowed", &narrowed["tickets"], &expected);
    same("narrowed part", &narrowed["series"][0], &expected);
    every_link(&desk, &narrowed, &[("tickets", 1), ("by_level", 1)]);
    every_link(
        &desk,
        &figures,
        &[
            ("by_unit", 1),
            ("by_category", 1),
            ("by_person", 1),
            ("series", 1),
            ("escalations", 1),
            ("knowledge", 1),
        ],
    );
}

/// The first `count` rows, or all of them if `MESA_TEST_EVERY_FIGURE` is set.
fn some(rows: &[Value], count: usize) -> &[Value] {
    if all() { rows } else { &rows[..count.min(rows.len())] }
}

/// Checks that every path in `links` leads to a list with as many items as the figure, for a number of rows of each
/// list.
fn every_link(desk: &Desk, statistics: &Value, lists: &[(&str, usize)]) {
    for (list, count) in lists {
        let rows = statistics[list].as_array().cloned().unwrap_or_else(|| vec![statistics[list].clone()]);
        for row in some(&rows, *count) {
            for (figure, path) in row["links"].as_object().unwrap() {
                let counted = figure.split('.').fold(row, |value, name| &value[name]);
                let path = path.as_str().unwrap().strip_prefix("/api/v1").unwrap();
                let found = desk.director().get(&format!("{path}&limit=1&with_total=true")).ok();
                assert_eq!(&found["total"], counted, "{list} {figure}: {path}");
            }
        }
    }
}
