//! Senders that are not trusted or not answered, and limits per sender.

use serde_json::json;

use crate::harness::Desk;
use crate::harness::states::soon;
use crate::inbound::{ALIGNED, MAIL, became, desk, followups, message, messages_to, sample, ticket_of};

#[test]
fn machines_are_never_answered() {
    let desk = desk();
    let one = desk.ticket_in("in_progress");
    let number = one.rsplit('/').next().unwrap();
    let before = desk.database.count("SELECT count(*) FROM messages");
    for (name, reason) in [
        ("auto-reply", "auto_reply"),
        ("bounce", "bounce"),
        ("own-mail", "own_mail"),
        ("mailing-list", "mailing_list"),
    ] {
        let email = became(&desk, sample(name));
        assert_eq!((&email["status"], &email["reason"]), (&json!("ignored"), &json!(reason)), "{name}");
    }
    let away = message(
        "requester@mesa.test",
        &format!("Re: [#{number}] x"),
        "Auto-Submitted: auto-replied\n",
        "No estoy.",
    );
    assert_eq!(became(&desk, away)["reason"], "auto_reply");
    assert_eq!(desk.database.count("SELECT count(*) FROM messages"), before);
    assert_eq!(followups(&desk, &one).len(), 1, "only the followup of the acceptance");
    // A reply by a person through a mailing list is processed, and not answered.
    let by_list =
        message("requester@mesa.test", &format!("Re: [#{number}] x"), "Precedence: list\n", "La 10432.");
    assert_eq!(became(&desk, by_list)["status"], "processed");
    assert_eq!(messages_to(&desk, "technician@mesa.test"), 2);
    let solved = desk.ticket_in("solved");
    let subject = format!("Re: [#{}] x", solved.rsplit('/').next().unwrap());
    became(&desk, message("requester@mesa.test", &subject, "List-Id: <x.y>\n", "Gracias."));
    assert_eq!(desk.director().get(&solved).ok()["status"], "solved");
}

#[test]
fn a_forged_sender_is_set_aside_until_staff_release_it() {
    let desk = desk();
    let email = became(&desk, sample("spoofed"));
    assert_eq!((&email["status"], &email["reason"]), (&json!("set_aside"), &json!("authentication_failed")));
    assert_eq!(
        desk.database.count("SELECT (SELECT count(*) FROM tickets) + (SELECT count(*) FROM messages)"),
        0
    );
    let again = format!("/inbound-emails/{}/processing", email["id"].as_str().unwrap());
    assert_eq!(desk.professional().post(&again, json!({})).ok()["reason"], "authentication_failed");
    let released = desk.professional().post(&again, json!({"release": true})).ok();
    assert_eq!((&released["status"], &released["reason"]), (&json!("processed"), &json!(null)));
    assert_eq!(released["released_by"]["id"], desk.professional().id());
    assert_eq!(ticket_of(&desk, &released)["requester"]["id"], desk.requester().id());

    // The author is unclear, so staff cannot release it.
    for name in ["no-from", "two-from-fields"] {
        let email = became(&desk, sample(name));
        assert_eq!(email["reason"], "sender_unclear");
        let again = format!("/inbound-emails/{}/processing", email["id"].as_str().unwrap());
        assert_eq!(desk.professional().post(&again, json!({"release": true})).ok()["status"], "set_aside");
    }
}

