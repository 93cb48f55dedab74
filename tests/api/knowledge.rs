//! The knowledge base and its search.

use diesel::RunQueryDsl;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Client, Desk};

fn write(client: &Client, title: &str, incident: &str, resolution: &str) -> String {
    let article = json!({
        "title": title, "incident": incident, "resolution": resolution, "visibility": "public", "status": "published",
        "steps": ["Apagar el equipo", "Esperar un minuto"],
        "references": [{"title": "Manual", "url": "https://example.com/manual"}],
    });
    client.post("/kb/articles", article).created()["id"].as_str().unwrap().to_owned()
}

fn search(client: &Client, words: &str) -> Vec<Value> {
    let words: String = url::form_urlencoded::byte_serialize(words.as_bytes()).collect();
    client.get(&format!("/kb/articles?q={words}")).items()
}

#[test]
fn a_search_ignores_accents_inflection_and_case_and_ranks() {
    let desk = Desk::open();
    let (technician, requester) = (desk.technician(), desk.requester());
    let printer = write(
        &technician,
        "Impresora sin conexión",
        "La impresora no imprime.",
        "Se reinició la cola de impresión.",
    );
    let network = write(
        &technician,
        "Red caída en el piso tres",
        "No hay conexión.",
        "Se cambió el cable; la impresora quedó lista.",
    );
    let ids = |words: &str| -> Vec<String> {
        search(&requester, words).iter().map(|found| found["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        ids("impresoras"),
        [printer.as_str(), network.as_str()],
        "a title weighs more than a resolution"
    );
    for words in ["CONEXION", "conexiones", "conexión"] {
        assert_eq!(ids(words).len(), 2, "{words}");
    }
    assert_eq!(ids("\"cola de impresión\""), [printer.as_str()]);
    assert_eq!(ids("impresora -cable"), [printer.as_str()]);
    assert_eq!(ids("minutos"), ids("esperar"), "steps are searched as well");
    assert!(ids("teléfono").is_empty());
    assert_eq!(ids("de la y").len(), 0, "stop words find nothing");
    let found = &search(&requester, "imprimir")[0];
    assert!(found["excerpt"].as_str().unwrap().contains("<mark>imprime</mark>"), "{found}");
    assert!(found["rank"].as_f64().unwrap() > 0.0);
    assert!(ids("impresora").contains(&network));
}

#[test]
fn a_search_can_be_filtered_and_paged() {
    let desk = Desk::open();
    let technician = desk.technician();
    let all: Vec<String> = (1..=5)
        .map(|n| write(&technician, &format!("Impresora {n}"), &"impresora ".repeat(n), "Se cambió."))
        .collect();
    technician.patch(&format!("/kb/articles/{}", all[0]), json!({"status": "retired"})).ok();
    let found = |filter: &str| technician.get(&format!("/kb/articles?q=impresora{filter}")).items().len();
    assert_eq!(found(""), 5);
    assert_eq!((found("&status=retired"), found("&status=published&status=draft")), (1, 4));
    assert_eq!((found("&visibility=public"), found("&visibility=internal")), (5, 0));
    assert_eq!(found(&format!("&category_id={}", Uuid::nil())), 0);
    assert_eq!(found("&ticket_id=1"), 0);
    assert_eq!(
        (found("&published_from=2999-01-01T00:00:00Z"), found("&published_before=2999-01-01T00:00:00Z")),
        (0, 5)
    );
    assert_eq!(found("&published_before=2000-01-01T00:00:00Z"), 0);

    let (mut seen, mut next) = (Vec::new(), "/kb/articles?q=impresora&limit=2".to_owned());
    loop {
        let page = technician.get(&next).ok();
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("/kb/articles?q=impresora&limit=2&cursor={cursor}");
    }
    assert_eq!(seen, all.into_iter().rev().collect::<Vec<_>>(), "the best match comes first");
}

/// A common word does not rank all articles, and a client that follows the cursors still reads each of them once.
#[test]
fn more_matches_than_are_ranked_are_all_listed() {
    let desk = Desk::open();
    let technician = desk.technician();
    write(&technician, "Impresora", "No imprime.", "Se cambió.");
    desk.database.run(
        "INSERT INTO articles (id, title, incident, resolution, steps, visibility, status, author_id, published_at, created_at, \
             updated_at) \
         SELECT gen_random_uuid(), title, incident, repeat('impresora ', n % 7) || '.', steps, visibility, status, author_id, \
             published_at, created_at, updated_at FROM articles, generate_series(1, 1150) AS n",
    );
    let (mut seen, mut next) = (Vec::new(), "/kb/articles?q=impresora&limit=100&with_total=true".to_owned());
    loop {
        let page = technician.get(&next).ok();
        assert_eq!(page["total"], 1151);
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| (item["rank"].as_f64().unwrap(), item["id"].as_str().unwrap().to_owned())),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("/kb/articles?q=impresora&limit=100&with_total=true&cursor={cursor}");
    }
    assert_eq!(seen.len(), 1151);
    assert!(seen.is_sorted_by(|one, next| one > next), "in the order of the rank, without repetition");
    assert_eq!(seen.iter().filter(|(rank, _)| *rank > 0.0).count(), 1000);
}

#[test]
fn an_excerpt_is_safe_to_show() {
    let desk = Desk::open();
    write(
        &desk.technician(),
        "Página <script>alert('x')</script>",
        "La página & el navegador fallan.",
        "Se borró la caché.",
    );
    let excerpt = search(&desk.requester(), "página")[0]["excerpt"].as_str().unwrap().to_owned();
    assert!(!excerpt.contains("<script") && excerpt.contains("<mark>"), "{excerpt}");
}

#[test]
fn a_requester_finds_published_public_articles_only() {
    let desk = Desk::open();
    let (technician, requester) = (desk.technician(), desk.requester());
    let one = format!("/kb/articles/{}", write(&technician, "Impresora", "No imprime.", "Se reinició."));
    assert_eq!(search(&requester, "impresora").len(), 1);
    for change in [
        json!({"visibility": "internal"}),
        json!({"visibility": "public", "status": "retired"}),
        json!({"status": "draft"}),
    ] {
        technician.patch(&one, change).ok();
        assert_eq!(search(&requester, "impresora").len(), 0);
        assert_eq!(requester.get("/kb/articles?with_total=true").ok()["total"], 0);
        requester.get(&one).problem(404, "not_found");
        assert_eq!(technician.get("/kb/articles").items().len(), 1);
    }
    for query in ["status=draft", "visibility=internal", "ticket_id=1"] {
        requester.get(&format!("/kb/articles?{query}")).problem(400, "invalid_query");
    }
    requester.get(&format!("{one}/revisions")).problem(403, "forbidden");
}

#[test]
fn every_change_creates_a_revision() {
    let desk = Desk::open();
    let (technician, professional) = (desk.technician(), desk.professional());
    let one = format!("/kb/articles/{}", write(&technician, "Impresora", "No imprime.", "Se reinició."));
    let changed = professional
        .patch(&one, json!({"resolution": "Se cambió el rodillo.", "steps": null, "no_steps": true}))
        .ok();
    assert_eq!((&changed["revision"], &changed["steps"]), (&json!(2), &json!([])));
    let revisions = technician.get(&format!("{one}/revisions")).items();
    assert_eq!(revisions.len(), 2);
    assert_eq!(revisions[0]["content"]["resolution"], "Se reinició.");
    assert_eq!(
        (&revisions[1]["revision"], &revisions[1]["changed_by"]["id"]),
        (&json!(2), &json!(professional.id()))
    );
    assert_eq!(technician.get(&format!("{one}/revisions/1")).ok(), revisions[0]);
    technician.get(&format!("{one}/revisions/3")).problem(404, "not_found");
}

#[test]
fn only_staff_see_the_ticket_an_article_came_from() {
    let desk = Desk::open();
    desk.ticket_in("solved");
    let content = json!({
        "title": "Impresora", "incident": "No imprime.", "resolution": "Se reinició.", "visibility": "public",
        "status": "published", "ticket_id": 1, "no_steps": true,
    });
    let article = desk.technician().post("/kb/articles", content).created();
    assert_eq!(article["ticket_id"], 1);
    let path = format!("/kb/articles/{}", article["id"].as_str().unwrap());
    assert_eq!(desk.requester().get(&path).ok().get("ticket_id"), None);
    assert_eq!(desk.technician().get("/kb/articles?ticket_id=1").items().len(), 1);
}

#[test]
fn suggestions_are_the_most_similar_articles() {
    let desk = Desk::open();
    let technician = desk.technician();
    let printer = write(
        &technician,
        "Impresora atascada",
        "La impresora muestra un atasco de papel.",
        "Se limpió el rodillo.",
    );
    write(&technician, "Correo lleno", "No llegan mensajes.", "Se amplió el buzón.");
    let body = json!({"subject": "La impresora del despacho no imprime", "description": "Muestra atasco y no hay papel dentro."});
    let one = desk.requester().post("/tickets", body).created()["id"].clone();
    let offered = |client: &Client| -> Vec<Value> {
        let items = client.get(&format!("/tickets/{one}/suggestions")).items();
        items.iter().map(|item| item["id"].clone()).collect()
    };
    assert_eq!(offered(&technician), [json!(printer)]);
    assert_eq!(offered(&desk.requester()), [json!(printer)]);
    technician.patch(&format!("/kb/articles/{printer}"), json!({"visibility": "internal"})).ok();
    assert_eq!(offered(&technician).len(), 1);
    assert_eq!(offered(&desk.requester()).len(), 0);
}

#[test]
fn the_steps_of_an_article_are_limited() {
    let desk = Desk::open();
    let technician = desk.technician();
    let article = |steps: Vec<String>| {
        let body = json!({"title": "x", "incident": "x", "resolution": "x", "steps": steps});
        technician.post("/kb/articles", body)
    };
    assert_eq!(article(vec![String::new()]).faults(), [("/steps/0".into(), "too_short".into())]);
    assert_eq!(article(vec!["x".repeat(501)]).faults(), [("/steps/0".into(), "too_long".into())]);
    // As many different words as the limits allow.
    let mut number = 0;
    let mut words = |length: usize| {
        let mut text = String::new();
        while text.len() + 7 <= length {
            number += 1;
            text.push_str(&format!("{number:x} "));
        }
        format!("{text}.")
    };
    let steps: Vec<String> = (0..100).map(|_| words(500)).collect();
    let body = json!({"title": "x", "incident": words(19_000), "resolution": words(19_000), "steps": steps});
    let made = technician.post("/kb/articles", body).created();
    let id = made["id"].as_str().unwrap();
    let past = format!("UPDATE articles SET steps = jsonb_build_array(repeat('x', 501)) WHERE id = '{id}'");
    assert!(diesel::sql_query(past).execute(&mut desk.database.connect()).is_err());
}

#[test]
fn an_article_is_published_with_its_steps_or_the_mark_that_none_apply() {
    let desk = Desk::open();
    let technician = desk.technician();
    let article = |more: Value| {
        let mut body = json!({"title": "Impresora", "incident": "No imprime.", "resolution": "Se reinició."});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        technician.post("/kb/articles", body)
    };
    let required = [("/steps".to_owned(), "required".to_owned())];
    assert_eq!(article(json!({"status": "published"})).faults(), required);
    assert_eq!(article(json!({"status": "published", "steps": []})).faults(), required);
    let both = article(json!({"no_steps": true, "steps": ["Reiniciarla"]}));
    assert_eq!(both.faults(), [("/no_steps".into(), "not_allowed".into())]);
    assert_eq!(article(json!({"status": "published", "no_steps": true})).created()["no_steps"], true);
    let draft = article(json!({})).created();
    assert_eq!((&draft["status"], &draft["no_steps"]), (&json!("draft"), &json!(false)));
    let one = format!("/kb/articles/{}", draft["id"].as_str().unwrap());
    assert_eq!(technician.patch(&one, json!({"status": "published"})).faults(), required);
    technician.patch(&one, json!({"status": "published", "steps": ["Reiniciarla"]})).ok();
    assert_eq!(technician.patch(&one, json!({"steps": []})).faults(), required);
    technician.patch(&one, json!({"steps": [], "no_steps": true})).ok();
    let revision = technician.get(&format!("{one}/revisions/3")).ok();
    assert_eq!(revision["content"]["no_steps"], true);
    let unmarked = "UPDATE articles SET no_steps = false";
    assert!(diesel::sql_query(unmarked).execute(&mut desk.database.connect()).is_err());

    // An article that the previous version published without steps can be changed and stays published.
    desk.database.run("UPDATE articles SET no_steps = NULL");
    let changed = technician.patch(&one, json!({"title": "Impresora de red"})).ok();
    assert_eq!((&changed["status"], &changed["no_steps"]), (&json!("published"), &json!(false)));
}

#[test]
fn the_sources_of_an_article_are_fields_and_are_searched() {
    let desk = Desk::open();
    let technician = desk.technician();
    let body = json!({
        "title": "Impresora", "incident": "No imprime.", "resolution": "Se reinició.", "steps": ["Reiniciarla"],
        "bibliography": ["Norma técnica de cableado, capítulo 3"], "visibility": "public", "status": "published",
        "references": [{"title": "Fotocopiadoras del proveedor", "url": "https://example.com/manual"}],
    });
    let article = technician.post("/kb/articles", body.clone()).created();
    assert_eq!(
        (&article["bibliography"], &article["references"]),
        (&body["bibliography"], &body["references"])
    );
    let one = format!("/kb/articles/{}", article["id"].as_str().unwrap());
    for words in ["cableados", "fotocopiadora"] {
        let found = search(&desk.requester(), words);
        assert_eq!(found.len(), 1, "{words}");
        assert!(found[0]["excerpt"].as_str().unwrap().contains("<mark>"), "{found:?}");
    }
    let content = technician.get(&format!("{one}/revisions/1")).ok()["content"].clone();
    assert_eq!(content["bibliography"], body["bibliography"]);
    technician.patch(&one, json!({"bibliography": null})).ok();
    assert_eq!(search(&desk.requester(), "cableado").len(), 0);
    let mut wrong = body;
    wrong["bibliography"] = json!(["x".repeat(501)]);
    wrong["references"] = json!([{"title": "x", "url": "ftp://example.com"}]);
    let mut named: Vec<String> =
        technician.post("/kb/articles", wrong).faults().into_iter().map(|(p, _)| p).collect();
    named.sort();
    assert_eq!(named, ["/bibliography/0", "/references/0/url"]);
}
