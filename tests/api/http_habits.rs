//! Conventions of all endpoints: errors, lists, versions, retries, languages.

use std::collections::HashSet;

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Client, Desk};
use crate::operations::operations;

#[test]
fn every_error_is_a_problem_the_frameworks_own_included() {
    let desk = Desk::open();
    let (nobody, technician) = (desk.nobody(), desk.technician());
    nobody.get("/no/such/thing").problem(404, "not_found");
    nobody.get("//no/such/thing").problem(404, "not_found");
    let answer = technician.raw("DELETE", "/tickets", "application/json", "");
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "GET, POST, HEAD");
    let answer = technician.raw("OPTIONS", "/tickets", "application/json", "");
    assert_eq!((answer.status, answer.header("allow")), (204, "GET, POST, HEAD"));
    let head = technician.raw("HEAD", "/tickets", "application/json", "");
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    assert_eq!(head.header("content-type"), "application/json");
    technician.raw("TRACE", "/me", "application/json", "").problem(405, "method_not_allowed");
    for path in ["//health/live", "//health/ready", "//openapi.json", "//docs/", "//metrics"] {
        let answer = nobody.post(path, json!({}));
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), "GET, HEAD", "{path}");
    }
    let answer = desk.director().patch("/attention-times/application", json!({}));
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST");
    nobody.holding("not-a-token").get("/me").problem(401, "unauthenticated");
    technician.with("idempotency-key", " ").post("/tickets", json!({})).problem(400, "bad_request");
    let answer = nobody.get("//health/ready");
    assert_eq!(answer.ok()["status"], "ready");
    assert!(nobody.get("//metrics").text().contains("mesa_http_responses_total{class=\"4xx\"}"));
    assert_eq!(nobody.get("//docs").status, 308);
    assert!(nobody.get("//docs/").text().contains("swagger-ui"));
}

#[test]
fn errors_are_in_the_language_of_the_caller() {
    let desk = Desk::open();
    let nobody = desk.nobody();
    assert_eq!(nobody.get("/me").json()["title"], "Debe iniciar sesión");
    let vary = nobody.get("/me").headers.get_all("vary").iter().any(|value| value == "Accept-Language");
    assert!(vary, "a cache would return an answer in another caller's language");
    let english = nobody.with("accept-language", "fr, en-GB;q=0.8, es;q=0.5").get("/me");
    assert_eq!(
        (english.json()["title"].as_str(), english.header("content-language")),
        (Some("Authentication required"), "en")
    );
    assert_eq!(nobody.with("accept-language", "en;q=0, es").get("/me").header("content-language"), "es");
    assert_eq!(nobody.with("accept-language", "en;q=0").get("/me").header("content-language"), "es");
    let technician = desk.technician();
    technician.patch("/me", json!({"locale": "en"})).ok();
    let login = json!({"email": technician.email(), "password": crate::harness::PASSWORD});
    let token = nobody.post("/auth/login", login).ok()["access_token"].as_str().unwrap().to_owned();
    let answer = nobody.holding(&token).get("/tickets/1");
    assert_eq!(answer.json()["title"], "Not found");
    assert_eq!(
        nobody.holding(&token).with("accept-language", "es-CO").get("/tickets/1").json()["title"],
        "No existe"
    );
}

#[test]
fn an_internal_error_shows_the_request_id_and_no_details() {
    let desk = Desk::open();
    assert!(!desk.nobody().get("/me").header("x-request-id").is_empty());
    assert_eq!(desk.nobody().with("x-request-id", "abc-1").get("/me").header("x-request-id"), "abc-1");
    let technician = desk.technician();
    desk.database.run("ALTER TABLE categories RENAME TO elsewhere");
    let answer = technician.with("x-request-id", "abc-2").get("/categories");
    let problem = answer.problem(500, "internal");
    assert_eq!(problem["request_id"], "abc-2");
    assert!(!answer.text().contains("elsewhere") && !answer.text().contains("relation"));
}

