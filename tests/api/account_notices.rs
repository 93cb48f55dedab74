//! Notices to people whose address or password was changed.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::smtp::{Mail, MailServer};
use crate::harness::{Client, Desk, PASSWORD};

const NEW: &str = "otra-clave-larga";

fn account(of: &Client) -> String {
    format!("/users/{}", of.id())
}

/// Sends the queued mail and returns what was sent.
fn sent(desk: &Desk, server: &MailServer) -> Vec<Mail> {
    let before = server.count();
    desk.send_mail();
    server.mail().split_off(before)
}

#[track_caller]
fn says(mail: &Mail, to: &str, subject: &str, words: &[&str]) {
    assert_eq!((mail.to.as_str(), mail.subject().as_str()), (to, subject));
    let (text, html) = (mail.text(), mail.html());
    assert!(words.iter().all(|words| text.contains(words) && html.contains(words)), "{words:?}: {text}");
    assert!(!text.contains("/p/") && !text.contains("{{"), "{text}");
}

#[test]
fn a_change_of_address_is_mailed_to_the_previous_address() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (person, director) = (desk.another(Role::Technician), desk.director());
    let old = person.email().to_owned();
    // The notice is sent although staff mail is turned off and the account is deactivated.
    let all = json!({"email": "nueva@mesa.test", "staff_mail": false, "active": false});
    director.patch(&account(&person), all).ok();
    let waiting = director.get("/messages?kind=email_changed").items().remove(0);
    let shown = director.get(&format!("/messages/{}", waiting["id"].as_str().unwrap())).ok();
    assert_eq!((&shown["to_address"], &shown["ticket_id"]), (&json!(old), &Value::Null));
    let [mail] = &sent(&desk, &server)[..] else { panic!("not one mail") };
    let by =
        format!("Cambio hecho por: {}, dirección", director.get("/me").ok()["full_name"].as_str().unwrap());
    says(
        mail,
        &old,
        "Se cambió la dirección de correo electrónico de su cuenta",
        &[&old, &by, "Fecha: ", " de 20", "a la Mesa de Servicios en mesa@mesa.test."],
    );
    assert!(!mail.text().contains("nueva@"), "{}", mail.text());
    // The address is stored once only.
    let kept = "SELECT count(*) FROM messages WHERE kind = 'email_changed' AND sent_to IS NOT NULL AND NOT data ? 'to'";
    assert_eq!(desk.database.count(kept), 1);

    // A change of case, or of other fields, is not a change of address.
    let own = account(&director);
    director.patch(&own, json!({"email": "DIRECTOR@mesa.test", "full_name": "Diana Mejía"})).ok();
    assert_eq!(sent(&desk, &server).len(), 0);
    director.patch(&own, json!({"email": "directora@mesa.test", "locale": "en"})).ok();
    let [mail] = &sent(&desk, &server)[..] else { panic!("not one mail") };
    let subject = "The email address of your account was changed";
    says(mail, "DIRECTOR@mesa.test", subject, &["Changed by: you, with your own account"]);
}

#[test]
fn a_change_of_password_is_mailed_to_the_account_holder() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let person = desk.another(Role::Requester);
    let change = |current: &str| {
        person.post("/me/password", json!({"current_password": current, "new_password": NEW})).status
    };
    assert_eq!(change("no-es-la-clave"), 422);
    assert_eq!(sent(&desk, &server).len(), 0);
    assert_eq!(change(PASSWORD), 204);
    let subject = "Se cambió la contraseña de su cuenta";
    let [mail] = &sent(&desk, &server)[..] else { panic!("not one mail") };
    says(mail, person.email(), subject, &[person.email(), "con la contraseña anterior", "mesa@mesa.test"]);
    assert!(!mail.text().contains(NEW));

    desk.nobody().post("/auth/password-reset", json!({"email": person.email()}));
    let link = sent(&desk, &server).pop().unwrap().text();
    let token = link.split_once("/p/").unwrap().1.split_whitespace().next().unwrap();
    let body = json!({"token": token, "new_password": "una-tercera-clave"});
    assert_eq!(desk.nobody().post("/auth/password-reset/confirmation", body).status, 204);
    // The address is changed before the mail is sent: both notices go to the previous address.
    desk.director().patch(&account(&person), json!({"email": "otra@mesa.test"})).ok();
    let mails = sent(&desk, &server);
    says(&mails[0], person.email(), subject, &["con un enlace de un solo uso"]);
    says(&mails[1], person.email(), "Se cambió la dirección de correo electrónico de su cuenta", &[]);
}
