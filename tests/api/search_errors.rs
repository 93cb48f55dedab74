//! A word with a typing error finds what the word finds, if nothing has the word as it was typed.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Client, Desk};

fn found(client: &Client, list: &str, words: &str) -> Vec<Value> {
    let words: String = url::form_urlencoded::byte_serialize(words.as_bytes()).collect();
    client.get(&format!("{list}?q={words}")).items().iter().map(|item| item["id"].clone()).collect()
}

#[test]
fn a_typing_error_in_a_word_still_finds() {
    let desk = Desk::open();
    let (requester, other, technician) = (desk.requester(), desk.another(Role::Requester), desk.technician());
    let one = requester.register("Impresora de catastro/avalúos atascada")["id"].clone();
    let theirs = other.register("El alumbrado del parque")["id"].clone();
    let article = |title: &str, visibility: &str| {
        let article = json!({"title": title, "incident": "x", "resolution": "y", "visibility": visibility,
            "status": "published", "no_steps": true});
        technician.post("/kb/articles", article).created()["id"].clone()
    };
    let guide = article("Impresora de catastro/avalúos atascada", "public");
    let internal = article("Claves del conmutador", "internal");
    // A letter missing, too many, another one, exchanged; in the first letter, in a part of a token, beside a right word.
    for words in [
        "impresra",
        "imprresora",
        "impresola",
        "impresroa",
        "inpresora",
        "mpresora",
        "IMPRESÓRRA",
        "catasto",
        "abaluos",
        "atascada inpresora",
        "inpresora catasto",
    ] {
        for who in [&requester, &technician] {
            assert_eq!(found(who, "/tickets", words), std::slice::from_ref(&one), "{words}");
            assert_eq!(found(who, "/kb/articles", words), std::slice::from_ref(&guide), "{words}");
        }
    }
    let by_date = "/kb/articles?q=inpresora&sort=updated_at&with_total=true";
    assert_eq!(requester.get(by_date).ok()["total"], 1);
    assert_eq!(technician.get("/tickets?q=inpresora&with_total=true").ok()["total"], 1);
    assert!(
        requester.get("/kb/articles?q=inpresora").items()[0]["excerpt"]
            .as_str()
            .unwrap()
            .contains("<mark>Impresora")
    );

    // Not with two errors, in a short word, in a phrase or in an excluded word.
    for words in ["inpresola", "parqe -alunbrado", "\"inpresora de catastro\"", "rde", "-inpresora atascxxda"]
    {
        assert_eq!(found(&requester, "/tickets", words), Vec::<Value>::new(), "{words}");
        assert_eq!(found(&requester, "/kb/articles", words), Vec::<Value>::new(), "{words}");
    }
    // Not instead of what has the word as it was typed.
    let typed = other.register("Impresola nueva")["id"].clone();
    assert_eq!(found(&technician, "/tickets", "impresola"), std::slice::from_ref(&typed));

    // Nobody finds what they may not read.
    assert_eq!(found(&technician, "/tickets", "alunbrado"), std::slice::from_ref(&theirs));
    assert_eq!(found(&requester, "/tickets", "alunbrado"), Vec::<Value>::new());
    assert_eq!(found(&technician, "/kb/articles", "conmutadro"), std::slice::from_ref(&internal));
    assert_eq!(found(&requester, "/kb/articles", "conmutadro"), Vec::<Value>::new());
    let note = json!({"visibility": "private", "body": "Hay que revisar el transceptor."});
    technician.post(&format!("/tickets/{one}/followups"), note).created();
    assert_eq!(found(&technician, "/tickets", "transeptor"), std::slice::from_ref(&one));
    assert_eq!(found(&requester, "/tickets", "transeptor"), Vec::<Value>::new());
}

/// Also if the right word is so common that its tickets are not looked up beforehand.
#[test]
fn a_typing_error_in_a_common_word_still_finds() {
    let desk = Desk::open();
    desk.requester().register("Impresora atascada");
    desk.database.copies_of_the_first_ticket(1000);
    let technician = desk.technician();
    assert_eq!(technician.get("/tickets?q=inpresora&with_total=true").ok()["total"], 1001);
    assert_eq!(found(&technician, "/tickets", "inpresora").len(), 50);
}