#[test]
fn etags_give_304_for_reads_and_412_for_stale_changes() {
    let desk = Desk::open();
    let technician = desk.technician();
    let one = desk.ticket_in("received");
    let etag = technician.get(&one).header("etag").to_owned();
    let same = technician.with("if-none-match", &*etag).get(&one);
    assert_eq!((same.status, same.bytes.len(), same.header("etag")), (304, 0, &*etag));
    let step = technician
        .with("if-match", &*etag)
        .post(&format!("{one}/classification"), json!({"criticality": "low"}));
    step.ok();
    assert_ne!(step.header("etag"), etag);
    assert_eq!(technician.get(&one).header("etag"), step.header("etag"));
    let stale = technician.with("if-match", &*etag);
    stale.post(&format!("{one}/assignment"), json!({})).problem(412, "precondition_failed");
    stale
        .post(&format!("{one}/followups"), json!({"visibility": "private", "body": "x"}))
        .problem(412, "precondition_failed");
    technician.with("if-match", step.header("etag")).post(&format!("{one}/assignment"), json!({})).ok();
    assert_eq!(technician.with("if-none-match", &*etag).get(&one).status, 200);
    // `If-None-Match` is for reads only: a change returns the new state.
    let changed = technician
        .with("if-none-match", "*")
        .post(&format!("{one}/classification"), json!({"criticality": "high"}));
    assert_eq!(changed.ok()["criticality"], "high");

    // Every resource has an ETag, and every PATCH checks `If-Match`.
    let director = desk.director();
    let unit = director.post("/units", json!({"name": "Secretaría de Salud"})).created()["id"].clone();
    let category = director.post("/categories", json!({"name": "Correo"})).created()["id"].clone();
    let calendar = json!({"name": "Noches", "opening_hours": "22:00-06:00"});
    let calendar = director.post("/calendars", calendar).created()["id"].clone();
    let article = json!({"title": "Título", "incident": "Incidente", "resolution": "Solución"});
    let article = director.post("/kb/articles", article).created()["id"].clone();
    let question = director.get("/survey-questions").items()[0]["id"].clone();
    let text = |id: &Value| id.as_str().unwrap().to_owned();
    for (path, change) in [
        (format!("/units/{}", text(&unit)), json!({"name": "Salud"})),
        (format!("/categories/{}", text(&category)), json!({"name": "Correos"})),
        (format!("/calendars/{}", text(&calendar)), json!({"opening_hours": "21:00-05:00"})),
        (format!("/kb/articles/{}", text(&article)), json!({"title": "Otro"})),
        (format!("/users/{}", technician.id()), json!({"full_name": "Otro Nombre"})),
        (format!("/survey-questions/{}", text(&question)), json!({"position": 11})),
        ("/me".to_owned(), json!({"contact": {"mobile": "3009998877"}})),
    ] {
        let etag = director.get(&path).header("etag").to_owned();
        assert!(!etag.is_empty(), "{path} has no ETag");
        let changed = director.with("if-match", &*etag).patch(&path, change.clone());
        assert_eq!(changed.status, 200, "{path}: {}", changed.text());
        assert_ne!(changed.header("etag"), etag);
        director.with("if-match", &*etag).patch(&path, change).problem(412, "precondition_failed");
    }
}

#[test]
fn an_etag_covers_the_whole_answer_and_if_match_only_the_version() {
    let desk = Desk::open();
    let director = desk.director();
    let category = director.post("/categories", json!({"name": "Correo"})).created()["id"].clone();
    let body = json!({"subject": "Sin correo", "description": "No llega.", "category_id": category});
    let one = format!("/tickets/{}", desk.requester().post("/tickets", body).created()["id"]);
    let etag = director.get(&one).header("etag").to_owned();
    let path = format!("/categories/{}", category.as_str().unwrap());
    director.patch(&path, json!({"name": "Correo electrónico"})).ok();
    let again = director.with("if-none-match", &*etag).get(&one);
    assert_eq!((again.status, &again.json()["category"]["name"]), (200, &json!("Correo electrónico")));
    // The version of the ticket has not changed.
    director
        .with("if-match", &*etag)
        .post(&format!("{one}/classification"), json!({"criticality": "low"}))
        .ok();
}

