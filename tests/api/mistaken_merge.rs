//! Merging tickets of two requesters: only when confirmed, undone with its relation, and with a place for replies.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Client, Desk};
use crate::inbound::{became, desk, followups, message};

fn watchers(client: &Client, one: &str) -> Vec<Value> {
    client
        .get(&format!("{one}/watchers"))
        .items()
        .iter()
        .map(|watcher| watcher["user"]["id"].clone())
        .collect()
}

fn number(one: &str) -> i64 {
    one.rsplit('/').next().unwrap().parse().unwrap()
}

fn register(client: &Client, subject: &str) -> String {
    format!("/tickets/{}", client.register(subject)["id"])
}

fn merge(desk: &Desk, one: &str, into: &str) -> Value {
    let body = json!({"into_ticket_id": number(into), "confirm_other_requester": true});
    desk.technician().post(&format!("{one}/merge"), body).ok()
}

fn remove_relation(desk: &Desk, one: &str) {
    let technician = desk.technician();
    let relation = technician.get(&format!("{one}/relations")).items()[0]["id"].clone();
    technician.delete(&format!("{one}/relations/{}", relation.as_str().unwrap())).expect_status(204);
}

#[test]
fn a_merge_of_tickets_of_two_requesters_must_be_confirmed() {
    let desk = Desk::open();
    let other = desk.another(Role::Requester);
    let (mine, theirs) = (register(&desk.requester(), "Sin red"), register(&other, "Sin internet"));
    for body in [json!({}), json!({"confirm_other_requester": false})] {
        let mut body = body;
        body["into_ticket_id"] = json!(number(&theirs));
        let refused = desk.technician().post(&format!("{mine}/merge"), body);
        assert_eq!(refused.faults(), [("/confirm_other_requester".into(), "required".into())]);
    }
    assert_eq!(desk.technician().get(&mine).ok()["status"], "received");
    assert_eq!(watchers(&desk.technician(), &theirs), [] as [Value; 0]);
    assert_eq!(merge(&desk, &mine, &theirs)["status"], "archived");
    // Of one requester it needs no confirmation.
    let again = register(&other, "Sin internet otra vez");
    let body = json!({"into_ticket_id": number(&theirs)});
    desk.technician().post(&format!("{again}/merge"), body).ok();
}

#[test]
fn removing_the_relation_ends_the_watch() {
    let desk = Desk::open();
    let (requester, other, third) =
        (desk.requester(), desk.another(Role::Requester), desk.another(Role::Requester));
    let technician = desk.technician();
    let target = register(&requester, "Sin red");
    let (first, second, last) = (
        register(&other, "Sin internet"),
        register(&third, "Sin wifi"),
        register(&other, "Sin internet aún"),
    );
    // The third's ticket was merged into the other's before that was merged.
    merge(&desk, &second, &first);
    merge(&desk, &first, &target);
    merge(&desk, &last, &target);
    assert_eq!(watchers(&technician, &target).len(), 2);
    remove_relation(&desk, &last);
    assert_eq!(
        watchers(&technician, &target).len(),
        2,
        "another ticket of the same person is merged into it"
    );
    let relations = technician.get(&format!("{first}/relations")).items();
    let upwards = relations.iter().find(|relation| relation["kind"] == "duplicate_of").unwrap();
    let path = format!("{target}/relations/{}", upwards["id"].as_str().unwrap());
    technician.delete(&path).expect_status(204);
    assert_eq!(watchers(&technician, &target), [] as [Value; 0]);
    // From now on they get no mail about it.
    let before = desk.database.count("SELECT count(*) FROM messages WHERE data ->> 'watcher' = 'true'");
    technician
        .post(&format!("{target}/followups"), json!({"visibility": "public", "body": "Su clave es otra."}))
        .created();
    assert_eq!(
        desk.database.count("SELECT count(*) FROM messages WHERE data ->> 'watcher' = 'true'"),
        before
    );
}

#[test]
fn a_reply_to_a_merged_ticket_goes_to_its_target() {
    let desk = desk();
    let (requester, other) = (desk.requester(), desk.another(Role::Requester));
    let target = register(&requester, "Sin red");
    let (own, foreign) = (register(&requester, "Sin red de nuevo"), register(&other, "Sin internet"));
    merge(&desk, &own, &target);
    merge(&desk, &foreign, &target);
    let technician = desk.technician();
    technician.post(&format!("{target}/classification"), json!({"criticality": "low"})).ok();
    technician.post(&format!("{target}/assignment"), json!({"assignee_id": "me"})).ok();
    let reply = |from: &Client, one: &str, body: &str| {
        became(&desk, message(from.email(), &format!("Re: [#{}] x", number(one)), "", body))
    };

    let email = reply(&requester, &own, "Ya son dos pisos.");
    assert_eq!(email["ticket_id"], json!(number(&target)));
    let last = followups(&desk, &target).pop().unwrap();
    assert_eq!((&last["body"], &last["visibility"]), (&json!("Ya son dos pisos."), &json!("public")));

    let seen = requester.get(&target);
    let told = desk.database.count("SELECT count(*) FROM messages WHERE kind = 'followup'");
    let email = reply(&other, &foreign, "Mi clave es 1234.");
    assert_eq!(email["ticket_id"], json!(number(&target)));
    let last = followups(&desk, &target).pop().unwrap();
    assert_eq!((&last["body"], &last["visibility"]), (&json!("Mi clave es 1234."), &json!("private")));
    assert_eq!(last["unverified"], true);
    let export = other.get(&format!("/users/{}/personal-data", other.id())).ok();
    assert!(export["followups"].to_string().contains("Mi clave es 1234."), "{export}");
    assert_eq!(desk.database.count("SELECT count(*) FROM messages WHERE kind = 'followup'"), told + 1);
    // The assignee answers the notice by mail: the answer is private too.
    let notice =
        desk.director().get("/messages?kind=followup&sort=-created_at&limit=1").items()[0]["id"].clone();
    let fields =
        format!("{}In-Reply-To: <{}@mesa.test>\n", crate::inbound::ALIGNED, notice.as_str().unwrap());
    became(&desk, message(technician.email(), "Re: x", &fields, "Anotado."));
    let last = followups(&desk, &target).pop().unwrap();
    assert_eq!((&last["body"], &last["visibility"]), (&json!("Anotado."), &json!("private")));
    // Its requester sees no trace of it.
    let now = requester.get(&target);
    assert_eq!((now.header("etag"), now.ok()), (seen.header("etag"), seen.ok()));
    assert!(!requester.get(&format!("{target}/followups")).ok().to_string().contains("1234"));

    // After the target has ended, a reply presents the request again.
    technician.post(&format!("{target}/archive"), json!({"reason": "withdrawn"})).ok();
    let email = reply(&other, &foreign, "Sigo sin internet.");
    let again = desk.director().get(&format!("/tickets/{}", email["ticket_id"])).ok();
    assert_eq!(again["resubmission_of_id"], json!(number(&foreign)));
}
