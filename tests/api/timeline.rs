//! The timeline: for staff all entries in one order. For a requester it contains nothing private, and does not show
//! that private entries exist.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::states::soon;
use crate::harness::{Client, Desk};

/// A ticket with entries of every type, public and private, and its requester.
fn case(desk: &Desk) -> (String, Client) {
    let (requester, technician) = (desk.requester(), desk.technician());
    let one = format!("/tickets/{}", requester.register("Sin red en el piso 3")["id"]);
    requester.upload(&format!("{one}/attachments"), "foto.txt", "el cable").created();
    technician.post(&format!("{one}/classification"), json!({"criticality": "high"})).ok();
    technician.post(&format!("{one}/assignment"), json!({"assignee_id": technician.id()})).ok();
    technician.post(&format!("{one}/acceptance"), soon()).ok();
    let entry = json!({"visibility": "public", "body": "Vamos en camino."});
    let entry = technician.post(&format!("{one}/followups"), entry).created();
    let files = format!("{one}/followups/{}/attachments", entry["id"].as_str().unwrap());
    technician.upload(&files, "ruta.txt", "por el ascensor").created();
    private_entry(&technician, &one);
    technician.post(&format!("{one}/hold"), json!({"reason": "Falta el repuesto."})).ok();
    technician.post(&format!("{one}/resumption"), json!({})).ok();
    let escalation = json!({"reason": "Lo interno.", "third_party": "Redes S. A. S.", "reference": "SR-1"});
    technician.post(&format!("{one}/escalations"), escalation).created();
    let director = desk.director();
    director.post(&format!("{one}/assignment"), json!({"assignee_id": director.id()})).ok();
    director.post(&format!("{one}/acceptance"), soon()).ok();
    director.post(&format!("{one}/solution"), json!({"description": "Se cambió el cable."})).ok();
    (one, requester)
}

/// A private followup with a file.
fn private_entry(staff: &Client, one: &str) -> String {
    let entry = json!({"visibility": "private", "body": "Es el puerto 12 del switch."});
    let entry = staff.post(&format!("{one}/followups"), entry).created();
    let path = format!("{one}/followups/{}", entry["id"].as_str().unwrap());
    staff.upload(&format!("{path}/attachments"), "switch.txt", "puerto 12").created();
    path
}

fn whole(client: &Client, one: &str) -> Vec<Value> {
    client.get(&format!("{one}/timeline?limit=200")).items()
}

/// The short form of an entry: `event accepted`, `followup public`.
fn short(entry: &Value) -> String {
    let what = match entry["type"].as_str().unwrap() {
        "event" | "message" => entry["kind"].as_str().unwrap(),
        "followup" => entry["visibility"].as_str().unwrap(),
        "escalation" => entry["third_party"].as_str().unwrap(),
        _ => entry["file_name"].as_str().unwrap(),
    };
    format!("{} {what}", entry["type"].as_str().unwrap())
}

#[test]
fn staff_see_everything_in_one_order() {
    let desk = Desk::open();
    let (one, _) = case(&desk);
    let technician = desk.technician();
    let entries = whole(&technician, &one);
    let places: Vec<(String, usize, String)> = entries
        .iter()
        .map(|entry| {
            let order = ["event", "escalation", "followup", "attachment", "message"];
            let rank = order.iter().position(|kind| entry["type"] == *kind).unwrap();
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            (text("occurred_at"), rank, text("id"))
        })
        .collect();
    assert!(places.is_sorted(), "{places:#?}");
    // All items of the lists of each type, and no more.
    for (list, kind) in [
        ("events", "event"),
        ("escalations", "escalation"),
        ("followups", "followup"),
        ("attachments", "attachment"),
    ] {
        let mut listed = technician.get(&format!("{one}/{list}?limit=200")).items();
        let mut shown: Vec<Value> = entries.iter().filter(|entry| entry["type"] == kind).cloned().collect();
        assert_eq!(technician.get(&format!("{one}/timeline?limit=200&type={kind}")).items(), shown);
        for entry in &mut shown {
            let entry = entry.as_object_mut().unwrap();
            entry.remove("type");
            entry.remove("assignee");
            if kind != "event" {
                assert_eq!(entry.remove("occurred_at"), entry.get("created_at").cloned());
            }
        }
        for entry in &mut listed {
            if kind == "event" {
                entry.as_object_mut().unwrap().remove("ticket_id");
            }
        }
        assert_eq!(shown, listed, "{kind}");
    }
    let messages = technician.get(&format!("{one}/timeline?type=message&limit=200")).items();
    assert_eq!(
        messages.len(),
        usize::try_from(desk.database.count("SELECT count(*) FROM messages")).unwrap()
    );
    assert_eq!((&messages[0]["kind"], &messages[0]["status"]), (&json!("received"), &json!("waiting")));
    assert_eq!(messages[0]["recipient"]["id"], desk.requester().id());
}

