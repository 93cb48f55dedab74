//! Tickets are found by words of the followups that the reader may read, and by no others.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Client, Desk};

fn ids(client: &Client, query: &str) -> Vec<Value> {
    client.get(&format!("/tickets?q={query}")).items().iter().map(|ticket| ticket["id"].clone()).collect()
}

fn note(client: &Client, ticket: &Value, visibility: &str, body: &str) -> Value {
    let followup = json!({"visibility": visibility, "body": body});
    client.post(&format!("/tickets/{ticket}/followups"), followup).created()
}

#[test]
fn a_word_of_a_followup_finds_its_ticket_for_those_who_may_read_it() {
    let desk = Desk::open();
    let (mine, other, staff) = (desk.requester(), desk.another(Role::Requester), desk.technician());
    let one = mine.register("No hay red")["id"].clone();
    let theirs = other.register("No hay red")["id"].clone();
    note(&staff, &one, "public", "Se pidió el conmutador/SW-2026-14 al proveedor.");
    note(&staff, &one, "private", "Sospecho de sabotaje; ver bitácora.log");
    note(&mine, &one, "public", "Quedo pendiente.");
    note(&staff, &theirs, "public", "Se cambió el conmutador.");

    for words in
        ["conmutadores", "conmu", "SW-2026-14", "2026-14", "%22al+proveedor%22", "conmutador+proveedor"]
    {
        assert_eq!(ids(&mine, words), std::slice::from_ref(&one), "{words}");
    }
    assert_eq!(ids(&mine, "pendiente"), std::slice::from_ref(&one));
    assert_eq!(ids(&staff, "conmutador"), [theirs.clone(), one.clone()]);
    assert_eq!(ids(&other, "conmutador"), std::slice::from_ref(&theirs));
    assert_eq!(staff.get("/tickets?q=conmutador&with_total=true").ok()["total"], 2);

    // Private words leave no trace.
    for words in [
        "sabotaje",
        "sabo",
        "bitácora",
        "bit%C3%A1cora.log",
        "inexistente+or+sabotaje",
        "%22sospecho+de+sabotaje%22",
    ] {
        assert_eq!(ids(&mine, words), Vec::<Value>::new(), "{words}");
        assert_eq!(ids(&other, words), Vec::<Value>::new(), "{words}");
    }
    assert_eq!(mine.get("/tickets?q=sabotaje&with_total=true").ok()["total"], 0);
    assert!(!mine.get("/tickets/export?q=sabotaje").text().contains("No hay red"));
    for words in ["sabotaje", "bitácora", "bit%C3%A1cora.log"] {
        assert_eq!(ids(&staff, words), std::slice::from_ref(&one), "{words}");
    }
    assert_eq!(ids(&staff, "sabotaje&status=closed"), Vec::<Value>::new());
}

#[test]
fn a_private_followup_is_found_by_the_requester_once_it_is_published() {
    let desk = Desk::open();
    let (mine, staff) = (desk.requester(), desk.technician());
    let one = mine.register("No hay red")["id"].clone();
    let private = note(&staff, &one, "private", "Falló el transceptor.");
    assert_eq!(ids(&mine, "transceptor"), Vec::<Value>::new());
    let path = format!("/tickets/{one}/followups/{}/publication", private["id"].as_str().unwrap());
    staff.post(&path, json!({})).created();
    assert_eq!(ids(&mine, "transceptor"), std::slice::from_ref(&one));
}

/// Of more tickets than are looked up beforehand, those that only a followup matches are found as well.
#[test]
fn words_of_followups_find_beside_common_words() {
    let desk = Desk::open();
    let (mine, staff) = (desk.requester(), desk.technician());
    mine.register("Impresora atascada");
    desk.database.copies_of_the_first_ticket(1000);
    let one = mine.register("No hay red")["id"].clone();
    assert_eq!(ids(&staff, "impresora").len(), 50);
    note(&staff, &one, "private", "Se desconectó la impresora.");
    assert_eq!(ids(&staff, "impresora")[0], one);
    assert_eq!(staff.get("/tickets?q=impresora&with_total=true").ok()["total"], 1002);
    assert_eq!(mine.get("/tickets?q=impresora&with_total=true").ok()["total"], 1001);
}
