//! Sign-in, refresh, sign-out, passwords and lockouts.

use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::connection::SimpleConnection;
use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Client, Desk, PASSWORD, SECRET};

fn sign_in(desk: &Desk, email: &str) -> Value {
    desk.nobody().post("/auth/login", json!({"email": email, "password": PASSWORD})).ok()
}

fn refresh(desk: &Desk, session: &Value) -> crate::harness::Answer {
    desk.nobody().post("/auth/refresh", json!({"refresh_token": session["refresh_token"]}))
}

#[test]
fn a_session_can_be_opened_refreshed_and_ended() {
    let desk = Desk::open();
    let nobody = desk.nobody();
    let session = sign_in(&desk, "Technician@MESA.test");
    assert_eq!((&session["token_type"], &session["expires_in"]), (&json!("Bearer"), &json!(900)));
    // The access token is valid for `expires_in` seconds.
    let claims = session["access_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
    let in_a_month = "SELECT count(*) FROM refresh_tokens \
        WHERE expires_at - now() BETWEEN interval '29 days 23 hours' AND interval '30 days 1 hour'";
    assert_eq!(desk.database.count(in_a_month), 1);
    let me = |session: &Value| nobody.holding(session["access_token"].as_str().unwrap()).get("/me");
    assert_eq!(me(&session).ok()["role"], "technician");
    let next = refresh(&desk, &session).ok();
    assert_ne!(next["refresh_token"], session["refresh_token"]);
    assert_eq!(me(&next).ok()["role"], "technician");
    assert_eq!(nobody.post("/auth/logout", json!({"refresh_token": next["refresh_token"]})).status, 204);
    refresh(&desk, &next).problem(401, "invalid_refresh_token");
    // A logout with an unknown token is accepted and changes nothing.
    assert_eq!(nobody.post("/auth/logout", json!({"refresh_token": "x"})).status, 204);
}

#[test]
fn every_refused_sign_in_gets_the_same_answer_after_one_password_hash() {
    let desk = Desk::open();
    let sign_in = |email: &str, password: &str| {
        desk.nobody().post("/auth/login", json!({"email": email, "password": password}))
    };
    let looked_at = || {
        let metrics = desk.nobody().get("//metrics").text();
        let counted = metrics.lines().find_map(|line| line.strip_prefix("mesa_passwords_total ")).unwrap();
        counted.parse::<u32>().unwrap()
    };
    let (left, unable) = (desk.another(Role::Technician), desk.another(Role::Requester));
    desk.director().patch(&format!("/users/{}", left.id()), json!({"active": false})).ok();
    desk.database.run(&format!("UPDATE users SET password_hash = NULL WHERE id = '{}'", unable.id()));
    let mut told = Vec::new();
    for (email, password) in [
        ("technician@mesa.test", "otra-clave-larga"),
        ("nobody@mesa.test", PASSWORD),
        (left.email(), PASSWORD),
        (left.email(), "otra-clave-larga"),
        (unable.email(), PASSWORD),
    ] {
        let before = looked_at();
        let answer = sign_in(email, password);
        let mut headers: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        headers.sort();
        told.push((answer.problem(401, "invalid_credentials"), headers));
        // It takes as long, because one hash is computed in any case.
        assert_eq!(looked_at(), before + 1, "{email}");
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:#?}");
}

#[test]
fn tokens_of_the_previous_secret_stay_valid_and_older_ones_do_not() {
    let (new, newer) =
        ("another secret of the tests, 32 bytes", "and a third one, of the next year: 32 bytes");
    let changed = |secret, previous| {
        Desk::configured(&[("MESA_JWT_SECRET", secret), ("MESA_JWT_PREVIOUS_SECRET", previous)])
    };
    // The tokens of the harness are signed with its own secret.
    let desk = changed(new, SECRET);
    let held = desk.technician();
    held.get("/me").ok();
    let key = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let fresh = sign_in(&desk, held.email());
    let fresh = fresh["access_token"].as_str().unwrap();
    assert_ne!(key(fresh), key(held.door().1), "the token is signed with the new secret");
    desk.nobody().holding(fresh).get("/me").ok();
    // A cursor of the previous secret still works.
    let first = held.get("/users?limit=1").ok();
    held.get(&format!("/users?limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).ok();
    changed(newer, new).technician().get("/me").problem(401, "unauthenticated");
}

#[test]
fn a_reused_refresh_token_ends_the_whole_family() {
    let desk = Desk::open();
    let (stolen, other) = (sign_in(&desk, "technician@mesa.test"), sign_in(&desk, "technician@mesa.test"));
    let next = refresh(&desk, &stolen).ok();
    desk.database.run("UPDATE refresh_tokens SET used_at = used_at - interval '31 seconds'");
    refresh(&desk, &stolen).problem(401, "invalid_refresh_token");
    refresh(&desk, &next).problem(401, "invalid_refresh_token");
    // Another sign-in of the same user is another family.
    refresh(&desk, &other).ok();
}

#[test]
fn tokens_are_stored_as_hashes_and_passwords_as_argon2id() {
    let desk = Desk::open();
    sign_in(&desk, "technician@mesa.test");
    assert_eq!(desk.database.count("SELECT count(*) FROM refresh_tokens WHERE length(token_hash) = 32"), 1);
    assert_eq!(
        desk.database.count("SELECT count(*) FROM users WHERE password_hash NOT LIKE '$argon2id$%'"),
        0
    );
}

#[test]
fn an_expired_refresh_token_is_rejected() {
    let desk = Desk::open();
    let session = sign_in(&desk, "technician@mesa.test");
    desk.database.run("UPDATE refresh_tokens SET expires_at = now() - interval '1 second'");
    refresh(&desk, &session).problem(401, "invalid_refresh_token");
}

#[test]
fn a_deactivated_user_is_signed_out_at_once_and_their_history_remains() {
    let desk = Desk::open();
    let leaving = desk.another(Role::Technician);
    let session = sign_in(&desk, leaving.email());
    let one = desk.ticket_in("received");
    leaving.post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
    let path = format!("/users/{}", leaving.id());
    desk.director().patch(&path, json!({"active": false})).ok();
    leaving.get("/me").problem(401, "unauthenticated");
    refresh(&desk, &session).problem(401, "invalid_refresh_token");
    desk.nobody()
        .post("/auth/login", json!({"email": leaving.email(), "password": PASSWORD}))
        .problem(401, "invalid_credentials");
    let events = desk.director().get(&format!("{one}/events")).items();
    assert_eq!(events[1]["actor"]["id"], leaving.id());
    assert_eq!(desk.director().raw("DELETE", &path, "application/json", "").status, 405);
    // No ticket can be assigned to them.
    let refused = desk.technician().post(&format!("{one}/assignment"), json!({"assignee_id": leaving.id()}));
    assert_eq!(refused.faults(), [("/assignee_id".into(), "not_found".into())]);
}

#[test]
fn a_change_of_role_applies_from_the_next_request() {
    let desk = Desk::open();
    let person = desk.another(Role::Requester);
    person.get("/users").problem(403, "forbidden");
    desk.director().patch(&format!("/users/{}", person.id()), json!({"role": "technician"})).ok();
    person.get("/users").ok();
}

#[test]
fn a_copy_of_the_server_knows_a_changed_account_within_a_second() {
    let desk = Desk::open();
    let copy = desk.copy();
    let person = desk.another(Role::Requester);
    let at_copy = |client: &Client| copy.client(client);
    at_copy(&person).get("/me").ok();
    desk.director().patch(&format!("/users/{}", person.id()), json!({"role": "technician"})).ok();
    // What is permitted now is not refused by what the copy knew.
    at_copy(&person).get("/users").ok();
    let change = json!({"current_password": PASSWORD, "new_password": "otra-clave-larga"});
    assert_eq!(person.post("/me/password", change).status, 204);
    let login = json!({"email": person.email(), "password": "otra-clave-larga"});
    let session = desk.nobody().post("/auth/login", login).ok();
    let again = desk.nobody().holding(session["access_token"].as_str().unwrap());
    at_copy(&again).get("/me").ok();
    thread::sleep(Duration::from_secs(1));
    at_copy(&person).get("/me").problem(401, "unauthenticated");
}

#[test]
fn a_change_of_password_ends_earlier_sessions() {
    let desk = Desk::open();
    let session = sign_in(&desk, "technician@mesa.test");
    let technician = desk.technician();
    let change = |current: &str| {
        technician
            .post("/me/password", json!({"current_password": current, "new_password": "otra-clave-larga"}))
    };
    assert_eq!(change("no-es-esta-clave").faults(), [("/current_password".into(), "not_allowed".into())]);
    assert_eq!(change(PASSWORD).status, 204);
    refresh(&desk, &session).problem(401, "invalid_refresh_token");
    let login = |password: &str| {
        desk.nobody().post("/auth/login", json!({"email": technician.email(), "password": password}))
    };
    login(PASSWORD).problem(401, "invalid_credentials");
    login("otra-clave-larga").ok();
}

/// The number of valid refresh tokens of this user.
fn live(desk: &Desk, person: &Client) -> i64 {
    desk.database.count(&format!(
        "SELECT count(*) FROM refresh_tokens
         WHERE user_id = '{}' AND used_at IS NULL AND revoked_at IS NULL",
        person.id()
    ))
}

/// Refreshes the session repeatedly until the token is rejected.
fn refresh_until_rejected(desk: &Desk, mut session: Value) {
    loop {
        let answer = refresh(desk, &session);
        if answer.status != 200 {
            answer.problem(401, "invalid_refresh_token");
            return;
        }
        session = answer.ok();
    }
}

#[test]
fn a_sign_out_during_a_refresh_of_the_same_token_ends_the_family() {
    let desk = Desk::open();
    let person = desk.another(Role::Technician);
    for _ in 0..20 {
        let session = sign_in(&desk, person.email());
        thread::scope(|scope| {
            scope.spawn(|| refresh(&desk, &session));
            scope.spawn(|| {
                let token = json!({"refresh_token": session["refresh_token"]});
                assert_eq!(desk.nobody().post("/auth/logout", token).status, 204);
            });
        });
        assert_eq!(live(&desk, &person), 0);
    }
}

#[test]
fn a_new_password_or_deactivation_ends_a_session_that_is_being_refreshed() {
    let desk = Desk::open();
    let director = desk.director();
    for round in 0..8 {
        let person = desk.another(Role::Technician);
        let session = sign_in(&desk, person.email());
        thread::scope(|scope| {
            scope.spawn(|| refresh_until_rejected(&desk, session));
            thread::sleep(std::time::Duration::from_millis(20 + 3 * round));
            if round % 2 == 0 {
                let change = json!({"current_password": PASSWORD, "new_password": "otra-clave-larga"});
                assert_eq!(person.post("/me/password", change).status, 204);
            } else {
                director.patch(&format!("/users/{}", person.id()), json!({"active": false})).ok();
            }
        });
        assert_eq!(live(&desk, &person), 0);
    }
}

#[test]
fn a_sign_in_during_a_change_of_password_is_rejected() {
    let desk = Desk::open();
    let other_hash = "SELECT password_hash || ' ' FROM users LIMIT 1";
    for _ in 0..4 {
        let person = desk.another(Role::Technician);
        thread::scope(|scope| {
            // Locks the account as a change of password does, while the old password is verified as correct.
            let mut change = desk.database.connect();
            let held = format!(
                "BEGIN; UPDATE users SET password_hash = ({other_hash}) WHERE id = '{}'",
                person.id()
            );
            change.batch_execute(&held).unwrap();
            let late = scope.spawn(|| {
                let login = json!({"email": person.email(), "password": PASSWORD});
                desk.nobody().post("/auth/login", login)
            });
            thread::sleep(std::time::Duration::from_millis(400));
            change.batch_execute("COMMIT").unwrap();
            late.join().unwrap().problem(401, "invalid_credentials");
        });
        assert_eq!(live(&desk, &person), 0);
    }
}

#[test]
fn access_tokens_end_with_their_session() {
    let desk = Desk::open();
    let (director, person) = (desk.director(), desk.another(Role::Technician));
    let held = |session: &Value| desk.nobody().holding(session["access_token"].as_str().unwrap());
    let before = held(&sign_in(&desk, person.email()));
    before.get("/me").ok();
    let path = format!("/users/{}", person.id());
    director.patch(&path, json!({"active": false})).ok();
    director.patch(&path, json!({"active": true})).ok();
    desk.wait_for_copies();
    before.get("/me").problem(401, "unauthenticated");
    let between = held(&sign_in(&desk, person.email()));
    let change = json!({"current_password": PASSWORD, "new_password": "otra-clave-larga"});
    assert_eq!(between.post("/me/password", change).status, 204);
    desk.wait_for_copies();
    between.get("/me").problem(401, "unauthenticated");
    let login = json!({"email": person.email(), "password": "otra-clave-larga"});
    held(&desk.nobody().post("/auth/login", login).ok()).get("/me").ok();
}

#[test]
fn lockouts_grow_with_wrong_passwords_for_known_and_unknown_addresses() {
    let desk = Desk::open();
    let copy = desk.copy();
    let person = desk.another(Role::Technician);
    for email in [person.email(), "nobody@mesa.test"] {
        let login = || {
            let body = json!({"email": email.to_uppercase(), "password": "no-es-esta-clave"});
            copy.client(&desk.nobody()).post("/auth/login", body)
        };
        // Concurrent attempts beyond the free ones get 429.
        let answers: Vec<_> = thread::scope(|scope| {
            let calls: Vec<_> = (0..12).map(|_| scope.spawn(login)).collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
        assert!(looked_at <= 7, "{looked_at}");
        for (attempts, longest) in [(6, 3), (7, 7), (15, 900), (900, 900)] {
            desk.database.run(&format!("UPDATE sign_in_attempts SET attempts = {attempts}, next_at = now()"));
            login().problem(401, "invalid_credentials");
            let refused = login();
            refused.problem(429, "too_many_attempts");
            let wait: i64 = refused.header("retry-after").parse().unwrap();
            assert!(wait <= longest && wait > longest / 2, "{attempts}: {wait}");
        }
    }
}

#[test]
fn attempts_from_elsewhere_do_not_lock_out_a_known_network() {
    let desk = Desk::configured(&[("MESA_TRUSTED_PROXIES", "127.0.0.1")]);
    let person = desk.another(Role::Technician);
    let login = |from: &str, password: &str| {
        let body = json!({"email": person.email(), "password": password});
        desk.nobody().with("x-forwarded-for", from).post("/auth/login", body)
    };
    login("203.0.113.1", PASSWORD).ok();
    // Five networks with five attempts each, without waits.
    for place in 0..5 {
        for _ in 0..5 {
            login(&format!("198.51.100.{place}"), "no-es-esta-clave");
            desk.database.run("UPDATE sign_in_attempts SET next_at = now()");
        }
    }
    login("198.51.100.77", "no-es-esta-clave");
    login("198.51.100.78", PASSWORD).problem(429, "too_many_attempts");
    login("203.0.113.1", PASSWORD).ok();
    // A wrong password from the known network causes no wait either.
    login("203.0.113.1", "no-es-esta-clave").problem(401, "invalid_credentials");
    login("203.0.113.1", PASSWORD).ok();
}

#[test]
fn sign_in_attempts_and_networks_are_deleted_after_their_period() {
    let desk = Desk::open();
    let person = desk.another(Role::Technician);
    sign_in(&desk, person.email());
    desk.nobody().post("/auth/login", json!({"email": person.email(), "password": "no-es-esta-clave"}));
    let kept = || {
        let count = |table: &str| desk.database.count(&format!("SELECT count(*) FROM {table}"));
        (count("sign_in_attempts") > 0, count("sign_in_places") > 0)
    };
    let clean = |since: &str| {
        desk.database.run(&format!(
            "UPDATE sign_in_attempts SET last_at = now() - interval '{since}'; \
             UPDATE sign_in_places SET last_at = now() - interval '{since}'"
        ));
        let shared = desk.shared();
        mesa::server::routine::once(&mut shared.db.connection().unwrap(), &shared.config);
    };
    clean("23 hours");
    assert_eq!(kept(), (true, true));
    clean("89 days");
    assert_eq!(kept(), (false, true));
    clean("91 days");
    assert_eq!(kept(), (false, false));
}

#[test]
fn wrong_current_passwords_in_a_password_change_lead_to_429() {
    let desk = Desk::open();
    let person = desk.another(Role::Technician);
    let change = || {
        let body = json!({"current_password": "no-es-esta-clave", "new_password": "otra-clave-larga"});
        person.post("/me/password", body)
    };
    assert_eq!(change().faults(), [("/current_password".into(), "not_allowed".into())]);
    assert_eq!(desk.database.count("SELECT max(attempts)::bigint FROM sign_in_attempts"), 1);
    sign_in(&desk, person.email());
    assert_eq!(desk.database.count("SELECT max(attempts)::bigint FROM sign_in_attempts"), 1);
    for _ in 0..5 {
        assert_eq!(change().status, 422);
    }
    // The wait after the next attempt is longer than this test takes.
    desk.database.run("UPDATE sign_in_attempts SET attempts = 15");
    assert_eq!(change().status, 422);
    change().problem(429, "too_many_attempts");
}

#[test]
fn guessable_passwords_are_rejected() {
    let desk = Desk::open();
    let guessed = [("/password".to_owned(), "too_guessable".to_owned())];
    let mut account = json!({
        "email": "rosa.perez@example.gov.co", "password": "rosa.perez1", "role": "technician", "full_name": "Rosa Pérez"
    });
    assert_eq!(desk.director().post("/users", account.clone()).faults(), guessed);
    account["password"] = json!("una-clave-larga");
    desk.director().post("/users", account).created();
    let change = json!({"current_password": PASSWORD, "new_password": "1234567890"});
    let refused = desk.technician().post("/me/password", change);
    assert_eq!(refused.faults(), [("/new_password".into(), "too_guessable".into())]);
}

#[test]
fn an_idempotency_key_stores_no_fast_hash_of_a_password() {
    let desk = Desk::open();
    let director = desk.director().with("idempotency-key", "cuenta-1");
    let user = json!({"email": "ana@mesa.test", "password": "una-clave-larga", "role": "requester", "full_name": "Ana"});
    let made = director.post("/users", user.clone()).created();
    assert_eq!(director.post("/users", user.clone()).created(), made);
    // A hash that anyone with the database could compute from a guessed password.
    let fast = format!(
        "SELECT count(*) FROM idempotency_keys
         WHERE request_hash = sha256('POST /api/v1/users '::bytea || sha256(convert_to('{user}', 'UTF8')))"
    );
    assert_eq!(desk.database.count(&fast), 0);
    let person = desk.another(Role::Technician);
    let change = json!({"current_password": PASSWORD, "new_password": "otra-clave-larga"});
    assert_eq!(person.with("idempotency-key", "clave-1").post("/me/password", change).status, 204);
    assert_eq!(desk.database.count("SELECT count(*) FROM idempotency_keys"), 1);
}
