//! Relations between tickets: visible from both ends, children solved with their parent, duplicates merged.

use std::sync::Barrier;
use std::thread;

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::states::{soon, ticket_of};
use crate::harness::{Answer, Client, Desk};

fn number(one: &str) -> i64 {
    one.rsplit('/').next().unwrap().parse().unwrap()
}

fn relate(client: &Client, one: &str, kind: &str, other: &str) -> Answer {
    client.post(&format!("{one}/relations"), json!({"kind": kind, "ticket_id": number(other)}))
}

/// The kind and the other ticket of each relation that a client sees.
fn seen(client: &Client, one: &str) -> Vec<(String, i64)> {
    let items = client.get(&format!("{one}/relations")).items();
    items
        .iter()
        .map(|relation| {
            (relation["kind"].as_str().unwrap().to_owned(), relation["ticket"]["id"].as_i64().unwrap())
        })
        .collect()
}

fn events(desk: &Desk, one: &str) -> Vec<Value> {
    desk.director().get(&format!("{one}/events?limit=200")).items()
}

#[test]
fn a_relation_is_visible_from_both_ends() {
    let desk = Desk::open();
    let technician = desk.technician();
    for (kind, inverse) in [
        ("duplicate_of", "duplicated_by"),
        ("duplicated_by", "duplicate_of"),
        ("caused_by", "cause_of"),
        ("cause_of", "caused_by"),
        ("parent_of", "child_of"),
        ("child_of", "parent_of"),
    ] {
        let (one, other) = (desk.ticket_in("received"), desk.ticket_in("closed"));
        let made = relate(&technician, &one, kind, &other).created();
        assert_eq!((&made["kind"], &made["ticket"]["status"]), (&json!(kind), &json!("closed")));
        assert_eq!(technician.get(&format!("{one}/relations")).items(), std::slice::from_ref(&made));
        assert_eq!(seen(&technician, &one), [(kind.to_owned(), number(&other))]);
        assert_eq!(seen(&technician, &other), [(inverse.to_owned(), number(&one))]);
        for (at, kind, end) in [(&one, kind, &other), (&other, inverse, &one)] {
            let last = events(&desk, at).pop().unwrap();
            assert_eq!(last["kind"], "related");
            assert_eq!(last["details"], json!({"kind": kind, "ticket_id": number(end)}));
        }
        // A relation exists once, whichever end creates it.
        relate(&technician, &one, kind, &other).problem(409, "already_exists");
        relate(&technician, &other, inverse, &one).problem(409, "already_exists");
        technician.delete(&format!("{other}/relations/{}", made["id"].as_str().unwrap())).expect(204);
        assert!(seen(&technician, &one).is_empty() && seen(&technician, &other).is_empty());
        assert_eq!(events(&desk, &one).pop().unwrap()["kind"], "unrelated");
        assert_eq!(
            events(&desk, &other).pop().unwrap()["details"],
            json!({"kind": inverse, "ticket_id": number(&one)})
        );
        technician
            .delete(&format!("{one}/relations/{}", made["id"].as_str().unwrap()))
            .problem(404, "not_found");
    }
}

#[test]
fn relations_are_paged_from_both_ends_in_one_order() {
    let desk = Desk::open();
    let technician = desk.technician();
    let one = desk.ticket_in("received");
    let mut expected = Vec::new();
    for (index, kind) in
        ["parent_of", "child_of", "caused_by", "duplicated_by", "cause_of"].iter().enumerate()
    {
        let other = desk.ticket_in(if index % 2 == 0 { "received" } else { "classified" });
        relate(&technician, &one, kind, &other).created();
        expected.push(((*kind).to_owned(), number(&other)));
    }
    assert_eq!(seen(&technician, &one), expected);
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = technician.get(&format!("{one}/relations?limit=2&with_total=true{cursor}")).ok();
        assert_eq!(page["total"], 5);
        paged.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["ticket"]["id"].as_i64().unwrap()),
        );
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, expected.iter().map(|(_, id)| *id).collect::<Vec<_>>());
}

