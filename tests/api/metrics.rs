//! `/metrics`, read as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::harness::{Desk, PASSWORD};

/// A sample: its name, its labels and its value.
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// What is known of a family from its comments.
#[derive(Default)]
struct Family {
    help: Option<String>,
    kind: Option<String>,
}

/// A whole answer.
struct Metrics {
    families: BTreeMap<String, Family>,
    samples: Vec<Sample>,
}

impl Metrics {
    fn of(desk: &Desk) -> Self {
        let answer = desk.nobody().get("//metrics");
        assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
        Self::read(&answer.text())
    }

    fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'));
        let mut metrics = Metrics { families: BTreeMap::new(), samples: Vec::new() };
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                let family = metrics.families.entry(name.to_owned()).or_default();
                assert!(family.help.replace(help.to_owned()).is_none(), "two HELP lines: {line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                let family = metrics.families.entry(name.to_owned()).or_default();
                assert!(family.kind.replace(kind.to_owned()).is_none(), "two TYPE lines: {line}");
            } else {
                assert!(!line.starts_with('#') && !line.is_empty(), "{line:?}");
                metrics.samples.push(sample(line));
            }
        }
        metrics
    }

    fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let is_wanted = |sample: &&Sample| {
            sample.name == name
                && labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|is| is == value))
        };
        let found: Vec<&Sample> = self.samples.iter().filter(is_wanted).collect();
        assert!(found.len() <= 1, "{name} {labels:?} is not one series");
        found.first().map(|sample| sample.value)
    }

    /// The family of a sample.
    fn family_of(&self, sample: &str) -> (&str, &Family) {
        let found = ["", "_bucket", "_sum", "_count"].into_iter().find_map(|suffix| {
            let (name, family) = self.families.get_key_value(sample.strip_suffix(suffix)?)?;
            (suffix.is_empty() || family.kind.as_deref() == Some("histogram")).then_some((name, family))
        });
        let (name, family) = found.unwrap_or_else(|| panic!("{sample} has no TYPE"));
        (name.as_str(), family)
    }
}

/// A line with labels between braces, whose values have no quotes or backslashes.
fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match series.split_once('{') {
        None => (series, BTreeMap::new()),
        Some((name, rest)) => {
            let mut labels = BTreeMap::new();
            let mut rest = rest.strip_suffix('}').unwrap();
            while let Some((label, after)) = rest.split_once("=\"") {
                let (value, after) = after.split_once('"').unwrap();
                assert!(!value.contains('\\'), "{line}");
                assert!(labels.insert(label.to_owned(), value.to_owned()).is_none(), "{line}");
                rest = after.strip_prefix(',').unwrap_or(after);
            }
            assert!(rest.is_empty(), "{line}");
            (name, labels)
        }
    };
    Sample { name: name.to_owned(), labels, value: value.parse().unwrap() }
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && text.starts_with(|first: char| first.is_ascii_lowercase())
}