#[test]
fn pages_of_any_size_in_both_orders_contain_every_entry_once() {
    let desk = Desk::open();
    let (one, requester) = case(&desk);
    // Two events and two messages with the same time.
    let category = desk.director().get("/categories?q=Cuentas").items()[0]["id"].clone();
    let body =
        json!({"subject": "Una cuenta", "description": "Para un contratista.", "category_id": category});
    let other = format!("/tickets/{}", requester.post("/tickets", body).created()["id"]);
    let seen: Vec<String> = whole(&requester, &other).iter().map(short).collect();
    assert_eq!(seen, ["event received", "event archived", "message received", "message archived"]);
    for (client, one) in
        [desk.technician(), requester].iter().flat_map(|client| [(client, &one), (client, &other)])
    {
        for filter in ["", "&type=event&type=message"] {
            let all = client.get(&format!("{one}/timeline?limit=200{filter}")).items();
            for limit in [1, 2, 3, 7, 100] {
                for sort in ["occurred_at", "-occurred_at"] {
                    let path = format!("{one}/timeline?limit={limit}&sort={sort}&with_total=true{filter}");
                    let (mut seen, mut next) = (Vec::new(), Some(path));
                    while let Some(path) = next {
                        let page = client.get(&path);
                        assert_eq!(page.ok()["total"], all.len());
                        assert!(page.items().len() <= limit);
                        seen.extend(page.items());
                        let link = page.header("link");
                        let link = link.strip_prefix("</api/v1").and_then(|link| link.split_once('>'));
                        next = link.map(|(path, _)| path.to_owned());
                    }
                    if sort == "-occurred_at" {
                        seen.reverse();
                    }
                    assert_eq!(seen, all, "{limit} {sort} {filter}");
                }
            }
        }
    }
}

#[test]
fn a_requester_sees_what_concerns_them() {
    let desk = Desk::open();
    let (one, requester) = case(&desk);
    let entries = whole(&requester, &one);
    let seen: Vec<String> = entries.iter().map(short).collect();
    let expected = [
        "event received",
        "message received",
        "attachment foto.txt",
        "event classified",
        "event assigned",
        "event accepted",
        "followup public",
        "message accepted",
        "followup public",
        "message followup",
        "attachment ruta.txt",
        "event held",
        "message held",
        "event resumed",
        "message resumed",
        "event escalated",
        "message escalated",
        "event assigned",
        "event accepted",
        "followup public",
        "message accepted",
        "event solved",
        "message solved",
    ];
    assert_eq!(seen, expected);
    let text = requester.get(&format!("{one}/timeline?limit=200")).text();
    for private in [
        "Lo interno",
        "Redes S. A. S.",
        "SR-1",
        "switch",
        "\"seq\"",
        "\"hash\"",
        "attention_due",
        "clock_stopped",
        "recipient",
        "waiting",
        "automatic",
        "_told_at",
    ] {
        assert!(!text.contains(private), "{private} in {text}");
    }
    let event =
        |kind: &str| entries.iter().rfind(|entry| entry["kind"] == kind && entry["type"] == "event").unwrap();
    assert_eq!(event("assigned")["assignee"]["full_name"], "Diana Mejía Arango");
    assert_eq!(
        event("escalated")["changes"],
        json!([
            {"field": "status", "from": "in_progress", "to": "escalated"},
            {"field": "support_level", "from": 1, "to": 3},
        ])
    );
    assert_eq!(event("escalated")["details"], json!({}));
    assert_eq!(event("held")["details"], json!({"reason": "Falta el repuesto."}));
    assert_eq!(requester.get(&format!("{one}/timeline?type=escalation&with_total=true")).ok()["total"], 0);
    desk.another(Role::Requester).get(&format!("{one}/timeline")).problem(404, "not_found");
}

/// Everything that a requester can read in the timeline: every page with its headers.
fn all_that_shows(requester: &Client, one: &str) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    let kinds =
        ["", "&type=event", "&type=followup", "&type=attachment", "&type=message", "&type=escalation"];
    for (sort, kind) in ["occurred_at", "-occurred_at"].iter().flat_map(|sort| kinds.map(|kind| (sort, kind)))
    {
        for limit in [1, 3, 200] {
            let mut path = format!("{one}/timeline?limit={limit}&sort={sort}&with_total=true{kind}");
            loop {
                let page = requester.get(&path);
                seen.push((page.text(), page.header("link").to_owned()));
                let Some(cursor) = page.ok()["next_cursor"].as_str().map(str::to_owned) else { break };
                path =
                    format!("{one}/timeline?limit={limit}&sort={sort}&with_total=true{kind}&cursor={cursor}");
            }
        }
    }
    seen.push((requester.get(one).text(), requester.get(one).header("etag").to_owned()));
    seen
}

