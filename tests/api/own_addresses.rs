//! No account can have the address of Mesa's own mailbox.

use mesa::auth::policy::Role;
use mesa::people::accounts::NewAccount;
use serde_json::json;

use crate::harness::{Desk, contract};
use crate::inbound::{ALIGNED, MAIL, became, message};

const OWN: [&str; 4] = ["soporte@mesa.test", "Soporte@MESA.test", "soporte+1@mesa.test", "buzon+x@mesa.test"];

fn desk() -> Desk {
    let mailbox = ("MESA_IMAP_URL", "imap://buzon%40mesa.test:x@127.0.0.1:1");
    Desk::configured(&[MAIL, &[mailbox]].concat())
}

#[test]
fn no_account_can_have_the_address_of_the_own_mailbox() {
    let desk = desk();
    let director = desk.director();
    let (person, accounts) =
        (desk.another(Role::Technician), desk.database.count("SELECT count(*) FROM users"));
    let account = format!("/users/{}", person.id());
    let fault = [("/email".to_owned(), "not_allowed".to_owned())];
    for own in OWN {
        let new = json!({"email": own, "role": "requester", "full_name": "Ana"});
        assert_eq!(director.post("/users", new).faults(), fault, "{own}");
        assert_eq!(director.patch(&account, json!({"email": own})).faults(), fault, "{own}");
        let by_command =
            NewAccount::check(contract::shared().schemas(), own, Role::Director, "Ana", "una-clave-larga")
                .unwrap();
        let refused = by_command.open(&mut desk.database.connect(), &desk.shared().config).unwrap_err();
        assert!(refused.to_string().contains("the desk's own mailbox"), "{refused}");
    }
    // All errors are returned at once.
    let new = json!({"email": OWN[0], "password": "1234567890", "role": "requester", "full_name": "Ana"});
    assert_eq!(director.post("/users", new).faults().len(), 2);
    assert_eq!(desk.database.count("SELECT count(*) FROM users"), accounts);
    let other = json!({"email": "soporte2@mesa.test", "role": "requester", "full_name": "Ana"});
    director.post("/users", other).created();

    // An account that already had the address before it was configured can still be changed otherwise.
    desk.database
        .run(&format!("UPDATE users SET email = 'soporte+viejo@mesa.test' WHERE id = '{}'", person.id()));
    director.patch(&account, json!({"full_name": "Otra"})).ok();
    assert_eq!(director.patch(&account, json!({"email": "soporte+otro@mesa.test"})).faults(), fault);
    director.patch(&account, json!({"email": "propia@mesa.test"})).ok();
    // Mesa sends no mail to its own mailbox.
    assert_eq!(desk.database.count("SELECT count(*) FROM messages WHERE kind = 'email_changed'"), 0);
}

#[test]
fn mail_from_the_own_mailbox_creates_no_account() {
    let desk = desk();
    let counts = "SELECT (SELECT count(*) FROM users) + 1000 * (SELECT count(*) FROM tickets) \
         + 1000000 * (SELECT count(*) FROM messages)";
    let before = desk.database.count(counts);
    let outcome = |email: &serde_json::Value| {
        format!("{} {}", email["status"].as_str().unwrap(), email["reason"].as_str().unwrap_or("-"))
    };
    for (own, expected) in [
        // Exactly the sender address of outgoing mail: own mail that was returned.
        ("soporte@mesa.test", "ignored own_mail"),
        ("Soporte+Ana@Mesa.test", "set_aside own_address"),
        ("buzon@mesa.test", "set_aside own_address"),
    ] {
        let email = became(&desk, message(own, "Sin red", ALIGNED, own));
        assert_eq!(outcome(&email), expected, "{own}");
        let released = desk
            .director()
            .post(
                &format!("/inbound-emails/{}/processing", email["id"].as_str().unwrap()),
                json!({"release": true}),
            )
            .ok();
        assert_eq!(outcome(&released), "set_aside own_address", "{own}");
    }
    assert_eq!(desk.database.count(counts), before);
}