#[test]
fn a_ticket_cannot_relate_to_itself_and_relations_have_no_cycles() {
    let desk = Desk::open();
    let technician = desk.technician();
    let [a, b, c] = [(); 3].map(|()| desk.ticket_in("received"));
    assert_eq!(
        relate(&technician, &a, "parent_of", &a).faults(),
        [("/ticket_id".into(), "not_allowed".into())]
    );
    let nowhere = relate(&technician, &a, "parent_of", "/tickets/999999");
    assert_eq!(nowhere.faults(), [("/ticket_id".into(), "not_found".into())]);
    for kind in ["parent_of", "duplicate_of", "caused_by"] {
        relate(&technician, &a, kind, &b).created();
        relate(&technician, &b, kind, &c).created();
        relate(&technician, &b, kind, &a).problem(409, "circular_relation");
        relate(&technician, &c, kind, &a).problem(409, "circular_relation");
        relate(&technician, &a, kind, &c).created();
    }
    let events_before = desk.database.count("SELECT count(*) FROM events");
    relate(&technician, &a, "child_of", &c).problem(409, "circular_relation");
    assert_eq!(desk.database.count("SELECT count(*) FROM events"), events_before);
}

#[test]
fn simultaneous_relations_create_no_cycle() {
    let desk = Desk::open();
    let technician = desk.technician();
    for _ in 0..5 {
        let [a, b, c, d] = [(); 4].map(|()| desk.ticket_in("received"));
        relate(&technician, &a, "parent_of", &b).created();
        relate(&technician, &c, "parent_of", &d).created();
        let barrier = Barrier::new(2);
        let (client, barrier) = (&technician, &barrier);
        let statuses: Vec<u16> = thread::scope(|scope| {
            let calls: Vec<_> = [(&b, &c), (&d, &a)]
                .map(|(from, to)| {
                    scope.spawn(move || {
                        barrier.wait();
                        relate(client, from, "parent_of", to).status
                    })
                })
                .into_iter()
                .collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        assert!(statuses.contains(&201) && statuses.contains(&409), "{statuses:?}");
    }
}

#[test]
fn a_requester_sees_only_relations_between_their_own_tickets() {
    let desk = Desk::open();
    let (technician, requester, other) = (desk.technician(), desk.requester(), desk.another(Role::Requester));
    let (mine, also_mine) = (desk.ticket_in("in_progress"), desk.ticket_in("received"));
    let foreign = ticket_of(&desk, &other, &technician, "received");
    relate(&technician, &mine, "parent_of", &also_mine).created();
    let shows = || {
        let pages = ["", "?limit=1", "?with_total=true"]
            .map(|query| requester.get(&format!("{mine}/relations{query}")));
        pages.map(|page| (page.text(), page.header("link").to_owned()))
    };
    let before = shows();
    relate(&technician, &mine, "parent_of", &foreign).created();
    relate(&technician, &mine, "caused_by", &foreign).created();
    assert_eq!(shows(), before);
    assert_eq!(seen(&requester, &mine), [("parent_of".to_owned(), number(&also_mine))]);
    assert!(seen(&other, &foreign).is_empty());
    requester.get(&format!("{foreign}/relations")).problem(404, "not_found");
    relate(&requester, &mine, "caused_by", &also_mine).problem(403, "forbidden");
}

#[test]
fn a_parent_is_solved_with_its_children() {
    let desk = Desk::open();
    let (technician, professional) = (desk.technician(), desk.professional());
    let parent = desk.ticket_in("in_progress");
    let running = ticket_of(&desk, &desk.another(Role::Requester), &technician, "in_progress");
    // This child is assigned to another person.
    let theirs = desk.ticket_in("classified");
    professional.post(&format!("{theirs}/assignment"), json!({"assignee_id": professional.id()})).ok();
    professional.post(&format!("{theirs}/acceptance"), soon()).ok();
    let (held, received, closed) =
        (desk.ticket_in("on_hold"), desk.ticket_in("received"), desk.ticket_in("closed"));
    let grandchild = desk.ticket_in("in_progress");
    for child in [&running, &theirs, &held, &received, &closed] {
        relate(&technician, &parent, "parent_of", child).created();
    }
    relate(&technician, &running, "parent_of", &grandchild).created();
    let solution = json!({"description": "Se reinició el switch.", "solve_children": true});
    professional.post(&format!("{parent}/solution"), solution.clone()).problem(403, "not_the_assignee");
    let solved = technician.post(&format!("{parent}/solution"), solution).ok();
    assert_eq!(
        (&solved["status"], &solved["solved_child_ids"], &solved["open_child_ids"]),
        (
            &json!("solved"),
            &json!([number(&running)]),
            &json!([number(&theirs), number(&held), number(&received)])
        )
    );
    for (one, assignee) in [(&parent, &technician), (&running, &technician)] {
        let ticket = desk.director().get(one).ok();
        assert_eq!(
            (&ticket["status"], &ticket["solution"]["description"]),
            (&json!("solved"), &json!("Se reinició el switch."))
        );
        assert_eq!(
            (&ticket["solution"]["solved_by"]["id"], &ticket["assignee"]["id"]),
            (&json!(technician.id()), &json!(assignee.id()))
        );
        let last = events(&desk, one).pop().unwrap();
        assert_eq!((&last["kind"], &last["actor"]["id"]), (&json!("solved"), &json!(technician.id())));
        let expected = if *one == parent { json!(null) } else { json!(number(&parent)) };
        assert_eq!(last["details"]["parent_id"], expected);
        let id = number(one);
        assert_eq!(
            desk.database
                .count(&format!("SELECT count(*) FROM messages WHERE kind = 'solved' AND ticket_id = {id}")),
            1
        );
        assert_eq!(desk.database.count(&format!("SELECT count(*) FROM surveys WHERE ticket_id = {id}")), 1);
    }
    assert_eq!(desk.director().get(&grandchild).ok()["status"], "in_progress");
    assert_eq!(desk.director().get("/audit/verification").ok()["whole"], true);
}

#[test]
fn a_parent_solved_without_its_children_lists_the_open_ones() {
    let desk = Desk::open();
    let technician = desk.technician();
    let (parent, child) = (desk.ticket_in("in_progress"), desk.ticket_in("in_progress"));
    relate(&technician, &child, "child_of", &parent).created();
    let solved = technician.post(&format!("{parent}/solution"), json!({"description": "Listo."})).ok();
    assert_eq!(
        (&solved["solved_child_ids"], &solved["open_child_ids"]),
        (&json!([]), &json!([number(&child)]))
    );
    assert_eq!(desk.director().get(&child).ok()["status"], "in_progress");
    // A child that another transaction has locked is skipped without waiting.
    let parent = desk.ticket_in("in_progress");
    relate(&technician, &parent, "parent_of", &child).created();
    let mut elsewhere = desk.database.connect();
    use diesel::connection::SimpleConnection;
    elsewhere
        .batch_execute(&format!("BEGIN; SELECT FROM tickets WHERE id = {} FOR UPDATE", number(&child)))
        .unwrap();
    let body = json!({"description": "Listo.", "solve_children": true});
    let solved = technician.post(&format!("{parent}/solution"), body).ok();
    assert_eq!(solved["open_child_ids"], json!([number(&child)]));
}

/// The kinds of the messages about a ticket to this recipient.
fn sent(desk: &Desk, one: &str, to: &Client) -> Vec<String> {
    let messages = desk.director().get(&format!("{one}/timeline?type=message&limit=200")).items();
    let theirs = messages.iter().filter(|message| message["recipient"]["id"] == to.id());
    theirs.map(|message| message["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_requester_of_a_merged_duplicate_follows_the_other_ticket() {
    let desk = Desk::open();
    let (technician, requester, other) = (desk.technician(), desk.requester(), desk.another(Role::Requester));
    let target = desk.ticket_in("assigned");
    let duplicate = ticket_of(&desk, &other, &technician, "on_hold");
    let body = json!({"into_ticket_id": number(&target), "confirm_other_requester": true, "note": "Es el mismo switch."});
    let etag = technician.get(&target).header("etag").to_owned();
    let merged = technician.post(&format!("{duplicate}/merge"), body.clone()).ok();
    assert_eq!(
        (&merged["status"], &merged["archive"]["reason"], &merged["archive"]["note"]),
        (&json!("archived"), &json!("duplicate"), &json!("Es el mismo switch."))
    );
    assert_eq!(technician.get(&target).header("etag"), etag);
    assert_eq!(seen(&technician, &duplicate), [("duplicate_of".to_owned(), number(&target))]);
    let last = events(&desk, &duplicate).pop().unwrap();
    assert_eq!(
        (&last["kind"], &last["details"]["into_ticket_id"]),
        (&json!("merged"), &json!(number(&target)))
    );
    let there = events(&desk, &target).pop().unwrap();
    assert_eq!(
        (&there["kind"], &there["details"]),
        (&json!("duplicate_merged"), &json!({"duplicate_id": number(&duplicate)}))
    );

    // The requester of the duplicate is notified, but not of the number of the other ticket.
    assert_eq!(sent(&desk, &duplicate, &other).last().unwrap(), "archived");
    let entry = other.get(&format!("{duplicate}/followups")).items().pop().unwrap();
    let words = entry["body"].as_str().unwrap();
    assert!(
        words.contains("otra solicitud sobre el mismo asunto") && words.ends_with("Es el mismo switch."),
        "{words}"
    );
    assert_eq!(last["details"]["followup_id"], entry["id"]);
    assert!(seen(&other, &duplicate).is_empty());
    let timeline = other.get(&format!("{duplicate}/timeline?sort=-occurred_at&limit=1&type=event")).items();
    assert_eq!(
        (&timeline[0]["kind"], timeline[0]["details"].get("into_ticket_id")),
        (&json!("merged"), None)
    );

    // They become a watcher of the other ticket, but may not read it.
    let watchers = technician.get(&format!("{target}/watchers?with_total=true")).ok();
    assert_eq!((&watchers["total"], &watchers["items"][0]["user"]["id"]), (&json!(1), &json!(other.id())));
    assert_eq!(watchers["items"][0]["reason"], "duplicate_merged");
    for path in [target.clone(), format!("{target}/timeline"), format!("{target}/followups")] {
        other.get(&path).problem(404, "not_found");
    }
    technician.post(&format!("{target}/acceptance"), soon()).ok();
    let entry = |visibility: &str| json!({"visibility": visibility, "body": "Va en camino."});
    technician.post(&format!("{target}/followups"), entry("public")).created();
    technician.post(&format!("{target}/followups"), entry("private")).created();
    requester.post(&format!("{target}/followups"), entry("public")).created();
    technician.post(&format!("{target}/hold"), json!({"reason": "Falta el repuesto."})).ok();
    technician.post(&format!("{target}/resumption"), json!({})).ok();
    technician.post(&format!("{target}/solution"), json!({"description": "Listo."})).ok();
    requester.post(&format!("{target}/reopening"), json!({"reason": "Volvió."})).ok();
    technician.post(&format!("{target}/solution"), json!({"description": "Ahora sí."})).ok();
    requester.post(&format!("{target}/closure"), json!({})).ok();
    let expected = ["accepted", "followup", "solved", "reopened", "solved", "closed"];
    assert_eq!(sent(&desk, &target, &other), expected);
    let marked = "SELECT count(*) FROM messages WHERE data->>'watcher' = 'true'";
    assert_eq!(desk.database.count(marked), 6);
    assert_eq!(desk.director().get("/audit/verification").ok()["whole"], true);
}

#[test]
fn watchers_move_with_a_merge_and_no_one_watches_their_own_ticket() {
    let desk = Desk::open();
    let (technician, requester, other) = (desk.technician(), desk.requester(), desk.another(Role::Requester));
    let target = desk.ticket_in("received");
    let mine = desk.ticket_in("received");
    let foreign = ticket_of(&desk, &other, &technician, "received");
    let merge = |one: &str, into: &str| {
        technician
            .post(
                &format!("{one}/merge"),
                json!({"into_ticket_id": number(into), "confirm_other_requester": true}),
            )
            .ok()
    };
    let watchers = |one: &str| -> Vec<Value> {
        technician
            .get(&format!("{one}/watchers"))
            .items()
            .iter()
            .map(|watcher| watcher["user"]["id"].clone())
            .collect()
    };
    merge(&foreign, &mine);
    assert_eq!(watchers(&mine), [json!(other.id())]);
    merge(&mine, &target);
    assert_eq!((watchers(&mine), watchers(&target)), (vec![], vec![json!(other.id())]));
    // Both tickets have the same requester, who gets the number and sees the relation.
    let entry = requester.get(&format!("{mine}/followups")).items().pop().unwrap();
    assert!(entry["body"].as_str().unwrap().contains(&format!("su solicitud {}", number(&target))));
    assert_eq!(seen(&requester, &mine), [("duplicate_of".to_owned(), number(&target))]);
    assert_eq!(sent(&desk, &mine, &other), Vec::<String>::new());
    // Archiving notifies the watchers, but without the note for the requester.
    technician
        .post(&format!("{target}/archive"), json!({"reason": "withdrawn", "note": "Por teléfono."}))
        .ok();
    assert_eq!(sent(&desk, &target, &other), ["archived"]);
    let kept = "SELECT count(*) FROM messages WHERE data ? 'watcher' AND data ? 'note'";
    assert_eq!(desk.database.count(kept), 0);
}

#[test]
fn invalid_merges_are_rejected() {
    let desk = Desk::open();
    let technician = desk.technician();
    let one = desk.ticket_in("in_progress");
    let merge =
        |one: &str, into: i64| technician.post(&format!("{one}/merge"), json!({"into_ticket_id": into}));
    let refused = |answer: Answer, code: &str| {
        assert_eq!(answer.faults(), [("/into_ticket_id".to_owned(), code.to_owned())])
    };
    refused(merge(&one, number(&one)), "not_allowed");
    refused(merge(&one, 999_999), "not_found");
    refused(merge(&one, number(&desk.ticket_in("closed"))), "not_allowed");
    refused(merge(&one, number(&desk.ticket_in("archived"))), "not_allowed");
    let other = desk.ticket_in("received");
    relate(&technician, &other, "duplicate_of", &one).created();
    merge(&one, number(&other)).problem(409, "circular_relation");
    merge(&desk.ticket_in("solved"), number(&one)).problem(409, "step_not_allowed");
    let stale = technician
        .with("if-match", "\"99\"")
        .post(&format!("{other}/merge"), json!({"into_ticket_id": number(&one)}));
    stale.problem(412, "precondition_failed");
    // A ticket that is already marked as a duplicate can be merged.
    assert_eq!(merge(&other, number(&one)).ok()["status"], "archived");
    assert_eq!(seen(&technician, &other).len(), 1);
}

#[test]
fn of_two_tickets_merged_into_each_other_at_once_one_is_merged() {
    let desk = Desk::open();
    let technician = desk.technician();
    for _ in 0..5 {
        let (a, b) = (desk.ticket_in("received"), desk.ticket_in("received"));
        let barrier = Barrier::new(2);
        let (client, barrier) = (&technician, &barrier);
        let statuses: Vec<u16> = thread::scope(|scope| {
            let calls = [(&a, &b), (&b, &a)].map(|(one, into)| {
                scope.spawn(move || {
                    barrier.wait();
                    client
                        .post(
                            &format!("{one}/merge"),
                            json!({"into_ticket_id": number(into), "confirm_other_requester": true}),
                        )
                        .status
                })
            });
            calls.map(|call| call.join().unwrap()).to_vec()
        });
        assert!(statuses.contains(&200) && statuses.contains(&422), "{statuses:?}");
    }
}
