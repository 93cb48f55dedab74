//! Fixed values in the recorded examples, in place of values that differ between runs: ids, times, hashes, tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use regex::{Captures, Regex};
use serde_json::{Value, json};

static ID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap());
static DIGEST: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b[0-9a-f]{64}\b").unwrap());
/// A time in a text or, with `%3A`, in the query of a link.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\d{4}-\d\d-\d\dT\d\d(:|%3A)\d\d(:|%3A)\d\d(\.\d+)?(Z|\+00:00|%2B00%3A00)").unwrap()
});
/// A time in a Spanish sentence.
static TIME_IN_WORDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\w+ \d+ de \w+ de \d{4} a las \d+:\d\d [ap]\. m\.").unwrap());
/// A digest, key or signature in Base64.
static BASE64: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/]{43,}=*").unwrap());

/// The time of the examples: Tuesday morning in Bogotá.
const STARTED: &str = "2026-02-03T14:00:00Z";

/// The answer with fixed values, at most one item in a page, and at most two in any other array and among links.
/// `started` is a time before the first request of the run.
pub fn fixed(mut answer: Value, started: DateTime<Utc>) -> Value {
    shorten(&mut answer, 2);
    round(&mut answer);
    let mut times = BTreeSet::new();
    texts(&mut answer, "", &mut |_, text| {
        times.extend(TIME.find_iter(text).filter_map(|found| moment(found.as_str())));
    });
    let times = schedule(times, started);
    let (mut ids, mut digests) = (Vec::new(), Vec::new());
    texts(&mut answer, "", &mut |field, text| {
        *text = match field {
            "access_token" => "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTlhIn0.c2lnbmF0dXJl".to_owned(),
            "refresh_token" => "c2VjcmV0by1kZS1yZWZyZXNjby1kZS1lamVtcGxv".to_owned(),
            _ => {
                let text = ID.replace_all(text, |found: &Captures<'_>| {
                    format!("019c2394-6280-7000-8000-{:012}", place(&mut ids, &found[0]))
                });
                let text = DIGEST.replace_all(&text, |found: &Captures<'_>| {
                    format!("{:02x}", 0xa0 + place(&mut digests, &found[0])).repeat(32)
                });
                let text = TIME.replace_all(&text, |found: &Captures<'_>| {
                    let fixed = moment(&found[0]).and_then(|time| times.get(&time));
                    let fixed = fixed.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
                    match fixed {
                        Some(fixed) if found[0].contains("%3A") => fixed.replace(':', "%3A"),
                        Some(fixed) => fixed,
                        None => found[0].to_owned(),
                    }
                });
                let text = TIME_IN_WORDS.replace_all(&text, "martes 3 de febrero de 2026 a las 10:00 a. m.");
                match field {
                    "note" | "public_key" | "root" | "signature" => {
                        BASE64.replace_all(&text, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=").into_owned()
                    }
                    _ => text.into_owned(),
                }
            }
        };
    });
    answer
}

/// The position of a value among those seen so far, from 1.
fn place(seen: &mut Vec<String>, value: &str) -> usize {
    let known = seen.iter().position(|one| one == value);
    known.unwrap_or_else(|| {
        seen.push(value.to_owned());
        seen.len() - 1
    }) + 1
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    let text = text.replace("%3A", ":").replace("%2B", "+");
    Some(DateTime::parse_from_rfc3339(&text).ok()?.to_utc())
}

/// A fixed time for each time that came from the clock, in the same order: those of the run five minutes apart, others
/// at the same distance in hours. A time without seconds came from a request and is not replaced.
fn schedule(
    times: BTreeSet<DateTime<Utc>>,
    started: DateTime<Utc>,
) -> BTreeMap<DateTime<Utc>, DateTime<Utc>> {
    let mut same_hour: BTreeMap<i64, i32> = BTreeMap::new();
    let mut fixed = BTreeMap::new();
    for time in times.into_iter().filter(|time| time.timestamp_micros() % 60_000_000 != 0) {
        let hours = (time - started).num_seconds().div_euclid(3600);
        let earlier = same_hour.entry(hours).or_default();
        let first: DateTime<Utc> = STARTED.parse().unwrap();
        fixed.insert(time, first + Duration::hours(hours) + Duration::minutes(5) * *earlier);
        *earlier += 1;
    }
    fixed
}

/// Truncates each array to its first items.
fn shorten(value: &mut Value, most: usize) {
    match value {
        Value::Array(items) => {
            items.truncate(most);
            items.iter_mut().for_each(|item| shorten(item, 2));
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::Object(links) if name == "links" => {
                        *links = std::mem::take(links).into_iter().take(2).collect()
                    }
                    // The risk matrix always has 25 cells.
                    _ if name == "cells" => {}
                    _ => shorten(field, if name == "items" { 1 } else { 2 }),
                }
            }
        }
        _ => {}
    }
}

/// Rounds measured numbers, such as minutes and shares, to one decimal.
fn round(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let rounded = number.as_f64().map(|number| (number * 10.0).round() / 10.0);
            *value = json!(rounded);
        }
        Value::Array(items) => items.iter_mut().for_each(round),
        Value::Object(fields) => fields.values_mut().for_each(round),
        _ => {}
    }
}

/// Visits each text with the name of its field.
fn texts(value: &mut Value, field: &str, visit: &mut dyn FnMut(&str, &mut String)) {
    match value {
        Value::String(text) => visit(field, text),
        Value::Array(items) => items.iter_mut().for_each(|item| texts(item, field, visit)),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| texts(value, name, visit)),
        _ => {}
    }
}

#[test]
fn two_runs_record_the_same_values() {
    let answer = |started: &str, id: &str, digest: &str| {
        json!({
            "items": [
                {"id": id, "link": format!("/users/{id}?from={}", started.replace(':', "%3A")), "at": started},
                {"id": "second"}
            ],
            "hash": digest.repeat(64), "minutes": f64::from(digest.as_bytes()[0]) / 10_000.0, "given_at": "2030-01-15T14:30:00Z", "refresh_token": id,
        })
    };
    let one = ("2026-11-29T01:44:48.5Z", "01a224f9-e8ff-74f4-a578-05d193bf1792", "b");
    let other = ("2027-03-01T23:59:59.1Z", "01a224f9-e8ff-74f4-a578-05d193bf1793", "c");
    let recorded = [one, other].map(|(started, id, digest)| {
        fixed(answer(started, id, digest), moment(started).unwrap() - Duration::seconds(1))
    });
    assert_eq!(recorded[0], recorded[1]);
    assert_eq!(
        recorded[0],
        json!({
            "items": [{
                "id": "019c2394-6280-7000-8000-000000000001",
                "link": "/users/019c2394-6280-7000-8000-000000000001?from=2026-02-03T14%3A00%3A00Z",
                "at": "2026-02-03T14:00:00Z"
            }],
            "hash": "a1".repeat(32), "minutes": 0.0, "given_at": "2030-01-15T14:30:00Z",
            "refresh_token": "c2VjcmV0by1kZS1yZWZyZXNjby1kZS1lamVtcGxv",
        })
    );
}
