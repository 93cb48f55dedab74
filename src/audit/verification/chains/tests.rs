//! Histories with each fault.

use super::*;

const SALT: &[u8] = &[7; 16];

/// An event with owned values; `sealed` gives it its digest and its hash.
#[derive(Clone)]
struct Row {
    ticket_id: i64,
    seq: i32,
    kind: &'static str,
    previous_hash: Option<Vec<u8>>,
    digest: Vec<u8>,
    hash: Vec<u8>,
    salt: Option<&'static [u8]>,
    is_logged: bool,
}

impl Row {
    fn content(&self) -> TicketEvent<'_> {
        TicketEvent {
            previous_hash: self.previous_hash.as_deref(),
            ticket_id: self.ticket_id,
            seq: self.seq,
            id: &[1; 16],
            kind: Some(self.kind.as_bytes()),
            actor_id: None,
            at: Some(0),
            data_digest: Some(&self.digest),
        }
    }

    fn sealed(mut self) -> Self {
        self.hash = Hasher::default().ticket_event(&self.content()).to_vec();
        self
    }
}

fn history(ticket_id: i64, events: i32) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for seq in 1..=events {
        let row = Row {
            ticket_id,
            seq,
            kind: "changed",
            previous_hash: rows.last().map(|row| row.hash.clone()),
            digest: digest(SALT, b"{}").to_vec(),
            hash: Vec::new(),
            salt: Some(SALT),
            is_logged: true,
        };
        rows.push(row.sealed());
    }
    rows
}

fn known(ticket_id: i64, rows: &[Row]) -> Known {
    Known {
        ticket_id,
        exists: true,
        is_anonymized: false,
        events: rows.last().map(|row| row.seq),
        hash: rows.last().map(|row| row.hash.clone()),
    }
}

fn verified(known: Vec<Known>, rows: &[Row]) -> Batch {
    let mut chains = Chains::of(known);
    for row in rows {
        chains.add(&Event {
            content: row.content(),
            hash: Some(&row.hash),
            salt: row.salt,
            data: Some(b"{}"),
            is_logged: row.is_logged,
        });
    }
    chains.end()
}

fn places(batch: &Batch) -> Vec<(i64, i32, &'static str)> {
    batch.broken.iter().map(|found| (found.ticket_id, found.seq, found.reason.as_str())).collect()
}

#[test]
fn intact_histories_have_no_fault() {
    let (one, three) = (history(1, 3), history(3, 2));
    let batch = verified(vec![known(1, &one), known(3, &three)], &[one, three].concat());
    assert_eq!(places(&batch), []);
    assert_eq!(batch.counted, Counted { tickets: 2, events: 5, redacted: 0 });
}

#[test]
fn each_fault_is_found_at_its_place() {
    let whole = history(2, 3);
    let changed = |change: &dyn Fn(&mut Vec<Row>)| {
        let mut rows = whole.clone();
        change(&mut rows);
        places(&verified(vec![known(2, &whole)], &rows))
    };
    assert_eq!(changed(&|rows| rows[1].kind = "closed"), [(2, 2, "hash")]);
    assert_eq!(changed(&|rows| rows[1].salt = Some(b"")), [(2, 2, "hash")]);
    assert_eq!(changed(&|rows| rows[1].salt = None), [(2, 2, "hash")]);
    assert_eq!(changed(&|rows| rows[1].is_logged = false), [(2, 2, "log")]);
    assert_eq!(changed(&|rows| drop(rows.remove(0))), [(2, 2, "gap")]);
    assert_eq!(changed(&|rows| drop(rows.remove(1))), [(2, 3, "gap")]);
    assert_eq!(changed(&|rows| drop(rows.pop())), [(2, 3, "missing")]);
    assert_eq!(changed(&|rows| rows.clear()), [(2, 1, "missing")]);
    // Recomputed hashes.
    assert_eq!(
        changed(&|rows| {
            rows[1].kind = "closed";
            rows[1] = rows[1].clone().sealed();
        }),
        [(2, 3, "link")]
    );
    assert_eq!(
        changed(&|rows| {
            rows[2].kind = "closed";
            rows[2] = rows[2].clone().sealed();
        }),
        [(2, 3, "link")]
    );
    let longer = history(2, 4);
    assert_eq!(places(&verified(vec![known(2, &whole)], &longer)), [(2, 4, "added")]);
}

#[test]
fn tickets_and_ends_of_histories_that_are_missing_are_found_in_order() {
    let rows = history(5, 2);
    let gone = |ticket_id, events| Known { ticket_id, events, ..Known::default() };
    let unwritten = Known { exists: true, events: None, hash: None, ..known(7, &rows) };
    let batch = verified(vec![gone(4, Some(1)), gone(5, Some(2)), gone(6, Some(1)), unwritten], &rows);
    assert_eq!(
        places(&batch),
        [(4, 0, "missing"), (5, 0, "missing"), (5, 2, "link"), (6, 0, "missing"), (7, 1, "missing")]
    );
    assert_eq!(batch.counted.tickets, 1);
    // Neither a ticket nor the end of a history.
    assert_eq!(places(&verified(Vec::new(), &rows)), [(5, 1, "added"), (5, 2, "added")]);
}

#[test]
fn events_of_an_anonymized_requester_may_be_redacted() {
    let mut rows = history(1, 2);
    rows[0].salt = None;
    let anonymized = Known { is_anonymized: true, ..known(1, &rows) };
    let batch = verified(vec![anonymized.clone()], &rows);
    assert_eq!((places(&batch), batch.counted.redacted), (Vec::new(), 1));
    rows[0].kind = "closed";
    assert_eq!(places(&verified(vec![anonymized], &rows)), [(1, 1, "hash")]);
}