#[test]
fn a_patch_changes_the_given_fields_and_null_clears() {
    let desk = Desk::open();
    let director = desk.director();
    let path = format!("/users/{}", desk.requester().id());
    let before = director.get(&path).ok();
    let after = director.patch(&path, json!({"contact": {"extension": null, "landline": "6043737676"}})).ok();
    assert_eq!(
        after["contact"],
        json!({"landline": "6043737676", "extension": null, "mobile": before["contact"]["mobile"]})
    );
    assert_eq!(after["full_name"], before["full_name"]);
    assert_eq!(director.patch(&path, json!({"document_id": null})).ok()["document_id"], Value::Null);
    assert_eq!(
        director.patch(&path, json!({"full_name": null})).faults(),
        [("/full_name".into(), "required".into())]
    );
    assert_eq!(director.patch(&path, json!({})).ok()["contact"], after["contact"]);
}

#[test]
fn a_patch_without_effect_creates_no_new_version() {
    let desk = Desk::open();
    let director = desk.director();
    let mut looked_at = 0;
    for operation in operations(&desk) {
        let path = match operation.method.as_str() {
            "PATCH" if operation.id == "updateTicket" => {
                format!("/tickets/{}", desk.requester().register("Sin red")["id"])
            }
            "PATCH" => operation.path,
            _ => continue,
        };
        let (first, second) = (director.patch(&path, json!({})), director.patch(&path, json!({})));
        assert_eq!((first.status, second.status), (200, 200), "{path}: {}", second.text());
        assert_eq!(first.header("etag"), second.header("etag"), "{path}");
        looked_at += 1;
    }
    assert_eq!(looked_at, 20);

    // The same time in another time zone is not a change.
    let absence =
        json!({"kind": "course", "starts_at": "2031-01-07T13:00:00Z", "ends_at": "2031-01-08T13:00:00Z"});
    let made = director.post(&format!("/users/{}/absences", desk.technician().id()), absence);
    let path = format!("/absences/{}", made.created()["id"].as_str().unwrap());
    let moved = |to: &str| director.patch(&path, json!({"starts_at": to})).version().to_owned();
    assert_eq!(moved("2031-01-07T08:00:00-05:00"), made.version());
    assert_ne!(moved("2031-01-07T09:00:00-05:00"), made.version());
}

#[test]
fn the_error_for_an_unknown_filter_or_order_lists_the_valid_ones() {
    let desk = Desk::open();
    let english = desk.director().with("accept-language", "en");
    let detail = |path: &str| {
        let problem = english.get(path).problem(400, "invalid_query");
        problem["errors"][0]["detail"].as_str().unwrap().to_owned()
    };
    let filters = "active, cursor, limit, q, sort, with_total";
    assert_eq!(detail("/categories?color=red"), format!("There is no such parameter; there are: {filters}."));
    assert_eq!(detail("/categories?sort=color"), "It must be one of: name, -name.");
}

