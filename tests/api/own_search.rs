//! Requesters can search only their own tickets.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::Desk;

#[test]
fn a_requester_finds_words_and_numbers_only_of_their_own_tickets() {
    let desk = Desk::open();
    let (mine, other) = (desk.requester(), desk.another(Role::Requester));
    let one = mine.register("La impresora del archivo")["id"].clone();
    let theirs = other.register("La impresora de Recaudos")["id"].clone();
    let ids = |path: &str| -> Vec<Value> {
        mine.get(path).items().iter().map(|ticket| ticket["id"].clone()).collect()
    };
    assert_eq!(ids("/tickets?q=impresoras"), std::slice::from_ref(&one));
    assert_eq!(ids(&format!("/tickets?q={one}")), std::slice::from_ref(&one));
    assert_eq!(ids(&format!("/tickets?q=%23{one}")), std::slice::from_ref(&one));
    assert_eq!(ids(&format!("/tickets?q={theirs}")), Vec::<Value>::new());
    assert_eq!(ids("/tickets?q=Recaudos"), Vec::<Value>::new());
    assert_eq!(mine.get("/tickets?q=impresora&with_total=true").ok()["total"], 1);
    assert_eq!(ids("/tickets?q=-inexistente&status=received"), [one]);
    let csv = mine.get("/tickets/export?q=impresora").text();
    assert!(csv.contains("archivo") && !csv.contains("Recaudos"), "{csv}");
    assert_eq!(desk.technician().get("/tickets?q=impresora").items().len(), 2);
}

#[test]
fn a_requester_finds_only_published_public_articles() {
    let desk = Desk::open();
    let technician = desk.technician();
    for (title, visibility, status) in [
        ("Impresora sin papel", "public", "published"),
        ("Impresora interna", "internal", "published"),
        ("Impresora en borrador", "public", "draft"),
    ] {
        let article = json!({"title": title, "incident": "x", "resolution": "y", "visibility": visibility,
            "status": status, "no_steps": true});
        technician.post("/kb/articles", article).created();
    }
    let titles = |path: &str| -> Vec<Value> {
        desk.requester().get(path).items().iter().map(|article| article["title"].clone()).collect()
    };
    assert_eq!(titles("/kb/articles?q=impresora"), ["Impresora sin papel"]);
    assert_eq!(titles("/kb/articles"), ["Impresora sin papel"]);
    assert_eq!(titles("/kb/articles?q=impresora&sort=-updated_at"), ["Impresora sin papel"]);
    assert_eq!(desk.requester().get("/kb/articles?q=impresora&with_total=true").ok()["total"], 1);
    let one = desk.requester().register("La impresora no imprime")["id"].clone();
    assert_eq!(titles(&format!("/tickets/{one}/suggestions")), ["Impresora sin papel"]);
    assert_eq!(technician.get("/kb/articles?q=impresora").items().len(), 3);
}
