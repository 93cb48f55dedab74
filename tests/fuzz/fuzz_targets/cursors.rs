//! Any text as the cursor of any list: it is refused, unless it is what this list gave with these filters in this order.

#![no_main]

use std::fmt::Debug;

use chrono::{DateTime, NaiveDate, Utc};
use libfuzzer_sys::fuzz_target;
use mesa::app::{self, Contract};
use mesa::auth::tokens::Tokens;
use mesa::http::paging::{Paging, Seal};
use mesa::problem::Code;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

/// A list, with filters or without.
type List = (u8, bool);

/// The list that gave a cursor, and the one that it is shown to; where a byte of it is changed, and to what; what a client
/// made up: a cursor, or what it might say.
type Input<'a> = (List, List, u8, u8, &'a str);

thread_local! {
    static TOKENS: Tokens = Tokens::new("the secret of a fuzzed desk, 32 bytes", Some("the secret that it had before, of 32 bytes"));
    static CONTRACT: Contract = Contract::new().unwrap();
    static LISTS: Vec<String> = lists();
}

/// The operations that take a cursor.
fn lists() -> Vec<String> {
    let document = mesa::contract::document(&app::openapi()).unwrap();
    let mut lists = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let parameters = item["get"]["parameters"].as_array();
        if parameters.into_iter().flatten().any(|parameter| parameter["name"] == "cursor") {
            lists.push(path.clone());
        }
    }
    assert!(lists.len() > 20, "{lists:?}");
    lists
}

/// As `Query` seals a list.
fn paging(list: (usize, bool), cursor: Option<String>) -> Paging {
    let path = LISTS.with(|lists| lists[list.0].clone());
    let filters = if list.1 { vec![("status", "received")] } else { Vec::new() };
    let sealed = serde_json::to_vec(&("cursor", path, filters)).unwrap();
    let seal = Seal(TOKENS.with(|tokens| tokens.fingerprints(&sealed)).unwrap());
    Paging { limit: Some(1), cursor, with_total: false, seal }
}

/// What a list gives after a row at this place.
fn given(list: (usize, bool), sort: &str, key: &impl Serialize, id: &impl Serialize) -> String {
    paging(list, None).cut(sort, vec![(), ()], |()| (key, id)).unwrap().1.unwrap()
}

/// Whether it is taken at a list that reads its cursors so; what is taken is what would be given.
fn taken_as<K, I>(list: (usize, bool), cursor: &str, sort: &str) -> bool
where
    K: Serialize + DeserializeOwned + PartialEq + Debug,
    I: Serialize + DeserializeOwned + PartialEq + Debug,
{
    match paging(list, Some(cursor.to_owned())).after::<K, I>(sort) {
        Ok(Some((key, id))) => {
            let again = given(list, sort, &key, &id);
            let place = paging(list, Some(again)).after::<K, I>(sort).unwrap();
            assert_eq!(place, Some((key, id)));
            true
        }
        Ok(None) => panic!("a cursor is taken for none"),
        Err(refused) => {
            assert!(refused.code == Code::InvalidCursor, "{refused:?}");
            false
        }
    }
}

/// Whether it is taken in any of the ways in which lists read their cursors.
fn taken(list: (usize, bool), cursor: &str, sort: &str) -> bool {
    let ways = [
        taken_as::<i32, Uuid>(list, cursor, sort),
        taken_as::<DateTime<Utc>, Uuid>(list, cursor, sort),
        taken_as::<DateTime<Utc>, i64>(list, cursor, sort),
        taken_as::<NaiveDate, Uuid>(list, cursor, sort),
        taken_as::<String, Uuid>(list, cursor, sort),
        taken_as::<i16, i16>(list, cursor, sort),
        taken_as::<f64, Uuid>(list, cursor, sort),
        taken_as::<DateTime<Utc>, (i16, Uuid)>(list, cursor, sort),
        taken_as::<(i16, DateTime<Utc>), i64>(list, cursor, sort),
    ];
    ways.contains(&true)
}

fuzz_target!(|input: Input| {
    let count = LISTS.with(Vec::len);
    let list = |(number, filtered): List| (usize::from(number) % count, filtered);
    let (from, to, at, by, text) = input;
    let (from, to) = (list(from), list(to));

    // As it stands: nobody but the desk makes one.
    let operation = format!("GET {}", LISTS.with(|lists| lists[to.0].clone()));
    let pairs = [("cursor".to_owned(), text.to_owned())];
    let faults = |pairs: &[(String, String)]| {
        let faults = CONTRACT.with(|contract| contract.schemas().query_faults(&operation, pairs));
        faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>()
    };
    assert_eq!(faults(&pairs), faults(&pairs));
    assert!(!taken(to, text, "name"));

    // Whatever a list might give: another list refuses it, and so does this one once a byte of it is another.
    let said: Value = serde_json::from_str(text).unwrap_or_else(|_| json!(["name", text, text]));
    let part = |number: usize| said.get(number).cloned().unwrap_or_default();
    let sort = part(0).as_str().unwrap_or_default().to_owned();
    let cursor = given(from, &sort, &part(1), &part(2));
    let taken_at_home = taken(from, &cursor, &sort);
    if from != to {
        assert!(!taken(to, &cursor, &sort), "{cursor} of {from:?} is taken at {to:?}");
    }
    let mut changed = cursor.clone().into_bytes();
    let at = usize::from(at) % changed.len();
    changed[at] = by & 0x7f;
    let changed = String::from_utf8(changed).unwrap();
    if changed != cursor {
        assert!(!taken(from, &changed, &sort), "{changed} is taken for {cursor}");
    } else {
        assert_eq!(taken(from, &changed, &sort), taken_at_home);
    }
});