/// The rules of the text format and of `promtool check metrics`.
fn check(metrics: &Metrics) {
    for (name, family) in &metrics.families {
        let help = family.help.as_deref().unwrap_or_else(|| panic!("{name} has no HELP"));
        assert!(help.ends_with('.'), "{name}: {help}");
        let kind = family.kind.as_deref().unwrap_or_else(|| panic!("{name} has no TYPE"));
        assert!(is_name(name) && (name.starts_with("mesa_") || name.starts_with("process_")), "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
        for unit in ["milliseconds", "minutes", "hours", "_ms", "kilobytes", "percent", kind] {
            assert!(!name.contains(unit), "{name}: {unit}");
        }
        for reserved in ["_bucket", "_sum", "_count"] {
            assert!(!name.ends_with(reserved), "{name}");
        }
    }
    let mut series = BTreeSet::new();
    let mut histograms: BTreeMap<_, Vec<(f64, f64)>> = BTreeMap::new();
    for sample in &metrics.samples {
        assert!(series.insert((&sample.name, &sample.labels)), "twice: {} {:?}", sample.name, sample.labels);
        let (family, about) = metrics.family_of(&sample.name);
        assert!(sample.labels.keys().all(|label| is_name(label) && !label.starts_with("__")));
        match about.kind.as_deref() {
            Some("counter") => assert!(sample.value >= 0.0 && sample.value.fract() == 0.0, "{}", sample.name),
            Some("gauge") => assert!(sample.value.is_finite(), "{}", sample.name),
            Some("histogram") => {
                assert_ne!(sample.name, family, "a histogram has no sample of its own name");
                if sample.name.ends_with("_bucket") {
                    let mut labels = sample.labels.clone();
                    let upper: f64 = labels.remove("le").unwrap().parse().unwrap();
                    histograms.entry((family, labels)).or_default().push((upper, sample.value));
                }
            }
            other => panic!("{family}: {other:?}"),
        }
    }
    assert!(!histograms.is_empty());
    for ((family, labels), buckets) in histograms {
        assert!(buckets.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1), "{family} {labels:?}");
        assert!(buckets.len() <= 10, "{family} has few buckets");
        let (upper, all) = *buckets.last().unwrap();
        assert_eq!(upper, f64::INFINITY, "{family}");
        let labels: Vec<(&str, &str)> =
            labels.iter().map(|(label, value)| (label.as_str(), value.as_str())).collect();
        assert_eq!(metrics.value(&format!("{family}_count"), &labels), Some(all), "{family} {labels:?}");
        assert!(metrics.value(&format!("{family}_sum"), &labels).is_some_and(|sum| sum >= 0.0), "{family}");
    }
}

