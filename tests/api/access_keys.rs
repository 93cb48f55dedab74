//! Keys: shown once, kept as a hash, at most two, revoked at once; access tokens issued for them; personal keys.

use std::time::Duration;

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Desk, PASSWORD};
use crate::service_accounts::{machine, new_key};

fn keys_of(account: &Value) -> String {
    format!("/service-accounts/{}/keys", account["id"].as_str().unwrap())
}

fn token(desk: &Desk, id: &str, secret: &str) -> Answer {
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    desk.nobody().raw("POST", "/auth/token", "application/x-www-form-urlencoded", form)
}

#[test]
fn a_key_is_shown_once_and_kept_as_a_hash() {
    let desk = Desk::open();
    let (account, _) = machine(&desk, Role::Technician, &["read_ticket"]);
    let key = new_key(&desk, &account);
    let secret = key["key"].as_str().unwrap();
    assert!(secret.ends_with(key["last_four"].as_str().unwrap()));
    let director = desk.director();
    for path in [
        keys_of(&account),
        format!("{}/{}", keys_of(&account), key["id"].as_str().unwrap()),
        "/audit/log".into(),
    ] {
        let shown = director.get(&path);
        shown.ok();
        assert!(!shown.text().contains(&secret[..40]), "{path}");
    }
    let hashed = format!("SELECT count(*) FROM access_keys WHERE key_hash = sha256('{secret}')");
    assert_eq!(desk.database.count(&hashed), 1);
    let events = director.get("/audit/log?resource=access_key&resource=service_account").items();
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(events.iter().all(|event| event["actor"]["id"] == director.id()), "{events:?}");
    assert_eq!(
        director
            .get("/audit/log?resource=user&kind=created")
            .items()
            .iter()
            .filter(|event| event["resource_id"] == account["id"])
            .count(),
        0
    );
}

#[test]
fn two_keys_are_usable_at_a_time_and_a_revoked_one_is_refused_at_once() {
    let desk = Desk::open();
    let (account, first) = machine(&desk, Role::Technician, &["read_ticket"]);
    let keys = keys_of(&account);
    let second = new_key(&desk, &account);
    desk.director().post(&keys, json!({})).problem(409, "too_many_keys");
    let refused = desk.database.ask(|db| {
        diesel::connection::SimpleConnection::batch_execute(
            db,
            "INSERT INTO access_keys (id, user_id, key_hash, last_four, era, created_at, created_by, expires_at) \
             SELECT gen_random_uuid(), user_id, sha256('x'), 'abcd', era, created_at, created_by, expires_at FROM access_keys LIMIT 1",
        )
    });
    assert!(refused.is_err());
    let second_client = desk.nobody().holding(second["key"].as_str().unwrap());
    let issued = token(&desk, account["id"].as_str().unwrap(), second["key"].as_str().unwrap()).ok();
    assert_eq!(issued["refresh_token"], "");
    let by_token = desk.nobody().holding(issued["access_token"].as_str().unwrap());
    for client in [&first, &second_client, &by_token] {
        client.get("/me").ok();
        client.get("/tickets").ok();
    }
    let one = format!("{keys}/{}", second["id"].as_str().unwrap());
    desk.director().delete(&one).expect_status(204);
    for client in [&second_client, &by_token] {
        client.get("/me").problem(401, "unauthenticated");
        client.post("/tickets", json!({})).problem(401, "unauthenticated");
    }
    desk.director().delete(&one).expect_status(204);
    assert_eq!(desk.director().get(&one).ok()["usable"], false);
    first.get("/me").ok();
    new_key(&desk, &account);
    // An expired one leaves its place, and is refused.
    desk.database.run(
        "ALTER TABLE access_keys DISABLE TRIGGER keep_access_keys; \
         UPDATE access_keys SET created_at = now() - interval '2 days', expires_at = now() - interval '1 second'; \
         ALTER TABLE access_keys ENABLE TRIGGER keep_access_keys",
    );
    std::thread::sleep(Duration::from_millis(1100));
    first.get("/me").problem(401, "unauthenticated");
    let third = new_key(&desk, &account);
    let third = desk.nobody().holding(third["key"].as_str().unwrap());
    third.get("/me").ok();
    desk.director().patch(keys.trim_end_matches("/keys"), json!({"active": false})).ok();
    third.get("/me").problem(401, "unauthenticated");
}