#[test]
fn a_retry_with_the_same_key_gets_the_first_answer() {
    let desk = Desk::open();
    let requester = desk.requester().with("idempotency-key", "k-1");
    let body = json!({"subject": "Sin red", "description": "No hay red."});
    let first = requester.post("/tickets", body.clone());
    let again = requester.post("/tickets", body.clone());
    assert_eq!(first.created(), again.created());
    assert_eq!(
        (first.header("location"), first.header("etag")),
        (again.header("location"), again.header("etag"))
    );
    let other = json!({"subject": "Otra cosa", "description": "No hay red."});
    requester.post("/tickets", other).problem(422, "idempotency_key_reused");
    let one = format!("/tickets/{}", first.json()["id"]);
    requester.post(&format!("{one}/closure"), json!({})).problem(422, "idempotency_key_reused");
    // The same content with another file name is a different request.
    let attachments = format!("/tickets/{}/attachments", first.json()["id"]);
    let uploading = desk.requester().with("idempotency-key", "k-3");
    let uploading = |name: &str| uploading.upload(&attachments, name, "hola");
    assert_eq!(uploading("uno.txt").created(), uploading("uno.txt").created());
    uploading("dos.txt").problem(422, "idempotency_key_reused");
    // The first answer is returned even if the ticket was archived meanwhile.
    let over = desk.ticket_in("received");
    let attachments = format!("{over}/attachments");
    let uploading = desk.requester().with("idempotency-key", "k-4");
    let file = uploading.upload(&attachments, "uno.txt", "hola").created();
    desk.technician().post(&format!("{over}/archive"), json!({"reason": "withdrawn"})).ok();
    assert_eq!(uploading.upload(&attachments, "uno.txt", "hola").created(), file);
    desk.requester().upload(&attachments, "uno.txt", "hola").problem(409, "step_not_allowed");
    // Keys of different users are independent.
    desk.another(Role::Requester).with("idempotency-key", "k-1").post("/tickets", body.clone()).created();
    // A failed request can be repeated with the same key.
    let technician = desk.technician().with("idempotency-key", "k-2");
    technician.post(&format!("{one}/assignment"), json!({})).problem(409, "step_not_allowed");
    desk.technician().post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
    technician.post(&format!("{one}/assignment"), json!({})).ok();
    assert_eq!(technician.post(&format!("{one}/assignment"), json!({})).ok()["status"], "assigned");
    // A missing body is the same as an empty one; an unreadable body is still an error.
    let assign =
        |kind: &str, body: &str| technician.raw("POST", &format!("{one}/assignment"), kind, body.to_owned());
    assert_eq!(assign("application/json", "").ok()["status"], "assigned");
    assign("text/plain", "x").problem(415, "unsupported_media_type");
    assign("application/json", &"x".repeat(1024 * 1024 + 1)).problem(413, "too_large");
    // After a day the key can be used again.
    desk.database.run("UPDATE idempotency_keys SET created_at = created_at - interval '25 hours'");
    assert_ne!(requester.post("/tickets", body).created()["id"], first.json()["id"]);
}

/// Every page of a list, two at a time, by cursor.
fn walk(client: &Client, path: &str) -> Vec<Value> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let mut items = Vec::new();
    let mut next = format!("{path}{separator}limit=2");
    loop {
        let page = client.get(&next);
        items.extend(page.items());
        let Some(cursor) = page.ok()["next_cursor"].as_str().map(str::to_owned) else {
            assert_eq!(page.header("link"), "");
            return items;
        };
        let link = page.header("link");
        next = link.strip_prefix("</api/v1").unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        assert!(next.contains(&cursor));
    }
}