#[test]
fn a_sender_beyond_the_limit_is_not_answered() {
    let mut variables = MAIL.to_vec();
    variables.push(("MESA_MAIL_SENDER_LIMIT", "3"));
    let desk = Desk::configured(&variables);
    let write = |number: usize| {
        became(
            &desk,
            message("requester@mesa.test", &format!("{number}"), &format!("Message-ID: <{number}@x>\n"), "x"),
        )
    };
    for number in 1..=3 {
        assert_eq!(write(number)["status"], "processed");
    }
    let past = write(4);
    assert_eq!((&past["status"], &past["reason"]), (&json!("ignored"), &json!("sender_limit")));
    assert_eq!(messages_to(&desk, "requester@mesa.test"), 3);
    // A reply to one of the sender's tickets is still processed.
    assert_eq!(
        became(&desk, message("requester@mesa.test", "Re: [#1] 1", "", "Algo más."))["status"],
        "processed"
    );
    // Also one that reopens a solved ticket.
    for (step, body) in [
        ("classification", json!({"criticality": "low"})),
        ("assignment", json!({"assignee_id": "me"})),
        ("acceptance", soon()),
        ("solution", json!({"description": "Se cambió el cable."})),
    ] {
        desk.technician().post(&format!("/tickets/2/{step}"), body).ok();
    }
    became(&desk, message("requester@mesa.test", "Re: [#2] 2", "", "Sigue sin funcionar."));
    assert_eq!(desk.director().get("/tickets/2").ok()["status"], "in_progress");
    // Mail from others is processed, and after an hour mail from this sender as well.
    assert_eq!(became(&desk, message("technician@mesa.test", "x", ALIGNED, "x"))["status"], "processed");
    desk.database.run("UPDATE inbound_emails SET processed_at = processed_at - interval '61 minutes'");
    assert_eq!(write(5)["status"], "processed");
}

#[test]
fn a_loop_of_automatic_replies_ends_at_the_limit() {
    let mut variables = MAIL.to_vec();
    variables.push(("MESA_MAIL_SENDER_LIMIT", "2"));
    let desk = Desk::configured(&variables);
    let one = desk.ticket_in("in_progress");
    let write = |from: &str, one: &str, text: &str| {
        let subject = format!("Re: [#{}] x", one.rsplit('/').next().unwrap());
        assert_eq!(became(&desk, message(from, &subject, ALIGNED, text))["status"], "processed");
    };
    let before = messages_to(&desk, "requester@mesa.test");
    for number in 1..=4 {
        write("technician@mesa.test", &one, &format!("Estoy de vacaciones {number}."));
    }
    // All messages are stored, and no more are mailed than the limit allows.
    assert_eq!(followups(&desk, &one).len(), 1 + 4);
    assert_eq!(messages_to(&desk, "requester@mesa.test"), before + 2);
    // The limit is per ticket.
    let other = desk.ticket_in("in_progress");
    let before = messages_to(&desk, "requester@mesa.test");
    write("technician@mesa.test", &other, "Vamos mañana.");
    assert_eq!(messages_to(&desk, "requester@mesa.test"), before + 1);
}

#[test]
fn unknown_senders_beyond_the_limit_are_set_aside_unanswered() {
    let mut variables = MAIL.to_vec();
    variables.push(("MESA_MAIL_STRANGER_LIMIT", "2"));
    let desk = Desk::configured(&variables);
    let write = |number: usize| {
        became(&desk, message(&format!("{number}@spam.example"), "x", "", &format!("{number}")))
    };
    for number in 1..=2 {
        assert_eq!(write(number)["status"], "processed");
    }
    let past = write(3);
    assert_eq!((&past["status"], &past["reason"]), (&json!("set_aside"), &json!("too_many_strangers")));
    assert_eq!(messages_to(&desk, "3@spam.example"), 0);
    // Mail from known senders is processed, and from unknown ones if staff release it or after an hour.
    assert_eq!(became(&desk, message("1@spam.example", "x", "", "y"))["status"], "processed");
    assert_eq!(became(&desk, message("requester@mesa.test", "x", "", "y"))["status"], "processed");
    let again = format!("/inbound-emails/{}/processing", past["id"].as_str().unwrap());
    assert_eq!(desk.professional().post(&again, json!({"release": true})).ok()["status"], "processed");
    desk.database.run("UPDATE users SET created_at = created_at - interval '61 minutes'");
    assert_eq!(write(4)["status"], "processed");
}