#[test]
fn a_wrong_key_is_answered_like_a_wrong_token() {
    let desk = Desk::open();
    let (account, _) = machine(&desk, Role::Technician, &["read_ticket"]);
    let key = new_key(&desk, &account)["key"].as_str().unwrap().to_owned();
    let id = account["id"].as_str().unwrap();
    let flipped = format!("{}{}", &key[..45], if key.ends_with('0') { '1' } else { '0' });
    // With a right checksum, of no key.
    let unknown = mesa::auth::keys::NewKey::create(mesa::auth::keys::KeyOwner::ServiceAccount).unwrap().text;
    let plain = desk.nobody().holding("not.a.token").get("/me").problem(401, "unauthenticated");
    for wrong in [flipped.as_str(), unknown.as_str(), "mesa_sk_", "mesa_sk_ñ"] {
        assert_eq!(
            desk.nobody().holding(&wrong.replace('ñ', "n")).get("/me").problem(401, "unauthenticated")["detail"],
            plain["detail"]
        );
        let refused = token(&desk, id, wrong).problem(401, "invalid_credentials");
        assert_eq!(refused["error"], "invalid_client");
    }
    let other = machine(&desk, Role::Technician, &["read_ticket"]).0;
    token(&desk, other["id"].as_str().unwrap(), &key).problem(401, "invalid_credentials");
    let basic = base64(&format!("{id}:{key}"));
    let basic = desk.nobody().with("authorization", format!("Basic {basic}"));
    basic
        .raw("POST", "/auth/token", "application/x-www-form-urlencoded", "grant_type=client_credentials")
        .ok();
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn a_key_belongs_to_its_account() {
    let desk = Desk::open();
    let (one, _) = machine(&desk, Role::Technician, &["read_ticket"]);
    let (other, client) = machine(&desk, Role::Technician, &["read_ticket"]);
    let key = new_key(&desk, &one)["id"].as_str().unwrap().to_owned();
    desk.director().get(&format!("{}/{key}", keys_of(&other))).problem(404, "not_found");
    desk.director().delete(&format!("{}/{key}", keys_of(&other))).problem(404, "not_found");
    desk.director().delete(&format!("/me/keys/{key}")).problem(404, "not_found");
    desk.professional().get(&keys_of(&one)).problem(403, "forbidden");
    client.post("/me/keys", json!({"current_password": "x"})).problem(403, "forbidden");
    client.patch("/me", json!({"locale": "en"})).problem(403, "forbidden");
}

#[test]
fn a_personal_key_ends_with_the_sign_ins_of_its_owner() {
    let desk = Desk::open();
    let technician = desk.another(Role::Technician);
    let create = |password: &str| {
        technician.post("/me/keys", json!({"current_password": password, "name": "Tablero"}))
    };
    assert_eq!(create("otra-clave-larga").faults(), [("/current_password".into(), "not_allowed".into())]);
    let key = create(PASSWORD).created();
    let client = desk.nobody().holding(key["key"].as_str().unwrap());
    let me = client.get("/me").ok();
    assert_eq!((&me["id"], &me["kind"]), (&json!(technician.id()), &json!("person")));
    let mut permitted = technician.get("/me").ok()["permissions"].clone();
    permitted.as_object_mut().unwrap().remove("use_own_keys").unwrap();
    assert_eq!(me["permissions"], permitted);
    let one = format!("/me/keys/{}", key["id"].as_str().unwrap());
    for _ in 0..50 {
        if !technician.get(&one).ok()["last_used_at"].is_null() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let used = technician.get(&one).ok();
    assert_eq!(used["last_used_address"], "127.0.0.1", "{used}");
    let change = json!({"current_password": PASSWORD, "new_password": "otra-clave-de-la-mesa"});
    client.post("/me/password", change).expect_status(204);
    client.get("/me").problem(401, "unauthenticated");
}

#[test]
fn a_key_creates_no_keys() {
    let desk = Desk::open();
    let director = desk.another(Role::Director);
    let key = director.post("/me/keys", json!({"current_password": PASSWORD})).created();
    let client = desk.nobody().holding(key["key"].as_str().unwrap());
    client.get("/users").ok();
    let machine = json!({"name": "Copia", "role": "director", "scopes": ["read_ticket"]});
    client.post("/service-accounts", machine).problem(403, "forbidden");
    client.post("/me/keys", json!({"current_password": PASSWORD})).problem(403, "forbidden");
    client.get("/me/keys").problem(403, "forbidden");
    let person = json!({"email": "otra@mesa.test", "full_name": "Otra", "role": "director"});
    client.post("/users", person).problem(403, "forbidden");
    // Only as far as a technician: the data of requesters.
    let technician = format!("/users/{}", desk.technician().id());
    client.patch(&technician, json!({"role": "director"})).problem(403, "forbidden");
    let requester = format!("/users/{}", desk.requester().id());
    client.patch(&requester, json!({"role": "director"})).problem(403, "forbidden");
}

#[test]
fn the_keys_of_an_account_that_was_inactive_stay_invalid() {
    let desk = Desk::open();
    let (account, client) = machine(&desk, Role::Technician, &["read_ticket"]);
    let issued =
        token(&desk, account["id"].as_str().unwrap(), new_key(&desk, &account)["key"].as_str().unwrap());
    let by_token = desk.nobody().holding(issued.ok()["access_token"].as_str().unwrap());
    by_token.get("/me").ok();
    let one = format!("/service-accounts/{}", account["id"].as_str().unwrap());
    assert_eq!(desk.director().patch(&one, json!({"active": false})).ok()["active"], false);
    desk.director().post(&keys_of(&account), json!({})).problem(409, "wrong_state");
    assert_eq!(desk.director().patch(&one, json!({"active": true})).ok()["active"], true);
    for client in [&client, &by_token] {
        client.get("/me").problem(401, "unauthenticated");
    }
    let new = new_key(&desk, &account);
    desk.nobody().holding(new["key"].as_str().unwrap()).get("/me").ok();
}

#[test]
fn a_key_that_changed_since_it_was_read_is_not_revoked() {
    let desk = Desk::open();
    let (account, _) = machine(&desk, Role::Technician, &["read_ticket"]);
    let key = format!("{}/{}", keys_of(&account), new_key(&desk, &account)["id"].as_str().unwrap());
    let read = desk.director().get(&key).header("etag").to_owned();
    desk.director().delete(&key).expect_status(204);
    desk.director().with("if-match", read).delete(&key).problem(412, "precondition_failed");
}

/// A version that does not know keys would accept such a token as the sign-in of a person.
#[test]
fn a_token_of_a_key_has_an_audience_of_its_own_and_ends_with_the_key() {
    let desk = Desk::open();
    let (account, _) = machine(&desk, Role::Technician, &["read_ticket"]);
    let soon = chrono::Utc::now() + chrono::TimeDelta::seconds(100);
    let key = desk.director().post(&keys_of(&account), json!({"expires_at": soon})).created();
    let issued = token(&desk, account["id"].as_str().unwrap(), key["key"].as_str().unwrap()).ok();
    let lasts = issued["expires_in"].as_i64().unwrap();
    assert!((1..=100).contains(&lasts), "{lasts}");
    let claims = issued["access_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["aud"], "mesa-keys");
}

#[test]
fn requests_are_counted_by_account_once_the_key_is_verified() {
    let desk = Desk::configured(&[("MESA_RATE_LIMIT", "30")]);
    let (_, client) = machine(&desk, Role::Technician, &["read_ticket"]);
    let left = |client: &Client| {
        let answer = client.get("/me");
        let text = answer.header("ratelimit").to_owned();
        let left = text.split("r=").nth(1).and_then(|rest| rest.split(';').next()).unwrap().to_owned();
        (answer.status, left.parse::<u32>().unwrap())
    };
    let unknown = || {
        let text = mesa::auth::keys::NewKey::create(mesa::auth::keys::KeyOwner::ServiceAccount).unwrap().text;
        desk.nobody().holding(&text)
    };
    // The first by network, as those with unknown keys; then by account.
    assert_eq!(left(&client), (200, 29));
    assert_eq!(left(&client), (200, 29));
    for _ in 0..28 {
        unknown().get("/me").problem(401, "unauthenticated");
    }
    assert_eq!(left(&client).0, 200);
    unknown().get("/me");
    unknown().get("/me").problem(429, "too_many_requests");
    assert_eq!(left(&client).0, 200);
}
