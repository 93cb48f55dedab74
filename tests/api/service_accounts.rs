//! Service accounts: their life, their scopes, and what they are not.

use mesa::auth::policy::{Action, Role};
use mesa::auth::scopes;
use serde_json::{Value, json};

use crate::harness::states::improvement_action;
use crate::harness::{Client, Desk};

/// A service account with these scopes, and a client that calls with its key.
pub fn machine(desk: &Desk, role: Role, scopes: &[&str]) -> (Value, Client) {
    let body = json!({"name": "Inventario de equipos", "role": role.as_str(), "scopes": scopes});
    let account = desk.director().post("/service-accounts", body).created();
    let key = new_key(desk, &account);
    (account, desk.nobody().holding(key["key"].as_str().unwrap()))
}

pub fn new_key(desk: &Desk, account: &Value) -> Value {
    let path = format!("/service-accounts/{}/keys", account["id"].as_str().unwrap());
    desk.director().post(&path, json!({})).created()
}

#[test]
fn a_service_account_acts_under_its_own_name_within_its_scopes() {
    let desk = Desk::open();
    let scopes =
        ["register_ticket", "read_ticket", "use_private_followups", "add_public_followup", "classify"];
    let (account, machine) = machine(&desk, Role::Technician, &scopes);
    let me = machine.get("/me").ok();
    assert_eq!((&me["id"], &me["kind"]), (&account["id"], &json!("service_account")));
    let mut listed: Vec<&str> = me["permissions"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .filter(|name| *name != "use_own_account")
        .collect();
    listed.sort_unstable();
    let mut wanted = scopes.to_vec();
    wanted.sort_unstable();
    assert_eq!(listed, wanted);

    // It registers on behalf of a person, never for itself.
    let new = json!({"subject": "Sin red", "description": "No responde el enrutador."});
    let refused = machine.post("/tickets", new.clone()).faults();
    assert_eq!(refused[0].0, "/requester_id");
    let mut for_person = new;
    for_person["requester_id"] = desk.requester().id().into();
    let ticket = machine.post("/tickets", for_person).created();
    assert_eq!(ticket["registered_by"]["kind"], "service_account");
    let one = format!("/tickets/{}", ticket["id"]);
    machine.post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
    let entry = json!({"visibility": "public", "body": "Se detectó una falla."});
    let entry = machine.post(&format!("{one}/followups"), entry).created();
    assert_eq!(entry["author"]["kind"], "service_account");
    assert_eq!(entry["author"]["full_name"], "Inventario de equipos");
    let event = &machine.get(&format!("{one}/events")).items()[0];
    assert_eq!(event["actor"]["kind"], "service_account", "{event}");
    // Out of scope, with the role of a technician.
    machine
        .post(&format!("{one}/assignment"), json!({"assignee_id": desk.technician().id()}))
        .problem(403, "forbidden");
    machine.get("/users").problem(403, "forbidden");
    for step in machine.get(&one).ok()["allowed_steps"].as_array().into_iter().flatten() {
        assert!(["classification", "followups", "followup"].contains(&step.as_str().unwrap()), "{step}");
    }
}

#[test]
fn without_the_scope_private_followups_are_neither_read_nor_found_nor_written() {
    let desk = Desk::open();
    let (_, machine) = machine(&desk, Role::Professional, &["read_ticket", "add_public_followup", "attach"]);
    let one = desk.ticket_in("in_progress");
    let entry = json!({"visibility": "private", "body": "Es el conmutador zorzal."});
    let private = desk.technician().post(&format!("{one}/followups"), entry.clone()).created();
    let id = private["id"].as_str().unwrap();
    for path in [
        one.clone(),
        format!("{one}/followups"),
        format!("{one}/timeline"),
        format!("{one}/attachments"),
        format!("{one}?expand=followups"),
    ] {
        let answer = machine.get(&path);
        answer.ok();
        assert!(
            !answer.text().contains("zorzal") && !answer.text().contains(id),
            "{path}: {}",
            answer.text()
        );
    }
    machine.get(&format!("{one}/followups/{id}")).problem(404, "not_found");
    machine.get(&format!("{one}/events")).problem(403, "forbidden");
    machine.post(&format!("{one}/followups"), entry).problem(403, "forbidden");
    assert!(machine.get("/tickets?q=zorzal").items().is_empty());
    assert_eq!(desk.technician().get("/tickets?q=zorzal").items().len(), 1);
}

#[test]
fn a_machine_is_nowhere_where_people_are() {
    let desk = Desk::open();
    let (account, _) = machine(&desk, Role::Director, &["read_ticket"]);
    let id = account["id"].as_str().unwrap();
    let director = desk.director();
    for path in ["/users", "/users?q=inventario", "/availability"] {
        let answer = director.get(path);
        answer.ok();
        assert!(!answer.text().contains(id), "{path}");
    }
    director.get(&format!("/users/{id}")).problem(404, "not_found");
    director.patch(&format!("/users/{id}"), json!({"active": false})).problem(404, "not_found");
    director.post(&format!("/users/{id}/password-reset"), json!({})).problem(404, "not_found");
    let one = desk.ticket_in("classified");
    let assigned = director.post(&format!("{one}/assignment"), json!({"assignee_id": id})).faults();
    assert_eq!(assigned[0].0, "/assignee_id");
    let watched = director.post(&format!("{one}/watchers"), json!({"user_id": id})).faults();
    assert_eq!(watched[0].0, "/user_id");
    let new = json!({"subject": "Sin red", "description": "No hay red.", "requester_id": id});
    assert_eq!(director.post("/tickets", new).faults()[0].0, "/requester_id");
    let email = format!("{id}@service-account.invalid");
    let login = json!({"email": email, "password": "una-clave-larga"});
    desk.nobody().post("/auth/login", login).problem(401, "invalid_credentials");
    // The last person who is a director stays one.
    let own = format!("/users/{}", director.id());
    director.patch(&own, json!({"role": "technician"})).problem(409, "last_director");
    // The database refuses it as well.
    for statement in [
        format!("UPDATE users SET password_hash = 'x' WHERE id = '{id}'"),
        format!("UPDATE users SET account_kind = 'person', scopes = NULL WHERE id = '{id}'"),
        format!("UPDATE users SET email = 'maquina@mesa.test' WHERE id = '{id}'"),
        format!("UPDATE tickets SET assignee_id = '{id}'"),
        format!("UPDATE tickets SET requester_id = '{id}'"),
        format!(
            "INSERT INTO ticket_watchers (ticket_id, user_id, added_by) SELECT min(id), '{id}', '{id}' FROM tickets"
        ),
        format!("UPDATE units SET head_id = '{id}'"),
        format!(
            "INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_at) \
                 VALUES ('x', gen_random_uuid(), '{id}', now() + interval '1 day')"
        ),
    ] {
        let refused =
            desk.database.ask(|db| diesel::connection::SimpleConnection::batch_execute(db, &statement));
        assert!(refused.is_err(), "{statement}");
    }
}

#[test]
fn scopes_are_those_of_the_role_that_no_person_must_answer_for() {
    let desk = Desk::open();
    let create = |role: &str, scopes: Value| {
        desk.director().post("/service-accounts", json!({"name": "x", "role": role, "scopes": scopes}))
    };
    for (role, scope) in [
        ("technician", "submit_inbound_emails"),
        ("professional", "read_audit_log"),
        ("director", "manage"),
        ("director", "manage_service_accounts"),
        ("director", "use_own_keys"),
        ("director", "approve_records"),
        ("director", "approve_reports"),
        ("director", "manage_retention"),
        ("technician", "solve"),
    ] {
        assert_eq!(
            create(role, json!(["read_ticket", scope])).faults(),
            [("/scopes/1".into(), "not_allowed".into())]
        );
    }
    // Its responses contain tickets.
    assert_eq!(
        create("technician", json!(["read_catalogs", "classify"])).faults(),
        [("/scopes/1".into(), "not_allowed".into())]
    );
    assert_eq!(create("requester", json!([])).faults(), [("/role".into(), "not_allowed".into())]);
    let account = create("director", json!(["read_ticket", "read_ticket"])).created();
    assert_eq!(account["scopes"], json!(["read_ticket"]));
    let one = format!("/service-accounts/{}", account["id"].as_str().unwrap());
    // A lower role must allow the scopes that stay.
    desk.director().patch(&one, json!({"scopes": ["submit_inbound_emails"]})).ok();
    let lower = desk.director().patch(&one, json!({"role": "technician"})).faults();
    assert_eq!(lower, [("/scopes/0".into(), "not_allowed".into())]);
    let stale = desk.director().with("if-match", desk.director().get(&one).header("etag").to_owned());
    stale.patch(&one, json!({"name": "Otra"})).ok();
    stale.patch(&one, json!({"name": "Una más"})).problem(412, "precondition_failed");
}

#[test]
fn what_somebody_answers_for_is_not_done_by_a_machine() {
    let desk = Desk::open();
    let (_, machine) = machine(
        &desk,
        Role::Professional,
        &["read_records", "write_records", "read_statistics", "write_reports"],
    );
    let owner = desk.technician().id().to_owned();
    let action = desk.director().post("/improvement-actions", improvement_action(&owner, "open")).created();
    let one = format!("/improvement-actions/{}", action["id"].as_str().unwrap());
    machine.get(&one).ok();
    let done = json!({"note": "Se cambió el equipo."});
    machine.post(&format!("{one}/completion"), done.clone()).problem(403, "forbidden");
    desk.technician().post(&format!("{one}/completion"), done).ok();
    let verified = json!({"effective": true, "note": "No volvió a fallar."});
    machine.post(&format!("{one}/verification"), verified).problem(403, "forbidden");
    let narrative = machine.patch("/reports/quarterly/2025/1/narrative", json!({"analysis": "Sin novedad."}));
    assert_eq!(narrative.ok()["author"], Value::Null);
}

#[test]
fn files_and_suggestions_need_the_scope_of_what_they_belong_to() {
    let desk = Desk::open();
    let one = desk.ticket_in("in_progress");
    let file = desk.technician().upload(&format!("{one}/attachments"), "a.txt", "uno").created();
    let file = format!("/attachments/{}", file["id"].as_str().unwrap());
    let article = json!({"title": "Red", "incident": "No hay red.", "resolution": "Reinicie el equipo.", "visibility": "internal"});
    let article = desk.technician().post("/kb/articles", article).created();
    let of_article = format!("/kb/articles/{}/attachments", article["id"].as_str().unwrap());
    let of_article = desk.technician().upload(&of_article, "b.txt", "dos").created();
    let of_article = format!("/attachments/{}", of_article["id"].as_str().unwrap());
    let (_, tickets) = machine(&desk, Role::Technician, &["read_ticket"]);
    let (_, articles) = machine(&desk, Role::Technician, &["read_articles"]);
    tickets.get(&file).ok();
    tickets.get(&of_article).problem(404, "not_found");
    tickets.get(&format!("{one}/suggestions")).problem(403, "forbidden");
    articles.get(&of_article).ok();
    articles.get(&file).problem(404, "not_found");
    let (_, both) = machine(&desk, Role::Technician, &["read_ticket", "read_articles"]);
    both.get(&format!("{one}/suggestions")).ok();
}

#[test]
fn a_limited_account_uses_the_tickets_of_its_units_and_categories_alone() {
    let desk = Desk::open();
    let director = desk.director();
    let unit = director.post("/units", json!({"name": "Archivo"})).created()["id"].clone();
    let category = director.post("/categories", json!({"name": "Archivo central"})).created()["id"].clone();
    let theirs = desk.another(Role::Requester);
    director.patch(&format!("/users/{}", theirs.id()), json!({"unit_id": unit})).ok();
    let register = |who: &Client| {
        let new = json!({"subject": "Sin zorzal", "description": "No responde.", "requester_id": who.id()});
        format!("/tickets/{}", desk.technician().post("/tickets", new).created()["id"])
    };
    let (inside, outside) = (register(&theirs), register(&desk.requester()));
    let number = |path: &str| path.rsplit('/').next().unwrap().parse::<i64>().unwrap();
    let scopes =
        ["read_ticket", "register_ticket", "relate", "classify", "follow_events", "use_private_followups"];
    let limited = |limits: Value| {
        let mut new = json!({"name": "Archivo", "role": "technician", "scopes": scopes});
        new.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
        let account = director.post("/service-accounts", new).created();
        desk.nobody().holding(new_key(&desk, &account)["key"].as_str().unwrap())
    };
    let by_unit = limited(json!({"unit_ids": [unit]}));
    by_unit.get(&inside).ok();
    for path in ["", "/followups", "/timeline", "/attachments", "/relations", "/events"] {
        by_unit.get(&format!("{outside}{path}")).problem(404, "not_found");
    }
    by_unit
        .post(&format!("{outside}/classification"), json!({"criticality": "low"}))
        .problem(404, "not_found");
    for list in ["/tickets", "/tickets?q=zorzal"] {
        let found: Vec<i64> =
            by_unit.get(list).items().iter().map(|one| one["id"].as_i64().unwrap()).collect();
        assert_eq!(found, [number(&inside)], "{list}");
    }
    assert!(by_unit.get(&format!("/tickets?q=%23{}", number(&outside))).items().is_empty());
    assert_eq!(by_unit.get("/tickets/counts?by=status").ok()["total"], 1);
    let told = by_unit.get("/events?after=start&type=co.mesa.ticket.*").items();
    let mut subjects: Vec<&str> = told.iter().map(|event| event["subject"].as_str().unwrap()).collect();
    subjects.dedup();
    assert_eq!(subjects, [format!("ticket/{}", number(&inside))]);
    // A relation to a ticket outside is neither made nor seen.
    let related = json!({"kind": "caused_by", "ticket_id": number(&outside)});
    assert_eq!(
        by_unit.post(&format!("{inside}/relations"), related.clone()).faults(),
        [("/ticket_id".into(), "not_found".into())]
    );
    let relation = desk.technician().post(&format!("{inside}/relations"), related).created();
    assert!(by_unit.get(&format!("{inside}/relations")).items().is_empty());
    let relation = format!("{inside}/relations/{}", relation["id"].as_str().unwrap());
    by_unit.get(&relation).problem(404, "not_found");
    by_unit.delete(&relation).problem(404, "not_found");
    let new =
        |who: &Client| json!({"subject": "Sin red", "description": "No hay.", "requester_id": who.id()});
    by_unit.post("/tickets", new(&theirs)).created();
    assert_eq!(
        by_unit.post("/tickets", new(&desk.requester())).faults(),
        [("/requester_id".into(), "not_allowed".into())]
    );
    // Not by a unit that it names: the ticket would show the data of anybody.
    let mut named = new(&desk.requester());
    named["requester"] = json!({"unit_id": unit});
    assert_eq!(by_unit.post("/tickets", named).faults(), [("/requester_id".into(), "not_allowed".into())]);
    // A ticket without a category is of none.
    let by_category = limited(json!({"category_ids": [category]}));
    by_category.get(&inside).problem(404, "not_found");
    let classified = json!({"criticality": "low", "category_id": category});
    desk.technician().post(&format!("{inside}/classification"), classified).ok();
    by_category.get(&inside).ok();
    by_category.get(&outside).problem(404, "not_found");
    let other = director.post("/categories", json!({"name": "Otra"})).created()["id"].clone();
    let moved = json!({"criticality": "low", "category_id": other});
    let moved = by_category.post(&format!("{inside}/classification"), moved).faults();
    assert_eq!(moved, [("/category_id".into(), "not_allowed".into())]);
    let refused = json!({"name": "x", "role": "director", "scopes": ["read_statistics"], "unit_ids": [unit]});
    assert_eq!(
        director.post("/service-accounts", refused).faults(),
        [("/scopes/0".into(), "not_allowed".into())]
    );
    let unknown = json!({"name": "x", "role": "director", "scopes": [], "unit_ids": [theirs.id()]});
    assert_eq!(
        director.post("/service-accounts", unknown).faults(),
        [("/unit_ids/0".into(), "not_found".into())]
    );
}

/// Every scope of every role by every operation of the contract: what neither the role nor the scope allows is a 403.
#[test]
fn every_scope_opens_its_operations_and_no_other() {
    let desk = Desk::open();
    let operations = crate::operations::operations(&desk);
    let document: Value = desk.nobody().get("//openapi.json").ok();
    for role in [Role::Technician, Role::Professional, Role::Director] {
        for scope in scopes::possible(role) {
            let needed = scopes::NEEDED.iter().filter(|(one, _)| *one == scope);
            let scopes: Vec<&str> =
                needed.map(|(_, needed)| *needed).chain([scope]).map(Action::as_str).collect();
            let (_, machine) = machine(&desk, role, &scopes);
            let allowed = |action: &str| scopes.contains(&action) || action == "use_own_account";
            for operation in &operations {
                let path = &document["paths"][&operation.template][operation.method.to_lowercase()];
                let Some(actions) = actions(&path["x-mesa-permission"]) else { continue };
                let mut opened = actions.iter().any(|action| allowed(action));
                if operation.id == "listTicketSuggestions" {
                    opened = opened && allowed("read_articles");
                }
                // An allowed change would change what the next one is tried on.
                if opened && operation.method != "GET" {
                    continue;
                }
                let answer = machine.with("if-match", "*").raw(
                    &operation.method,
                    &operation.path.replace("//api/v1", ""),
                    "application/json",
                    "{}",
                );
                let forbidden = answer.status == 403;
                let totals = scope == Action::ReadSurveyAnswers && role == Role::Technician;
                if !totals {
                    assert_eq!(
                        forbidden,
                        !opened,
                        "{scope:?} of {role:?}: {} {} {}",
                        operation.id,
                        answer.status,
                        answer.text()
                    );
                }
            }
        }
    }
}

/// The actions of which an operation needs one.
fn actions(permission: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match permission {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(several) => Some(several.iter().filter_map(text).collect()),
        _ => None,
    }
}