#[test]
fn metrics_are_well_formed_and_name_routes_not_paths() {
    let desk = Desk::open();
    let ticket = desk.ticket_in("in_progress");
    let technician = desk.technician();
    for _ in 0..3 {
        technician.get(&ticket).ok();
    }
    technician.raw("HEAD", &ticket, "application/json", "").expect_status(200);
    technician.get("/tickets/999999").problem(404, "not_found");
    technician.raw("BREW", &ticket, "application/json", "").problem(405, "method_not_allowed");
    for unknown in ["/nothing/rosa@mesa.test", "//x/y", "//wp-login.php"] {
        desk.nobody().get(unknown).problem(404, "not_found");
    }
    desk.nobody().get("//docs/swagger-ui.css");
    desk.database
        .ask(|db| mesa::server::routine::once(db, &desk.shared().config))
        .iter()
        .for_each(|run| run.count(desk.shared()));

    let metrics = Metrics::of(&desk);
    check(&metrics);
    let count = |method: &str, route: &str, status: &str| {
        metrics.value(
            "mesa_http_request_duration_seconds_count",
            &[("method", method), ("route", route), ("status", status)],
        )
    };
    const TICKET: &str = "/api/v1/tickets/{ticket_id}";
    assert!(count("GET", TICKET, "200") >= Some(3.0));
    assert_eq!(count("HEAD", TICKET, "200"), Some(1.0));
    assert_eq!(count("GET", TICKET, "404"), Some(1.0));
    assert_eq!(count("other", TICKET, "405"), Some(1.0));
    assert_eq!(count("GET", "unmatched", "404"), Some(3.0));
    let routes: BTreeSet<&String> =
        metrics.samples.iter().filter_map(|sample| sample.labels.get("route")).collect();
    let known = desk.nobody().get("//openapi.json").ok();
    for route in &routes {
        let is_page = !route.starts_with("/api/v1/");
        assert!(is_page || known["paths"].get(route.as_str()).is_some(), "{route} is a path");
        assert!(
            !route.contains("999999") && !route.contains("wp-login") && !route.contains("swagger-ui.css"),
            "{route}"
        );
    }
    assert!(metrics.value("mesa_db_connection_wait_seconds_count", &[]) > Some(5.0));
    assert_eq!(metrics.value("mesa_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), Some(1.0));
    let started = metrics.value("process_start_time_seconds", &[]).unwrap();
    let closing = [("task", "close_solved_tickets")];
    assert!(metrics.value("mesa_task_last_success_timestamp_seconds", &closing) >= Some(started));
    assert_eq!(metrics.value("mesa_task_runs_total", &closing), Some(1.0));
    assert_eq!(metrics.value("mesa_task_failures_total", &closing), Some(0.0));
    // A long poll is counted, but not measured.
    let before = count("GET", "/api/v1/events", "200");
    technician.get("/events?after=end&wait=1").ok();
    let after = Metrics::of(&desk);
    let route = [("method", "GET"), ("route", "/api/v1/events"), ("status", "200")];
    assert_eq!(after.value("mesa_http_request_duration_seconds_count", &route), before);
    technician.get("/events?after=end").ok();
    assert!(Metrics::of(&desk).value("mesa_http_request_duration_seconds_count", &route) > before);
}

#[test]
fn rejected_requests_are_counted_by_reason() {
    let desk = Desk::configured(&[("MESA_RATE_LIMIT", "30"), ("MESA_POOL_SIZE", "1")]);
    let technician = desk.technician();
    let limited = (0..40).filter(|_| technician.get("/me").status == 429).count();
    assert!(limited > 0);
    let wrong = json!({"email": "rosa@mesa.test", "password": format!("{PASSWORD}x")});
    let locked = (0..12).filter(|_| desk.nobody().post("/auth/login", wrong.clone()).status == 429).count();
    assert!(locked > 0);
    // The only connection is in use.
    let busy = desk.shared().db.connection().unwrap();
    desk.nobody().get("//health/ready").problem(503, "unavailable");
    drop(busy);
    let metrics = Metrics::of(&desk);
    check(&metrics);
    let rejected = |status: &str, reason: &str| {
        metrics.value("mesa_http_rejected_total", &[("status", status), ("reason", reason)]).unwrap()
    };
    assert_eq!(rejected("429", "rate_limit") as usize, limited);
    assert_eq!(rejected("429", "attempts") as usize, locked);
    assert_eq!(rejected("503", "connection"), 1.0);
    assert_eq!(rejected("503", "body_memory"), 0.0);
    // The wait for it is in the histogram.
    let long = metrics.value("mesa_db_connection_wait_seconds_bucket", &[("le", "1")]);
    assert!(metrics.value("mesa_db_connection_wait_seconds_count", &[]) > long);
}

#[test]
fn what_waits_is_measured_from_the_database_in_one_statement() {
    let desk = Desk::open();
    let director = desk.director();
    assert_eq!(Metrics::of(&desk).value("mesa_webhook_deliveries_oldest_seconds", &[]), Some(0.0));
    desk.requester().register("Sin red");
    let webhook = director.post("/webhooks", json!({"url": "https://erp.example.gov.co/mesa"})).created();
    director.post(&format!("/webhooks/{}/test", webhook["id"].as_str().unwrap()), json!({})).expect(202);
    desk.database.run("UPDATE messages SET created_at = now() - interval '2 hours'");
    desk.database.run("UPDATE webhook_deliveries SET created_at = now() - interval '3 hours'");
    let metrics = Metrics::of(&desk);
    check(&metrics);
    let age = |name: &str| metrics.value(name, &[]).unwrap();
    assert!((7200.0..7300.0).contains(&age("mesa_messages_oldest_waiting_seconds")));
    assert!((10_800.0..10_900.0).contains(&age("mesa_webhook_deliveries_oldest_seconds")));
    // Metrics of the copy itself are served without the database.
    let busy: Vec<_> = (0..4).map(|_| desk.shared().db.connection().unwrap()).collect();
    let metrics = Metrics::of(&desk);
    check(&metrics);
    assert_eq!(metrics.value("mesa_messages_oldest_waiting_seconds", &[]), None);
    drop(busy);
}