#[test]
fn pages_contain_every_item_once_in_every_order() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    for state in ["received", "classified", "assigned", "solved", "archived", "received", "classified"] {
        desk.ticket_in(state);
    }
    // Items with equal sort keys are ordered by id.
    desk.database
        .run("UPDATE tickets SET received_at = '2026-01-01', updated_at = '2026-01-02' WHERE id > 2");
    for number in 0..5 {
        let article = json!({"title": format!("Impresora {number}"), "incident": "No imprime la impresora.", "resolution": "Se reinició."});
        technician.post("/kb/articles", article).created();
        director.post("/units", json!({"name": format!("Unidad {number}")})).created();
    }
    let one = desk.ticket_in("in_progress");
    for number in 0..5 {
        technician
            .post(
                &format!("{one}/followups"),
                json!({"visibility": "public", "body": format!("Nota {number}")}),
            )
            .created();
    }
    let events = format!("{one}/events");
    let followups = format!("{one}/followups");
    let lists = [
        "/tickets",
        "/tickets?sort=received_at",
        "/tickets?sort=-updated_at",
        "/tickets?sort=updated_at",
        "/tickets?sort=attention_due_at",
        "/tickets?sort=-attention_due_at",
        "/tickets?sort=queue",
        "/tickets?status=received&status=classified",
        "/kb/articles",
        "/kb/articles?q=impresora",
        "/kb/articles?sort=updated_at",
        "/users",
        "/users?sort=-name",
        "/units",
        "/units?sort=-name",
        "/categories",
        "/surveys",
        "/surveys?sort=created_at",
        &*events,
        &*followups,
    ];
    for list in lists {
        let separator = if list.contains('?') { '&' } else { '?' };
        let whole = director.get(&format!("{list}{separator}limit=200&with_total=true"));
        let items = whole.items();
        assert_eq!(whole.ok()["total"], items.len(), "{list}");
        assert_eq!(whole.ok()["next_cursor"], Value::Null);
        assert_eq!(walk(&director, list), items, "{list}");
        let ids: HashSet<String> = items.iter().map(|item| item["id"].to_string()).collect();
        assert_eq!(ids.len(), items.len(), "{list}");
    }
}

#[test]
fn lists_can_be_filtered() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let received = requester
        .post("/tickets", json!({"subject": "Sin conexión a internet", "description": "Nada abre."}))
        .created();
    let assigned = desk.ticket_in("assigned");
    let other = desk.another(Role::Requester);
    other.register("Teclado dañado");
    let ids = |client: &Client, query: &str| -> Vec<String> {
        let mut ids: Vec<String> =
            client.get(&format!("/tickets?{query}")).items().iter().map(|t| t["id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&technician, ""), ["1", "2", "3"]);
    assert_eq!(ids(&requester, ""), ["1", "2"]);
    assert_eq!(ids(&other, ""), ["3"]);
    assert_eq!(ids(&technician, "status=assigned&status=solved"), ["2"]);
    assert_eq!(ids(&technician, "criticality=medium"), ["2"]);
    assert_eq!(ids(&technician, "assignee_id=me"), ["2"]);
    assert_eq!(ids(&technician, "assignee_id=none"), ["1", "3"]);
    assert_eq!(
        ids(&technician, &format!("assignee_id=none&assignee_id={}", technician.id())),
        ["1", "2", "3"]
    );
    assert_eq!(ids(&technician, &format!("requester_id={}", other.id())), ["3"]);
    assert_eq!(ids(&technician, "q=conexiones"), ["1"]);
    assert_eq!(ids(&technician, "q=CONEXION%20internet"), ["1"]);
    assert_eq!(ids(&technician, "q=%232"), ["2"]);
    assert_eq!(ids(&other, "q=conexiones"), Vec::<String>::new());
    assert_eq!(ids(&technician, "support_level=2"), Vec::<String>::new());
    assert_eq!(ids(&technician, "channel=email"), Vec::<String>::new());
    assert_eq!(ids(&technician, &format!("unit_id={}", desk.unit_id())), ["1", "2", "3"]);
    let at = received["received_at"].as_str().unwrap();
    assert_eq!(ids(&technician, &format!("received_before={at}")), Vec::<String>::new());
    assert_eq!(ids(&technician, &format!("received_from={at}")), ["1", "2", "3"]);
    assert_eq!(assigned, "/tickets/2");
}

#[test]
fn answers_are_not_cached_and_https_sets_hsts() {
    let plain = Desk::open();
    let answer = plain.technician().get("/me");
    assert_eq!(
        (answer.header("cache-control"), answer.header("strict-transport-security")),
        ("no-store", "")
    );
    let encrypted = Desk::configured(&[("MESA_PUBLIC_URL", "https://mesa.example")]);
    for path in ["/me", "//docs/", "//openapi.json", "/nothing"] {
        let answer = encrypted.technician().get(path);
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000", "{path}");
    }
}
