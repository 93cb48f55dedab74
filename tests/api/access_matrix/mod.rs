//! Calls every operation of the contract as every kind of actor, with every kind of id in path, query, body and
//! cursor.
//!
//! The cells are generated from the served contract and from the policy, so a new operation is covered automatically.
//! These assertions hold for every operation:
//! - no response is a 5xx;
//! - 401 without a valid token, 403 with a role and permissions that the contract does not list;
//! - a hidden resource gets a requester the same response as one that does not exist, and no response contains its
//!   text;
//! - rejected requests change nothing in the database.
//!
//! `MESA_CI=full` calls as every staff account, otherwise only as one of them.

mod ids;
mod sample;
mod world;

use std::sync::Mutex;

use self::ids::{Ids, Slot};
use self::sample::Operation;
use self::world::{Actor, Http, Reply, Standing, World};

/// The number of concurrent requests.
const CLIENTS: usize = 3;

/// A request and the expected response.
struct Cell<'a> {
    actor: &'a Actor,
    operation: &'a Operation,
    path: String,
    body: Option<String>,
    expected: Expected,
    /// A request with an id that does not exist. The response must be the same, apart from the id of the request.
    twin: Option<(String, Option<String>)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Expected {
    /// One of these statuses.
    Status(&'static [u16]),
    /// 403 with the code `forbidden`.
    Forbidden,
    /// A 4xx.
    Refused,
    /// Anything but a 401.
    Known,
    /// Anything but a 5xx.
    Any,
}

#[test]
fn every_operation_enforces_access_for_every_actor_and_id() {
    let world = World::open();
    let full = std::env::var("MESA_CI").is_ok_and(|value| value == "full");
    let operations = sample::operations(&world.document);
    assert!(operations.len() > 100, "the contract has {} operations", operations.len());

    let mut refused = Vec::new();
    let mut other = Vec::new();
    for operation in &operations {
        for actor in &world.actors {
            let asked = full || !actor.is_one_of_many_staff;
            match &operation.roles {
                None => other.extend(open(actor, operation)),
                Some(_) if actor.standing == Standing::Unauthenticated => {
                    refused.extend(unauthenticated(actor, operation));
                }
                Some(_) if !operation.allows(actor) => refused.extend(forbidden(actor, operation)),
                Some(_) if asked => {
                    refused.extend(hidden_in_path(actor, operation));
                    other.extend(hidden_in_query(actor, operation));
                    other.extend(hidden_in_body(actor, operation));
                }
                Some(_) => {}
            }
        }
    }
    let before = world.desk.database.fingerprint();
    let count = refused.len();
    let mut faults = ask(&world.http, refused);
    let changed: Vec<String> = before
        .into_iter()
        .zip(world.desk.database.fingerprint())
        .filter(|(before, after)| before != after)
        .map(|(before, _)| before.0)
        .collect();
    if !changed.is_empty() {
        faults.push(format!("rejected requests changed {changed:?}"));
    }
    let cursors = cursors(&world, &operations);
    println!("{count} cells with rejected requests, {} others, {} with cursors", other.len(), cursors.len());
    faults.extend(ask(&world.http, other));
    faults.extend(ask(&world.http, cursors));
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Without a valid token: the same response for every id.
fn unauthenticated<'a>(actor: &'a Actor, operation: &'a Operation) -> Vec<Cell<'a>> {
    let body = operation.body();
    let cell = |path, expected| Cell { actor, operation, path, body: body.clone(), expected, twin: None };
    let mut cells = vec![cell(operation.path(|slot| actor.ids.visible(slot)), Expected::Status(&[401]))];
    if operation.has_ids() {
        cells.push(cell(operation.path(|slot| actor.ids.hidden(slot).pop()), Expected::Status(&[401])));
        // A malformed id may be rejected before authentication.
        cells.push(cell(operation.path(|_| Some("no-id".to_owned())), Expected::Status(&[401, 404])));
    }
    cells
}

/// With a role that is not allowed: the same response for every id.
fn forbidden<'a>(actor: &'a Actor, operation: &'a Operation) -> Vec<Cell<'a>> {
    let cell = |path| Cell {
        actor,
        operation,
        path,
        body: operation.body(),
        expected: Expected::Forbidden,
        twin: None,
    };
    let mut cells = vec![cell(operation.path(|slot| actor.ids.visible(slot)))];
    if operation.has_ids() {
        cells.push(cell(operation.path(|slot| actor.ids.hidden(slot).pop())));
        cells.push(cell(operation.path(|slot| Some(Ids::unknown(slot)))));
    }
    cells
}

/// With an allowed role: ids that do not exist, ids of another type, malformed ids, and for requesters ids of hidden
/// resources.
fn hidden_in_path<'a>(actor: &'a Actor, operation: &'a Operation) -> Vec<Cell<'a>> {
    let body = operation.body();
    let mut cells = Vec::new();
    for slot in operation.path_ids() {
        let at = |id: &str| {
            operation.path(|other| if other == slot { Some(id.to_owned()) } else { actor.ids.visible(other) })
        };
        let cell = |id: &str, expected, twin| {
            let twin = if twin { Some((at(&Ids::unknown(slot)), body.clone())) } else { None };
            Cell { actor, operation, path: at(id), body: body.clone(), expected, twin }
        };
        let nothing = Expected::Status(&[404]);
        cells.push(cell(&Ids::unknown(slot), nothing, false));
        cells.push(cell("no-id", nothing, false));
        cells.push(cell("-1", nothing, false));
        cells.push(cell(&Ids::of_another_type(slot, &actor.ids), nothing, true));
        cells.extend(actor.ids.hidden(slot).iter().map(|id| cell(id, nothing, true)));
    }
    cells
}

/// In filters: a hidden resource gives a requester the same result as one that does not exist.
fn hidden_in_query<'a>(actor: &'a Actor, operation: &'a Operation) -> Vec<Cell<'a>> {
    let mut cells = Vec::new();
    if operation.method != "GET" {
        return cells;
    }
    let path = operation.path(|slot| actor.ids.visible(slot));
    let with = |name: &str, value: &str| {
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{path}{joint}{name}={value}")
    };
    for parameter in &operation.query_ids {
        let slot = Slot::of(&parameter.name, parameter.is_integer);
        let unknown = (with(&parameter.name, &Ids::unknown(slot)), None);
        let mut cell = |value: &str, expected, twin| {
            let path = with(&parameter.name, value);
            cells.push(Cell { actor, operation, path, body: None, expected, twin });
        };
        cell("no-id", Expected::Refused, None);
        cell(&Ids::of_another_type(slot, &actor.ids), Expected::Known, Some(unknown.clone()));
        actor.ids.hidden(slot).iter().for_each(|id| cell(id, Expected::Known, Some(unknown.clone())));
    }
    if operation.takes_text && actor.standing == Standing::Requester {
        for word in &actor.hidden_words {
            let twin = (with("q", "inencontrable"), None);
            let (path, expected) = (with("q", word), Expected::Known);
            cells.push(Cell { actor, operation, path, body: None, expected, twin: Some(twin) });
        }
    }
    cells
}

/// In the properties of a body: a hidden resource is rejected for a requester like one that does not exist.
fn hidden_in_body<'a>(actor: &'a Actor, operation: &'a Operation) -> Vec<Cell<'a>> {
    let mut cells = Vec::new();
    // Staff see everything. Their requests are tried only on operations without an id in the path.
    if actor.standing == Standing::Staff && operation.has_ids() {
        return cells;
    }
    let path = operation.path(|slot| actor.ids.visible(slot));
    for property in &operation.body_ids {
        let slot = Slot::of(&property.name, property.is_integer);
        let twin = (path.clone(), operation.body_with(property, &Ids::unknown(slot)));
        let mut cell = |value: &str, expected, twin| {
            let body = operation.body_with(property, value);
            cells.push(Cell { actor, operation, path: path.clone(), body, expected, twin });
        };
        cell("no-id", Expected::Refused, None);
        cell(&Ids::unknown(slot), Expected::Refused, None);
        cell(&Ids::of_another_type(slot, &actor.ids), Expected::Refused, Some(twin.clone()));
        let hidden = if slot == Slot::User { Vec::new() } else { actor.ids.hidden(slot) };
        hidden.iter().for_each(|id| cell(id, Expected::Refused, Some(twin.clone())));
    }
    cells
}

/// Operations without a token, such as signing in.
fn open<'a>(actor: &'a Actor, operation: &'a Operation) -> Vec<Cell<'a>> {
    let path = operation.path(|slot| Some(Ids::unknown(slot)));
    vec![Cell { actor, operation, path, body: operation.body(), expected: Expected::Any, twin: None }]
}

/// Cursors issued to the director, used by requesters; and an invalid cursor.
fn cursors<'a>(world: &'a World, operations: &'a [Operation]) -> Vec<Cell<'a>> {
    let mut cells = Vec::new();
    for operation in operations.iter().filter(|operation| operation.has_cursor) {
        let path = |actor: &Actor| operation.path(|slot| actor.ids.visible(slot));
        let with = |path: String, query: String| {
            let joint = if path.contains('?') { '&' } else { '?' };
            format!("{path}{joint}{query}")
        };
        let first = with(path(&world.director), "limit=1".to_owned());
        let known = world.http.send(&world.director, operation, &first, None);
        let cursor = known.json()["next_cursor"].as_str().map(str::to_owned);
        for actor in &world.actors {
            if actor.standing != Standing::Requester || !operation.allows(actor) {
                continue;
            }
            let mut cell = |cursor: &str, expected| {
                let path = with(path(actor), format!("limit=200&cursor={cursor}"));
                cells.push(Cell { actor, operation, path, body: None, expected, twin: None });
            };
            cell("eyJ9.x", Expected::Refused);
            if let Some(cursor) = &cursor {
                cell(cursor, Expected::Known);
            }
        }
    }
    cells
}

/// Sends all requests, and returns a description of each violated assertion.
fn ask(http: &Http, cells: Vec<Cell<'_>>) -> Vec<String> {
    let (queue, faults) = (Mutex::new(cells), Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for _ in 0..CLIENTS {
            threads.spawn(|| {
                loop {
                    let Some(cell) = queue.lock().unwrap().pop() else { return };
                    if let Err(fault) = cell.hold(http) {
                        faults.lock().unwrap().push(fault);
                    }
                }
            });
        }
    });
    faults.into_inner().unwrap()
}

impl Cell<'_> {
    fn hold(&self, http: &Http) -> Result<(), String> {
        let reply = http.send(self.actor, self.operation, &self.path, self.body.clone());
        let told = |what: &str| {
            let (actor, method) = (self.actor.name, &self.operation.method);
            format!(
                "{what}: {method} {} by {actor} {:?}: {} {}",
                self.path, self.body, reply.status, reply.text
            )
        };
        if reply.status >= 500 {
            return Err(told("server error"));
        }
        let holds = match self.expected {
            Expected::Status(statuses) => statuses.contains(&reply.status),
            Expected::Forbidden => reply.status == 403 && reply.json()["code"] == "forbidden",
            Expected::Refused => (400..500).contains(&reply.status),
            Expected::Known => reply.status != 401,
            Expected::Any => true,
        };
        if !holds {
            return Err(told("unexpected status"));
        }
        if let Some(word) = self.actor.hidden_words.iter().find(|word| reply.contains(word, &self.path)) {
            return Err(told(&format!("hidden text in the response, {word}")));
        }
        let Some((path, body)) = &self.twin else { return Ok(()) };
        let twin: Reply = http.send(self.actor, self.operation, path, body.clone());
        if self.actor.standing == Standing::Requester && reply.comparable() != twin.comparable() {
            return Err(told(&format!("an unknown id gets another response, {} {}", twin.status, twin.text)));
        }
        Ok(())
    }
}