#[test]
fn private_changes_are_invisible_to_the_requester() {
    let desk = Desk::open();
    let (one, requester) = case(&desk);
    let (technician, other) = (desk.technician(), desk.another(Role::Requester));
    let number: i64 = one.rsplit('/').next().unwrap().parse().unwrap();
    let before = all_that_shows(&requester, &one);
    let unchanged = |what: &str| assert_eq!(all_that_shows(&requester, &one), before, "{what}");

    let entry = private_entry(&technician, &one);
    private_entry(&desk.director(), &one);
    unchanged("private followups and their files");

    let foreign = format!("/tickets/{}", other.register("También sin red")["id"]);
    let relation = json!({"kind": "caused_by", "ticket_id": number});
    let relation = technician.post(&format!("{foreign}/relations"), relation).created();
    unchanged("a relation to another's ticket");
    technician.delete(&format!("{foreign}/relations/{}", relation["id"].as_str().unwrap())).expect(204);
    technician
        .post(&format!("{foreign}/merge"), json!({"into_ticket_id": number, "confirm_other_requester": true}))
        .ok();
    assert_eq!(technician.get(&format!("{one}/watchers")).items().len(), 1);
    unchanged("another's ticket merged into it");

    let kinds: Vec<String> = whole(&technician, &one).iter().map(short).collect();
    for kind in [
        "event followup_added",
        "event file_attached",
        "event related",
        "event unrelated",
        "event duplicate_merged",
    ] {
        assert!(kinds.iter().any(|seen| seen == kind), "{kind} is not among {kinds:?}");
    }

    // A published entry appears at the end, and nothing else changes.
    let before = whole(&requester, &one);
    let public = technician.post(&format!("{entry}/publication"), json!({})).created();
    let after = whole(&requester, &one);
    assert_eq!(after[..before.len()], before);
    let new = &after[before.len()..];
    assert_eq!(
        new.iter().map(short).collect::<Vec<_>>(),
        ["followup public", "attachment switch.txt", "message followup"]
    );
    assert_eq!((&new[0]["id"], new[0].get("source_followup_id")), (&public["id"], None));
    assert!(new.iter().all(|entry| entry["occurred_at"].as_str() >= public["created_at"].as_str()));
}

#[test]
fn notifications_to_staff_are_invisible_to_the_requester() {
    let desk = Desk::open();
    let (requester, director) = (desk.requester(), desk.director());
    let one = desk.ticket_in("assigned");
    desk.database.run(
        "UPDATE tickets SET received_at = received_at - interval '1 day', \
             attention_due_at = attention_due_at - interval '1 day', \
             attention_due_soon_at = attention_due_soon_at - interval '1 day'",
    );
    let before = all_that_shows(&requester, &one);
    mesa::tickets::watch::notify(&mut desk.database.connect(), chrono_tz::America::Bogota).unwrap();
    director.patch("/attention-times/medium", json!({"within_minutes": 60})).ok();
    director.post("/attention-times/application", json!({})).ok();
    let after = all_that_shows(&requester, &one);
    // The last item is the ticket itself, which contains the time when attention is due.
    assert_eq!(after[..after.len() - 1], before[..before.len() - 1]);
    let kinds: Vec<String> = whole(&director, &one).iter().map(short).collect();
    for kind in ["event overdue", "message overdue", "event due_changed"] {
        assert!(kinds.iter().any(|seen| seen == kind), "{kind} is not among {kinds:?}");
    }
    // A handover shows the new assignee, but not the reason.
    let body = json!({"assignee_id": director.id(), "reason": "Incapacidad de Tomás."});
    director.post(&format!("/users/{}/handover", desk.technician().id()), body).ok();
    let last = requester.get(&format!("{one}/timeline?sort=-occurred_at&type=event&limit=1")).items();
    assert_eq!((&last[0]["kind"], &last[0]["assignee"]["id"]), (&json!("assigned"), &json!(director.id())));
    assert_eq!(last[0]["details"], json!({}));
}

#[test]
fn an_information_request_is_shown_with_its_answer() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let one = desk.ticket_in("received");
    let missing = json!({"missing": "¿Cuál es la placa?"});
    technician.post(&format!("{one}/information-request"), missing).ok();
    let answer = json!({"visibility": "public", "body": "Es la 4311."});
    requester.post(&format!("{one}/followups"), answer).created();
    technician
        .post(&format!("{one}/archive"), json!({"reason": "missing_information", "note": "La placa."}))
        .ok();
    let again = requester.post(&format!("{one}/resubmission"), json!({})).created();
    let events = requester.get(&format!("{one}/timeline?type=event")).items();
    let seen: Vec<String> = events.iter().map(short).collect();
    let expected = [
        "event received",
        "event information_requested",
        "event resumed",
        "event archived",
        "event resubmitted",
    ];
    assert_eq!(seen, expected);
    assert_eq!(events[1]["details"]["missing"], "¿Cuál es la placa?");
    let fields: Vec<&Value> =
        events[1]["changes"].as_array().unwrap().iter().map(|change| &change["field"]).collect();
    assert_eq!(fields, ["information_deadline", "status"]);
    assert_eq!(events[4]["details"], json!({"resubmitted_as_id": again["id"]}));
}
