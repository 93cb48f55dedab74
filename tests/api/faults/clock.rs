//! The machine's clock is set forwards and back, for the server and its PostgreSQL, by means of libfaketime if it is
//! installed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::load::count;
use super::place::{Place, server, sign_in, within};
use crate::harness::binary::Running;
use crate::harness::smtp::MailServer;
use crate::harness::{Client, Desk, PASSWORD, moment, skip};

#[test]
fn mail_holds_and_lockouts_recover_after_a_clock_that_was_ahead() {
    let mail = MailServer::start();
    let desk = Desk::mailing(&mail);
    let one = desk.ticket_in("on_hold");
    desk.database.run(
        "UPDATE messages SET created_at = created_at + interval '1 hour', next_attempt_at = now() + interval '1 hour'",
    );
    desk.send_mail();
    assert_eq!(mail.count(), 0);
    mesa::server::routine::once(&mut desk.shared().db.connection().unwrap(), &desk.shared().config);
    // A copy of the server leased the messages while its clock was ahead.
    desk.database.run("UPDATE messages SET locked_until = now() + interval '3 hours'");
    desk.send_mail();
    assert!(mail.count() > 0);

    desk.database.run("UPDATE holds SET started_at = started_at + interval '1 hour'");
    assert_eq!(desk.technician().post(&format!("{one}/resumption"), json!({})).ok()["status"], "in_progress");

    let login = |password: &str| {
        desk.nobody().post("/auth/login", json!({"email": "requester@mesa.test", "password": password}))
    };
    login("otra").problem(401, "invalid_credentials");
    desk.database.run("UPDATE sign_in_attempts SET next_at = now() + interval '10 minutes'");
    login(PASSWORD).problem(429, "too_many_attempts");
    desk.database.run("UPDATE sign_in_attempts SET next_at = now() + interval '2 hours'");
    login(PASSWORD).ok();
}

/// A clock that this test sets, as an offset from the real one in seconds.
struct Clock {
    file: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Clock {
    /// `None` if libfaketime is not installed.
    fn find(folder: &Path) -> Option<Self> {
        let library = fs::read_dir("/usr/lib").ok()?.flatten().find_map(|entry| {
            let library = entry.path().join("faketime/libfaketime.so.1");
            library.exists().then_some(library)
        })?;
        let file = folder.join("clock");
        let variables = vec![
            ("LD_PRELOAD", library.to_str()?.to_owned()),
            ("FAKETIME_TIMESTAMP_FILE", file.to_str()?.to_owned()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // Timeouts use the monotonic clock, which stays real.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        let clock = Clock { file, variables };
        clock.set(0);
        Some(clock)
    }

    fn set(&self, ahead: i64) {
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{ahead:+}\n")).unwrap();
        fs::set_permissions(&new, Permissions::from_mode(0o644)).unwrap();
        fs::rename(&new, &self.file).unwrap();
    }

    /// Creates a folder for `PATH` with wrappers of PostgreSQL's programs; `postgres` runs under this clock.
    fn programs(&self, folder: &Path) -> PathBuf {
        let real =
            fs::read_dir("/usr/lib/postgresql").unwrap().flatten().map(|entry| entry.path().join("bin"));
        let real = real.max().unwrap();
        let bin = folder.join("bin");
        fs::create_dir(&bin).unwrap();
        for name in ["postgres", "initdb", "pg_ctl"] {
            let set: String =
                self.variables.iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
            // Only the server process gets the clock; `initdb` and `pg_ctl` run with the real one.
            let set = if name == "postgres" { set } else { String::new() };
            let script = format!("#!/bin/sh\n{set}exec {} \"$@\"\n", real.join(name).display());
            fs::write(bin.join(name), script).unwrap();
            fs::set_permissions(bin.join(name), Permissions::from_mode(0o755)).unwrap();
        }
        bin
    }
}

const HOUR: i64 = 3600;

/// Takes a ticket from registration to closure, with a hold and a reopening. Calls `between` before each step.
fn life(requester: &Client, technician: &Client, between: &dyn Fn(usize)) -> Value {
    let ticket = requester.register("El reloj")["id"].clone();
    let one = format!("/tickets/{ticket}");
    let step = |number: usize, path: &str, body: Value| {
        between(number);
        let answer = technician.post(&format!("{one}/{path}"), body);
        assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.text());
    };
    step(0, "classification", json!({"criticality": "critical"}));
    step(1, "assignment", json!({"assignee_id": technician.id()}));
    step(2, "acceptance", json!({}));
    step(3, "hold", json!({"reason": "Se espera el repuesto."}));
    step(4, "resumption", json!({}));
    step(5, "followups", json!({"visibility": "public", "body": "Vamos."}));
    step(6, "solution", json!({"description": "Se cambió."}));
    step(7, "reopening", json!({"reason": "Sigue igual."}));
    step(8, "solution", json!({"description": "Se cambió otra vez."}));
    step(9, "closure", json!({}));
    requester.get(&one).ok()
}

#[test]
#[ignore = "needs libfaketime: .ci/faults"]
fn sign_in_mail_and_tickets_work_while_the_clock_is_set_forwards_and_back() {
    let place = Place::new();
    fs::create_dir(place.data()).unwrap();
    let Some(clock) = Clock::find(&place.data()) else {
        skip("clock changes: libfaketime is not installed");
        return;
    };
    let mail = MailServer::start();
    let path = format!("{}:{}", clock.programs(&place.data()).display(), std::env::var("PATH").unwrap());
    let smtp = mail.url();
    let mut variables: Vec<(&str, &str)> =
        clock.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    variables.extend([
        ("PATH", path.as_str()),
        ("MESA_SMTP_URL", smtp.as_str()),
        ("MESA_MAIL_FROM", "mesa@mesa.test"),
        ("MESA_PUBLIC_URL", "https://mesa.example"),
    ]);
    let mut running = Running::start(server(&place.data().join("desk"), &variables));
    let mut beside = PgConnection::establish(&desk_url(&place)).unwrap();
    beside.batch_execute(COUNT_ROUNDS).unwrap();
    let began = Instant::now();
    let requester = sign_in(&running, "requester");
    let is_clocked = |client: &Client, ahead: i64| {
        let at = client.register("¿Qué hora es?");
        let off = (moment(&at["received_at"]) - Utc::now()).num_seconds() - ahead;
        assert!(off.abs() < 5, "PostgreSQL's clock is {off} s off");
    };
    is_clocked(&requester, 0);

    // One hour forwards: earlier access tokens have expired and get 401; a refresh returns a valid one.
    let login = json!({"email": "requester@mesa.test", "password": PASSWORD});
    let session = running.client().post("/auth/login", login.clone()).ok();
    clock.set(HOUR);
    requester.get("/me").problem(401, "unauthenticated");
    let renewed =
        running.client().post("/auth/refresh", json!({"refresh_token": session["refresh_token"]})).ok();
    let ahead = requester.holding(renewed["access_token"].as_str().unwrap());
    is_clocked(&ahead, HOUR);
    let ticket = ahead.register("Una hora por delante");
    within(Duration::from_secs(10), "mail is sent", || {
        mail.mail().iter().any(|mail| mail.subject().contains("Una hora por delante"))
    });

    // Back again: an access token issued in the future gets 401, and its refresh token still works.
    let queued = ahead.register("Por delante")["id"].clone();
    clock.set(0);
    ahead.get("/me").problem(401, "unauthenticated");
    let renewed =
        running.client().post("/auth/refresh", json!({"refresh_token": renewed["refresh_token"]})).ok();
    let requester = requester.holding(renewed["access_token"].as_str().unwrap());
    assert_eq!(requester.get(&format!("/tickets/{}", ticket["id"])).ok()["subject"], "Una hora por delante");
    // A token issued 20 s in the future is accepted: the clock of another machine may be ahead by that much.
    clock.set(20);
    let session = running.client().post("/auth/login", login).ok();
    clock.set(0);
    assert_eq!(requester.holding(session["access_token"].as_str().unwrap()).get("/me").status, 200);

    // Mail that was queued while the clock was ahead is sent without waiting for that time.
    within(Duration::from_secs(30), "mail queued one hour ahead is sent", || {
        count(
            &mut beside,
            &format!(
                "SELECT count(*) AS count FROM messages WHERE status = 'waiting' AND ticket_id = {queued}"
            ),
        ) == 0
    });

    // The first step is ten minutes after reception. Before each further step the clock goes back 5 s, which
    // keeps the tokens valid: every step succeeds, and due times are computed from reception.
    let (requester, technician) = (sign_in(&running, "requester"), sign_in(&running, "technician"));
    let closed = life(&requester, &technician, &|number| clock.set(600 - 5 * i64::try_from(number).unwrap()));
    assert_eq!(closed["status"], "closed");
    let due: DateTime<Utc> = moment(&closed["attention_due_at"]);
    let allowed = due - moment(&closed["received_at"]);
    assert!((allowed - TimeDelta::hours(1)).abs() < TimeDelta::minutes(4), "{allowed}");
    clock.set(0);
    let director = sign_in(&running, "director");
    for path in ["attention", "events", "timeline"] {
        assert_eq!(director.get(&format!("/tickets/{}/{path}", closed["id"])).status, 200, "{path}");
    }
    let (today, tomorrow) = (Utc::now().date_naive(), Utc::now().date_naive() + TimeDelta::days(1));
    assert_eq!(director.get(&format!("/statistics?from_date={today}&through_date={tomorrow}")).status, 200);

    // The routine still runs every 15 seconds, because it waits by the monotonic clock.
    let mut rounds = || count(&mut beside, "SELECT count(*) AS count FROM rounds");
    let before = rounds();
    for ahead in [-HOUR, HOUR, -HOUR, 0] {
        clock.set(ahead);
        std::thread::sleep(Duration::from_millis(1500));
    }
    within(Duration::from_secs(20), "the desk is ready", || {
        running.client().get("//health/ready").status == 200
    });
    within(Duration::from_secs(30), "another round", || rounds() > before);
    let (gone, at_most) = (rounds(), began.elapsed().as_secs() / 15 + 2);
    assert!(gone <= i64::try_from(at_most).unwrap(), "{gone} rounds in {:?}", began.elapsed());
    let verified = director.get("/audit/verification").ok();
    assert_eq!(verified["broken"], json!([]), "{verified}");
    assert!(running.signal(Signal::SIGTERM).success());
}

/// Records each round of the routine, by the `DELETE` of expired idempotency keys that every round runs.
const COUNT_ROUNDS: &str = "CREATE TABLE rounds (); \
    CREATE FUNCTION one_more() RETURNS trigger LANGUAGE plpgsql AS \
        'BEGIN INSERT INTO rounds DEFAULT VALUES; RETURN NULL; END'; \
    CREATE TRIGGER one_more AFTER DELETE ON idempotency_keys EXECUTE FUNCTION one_more()";

/// The URL of the desk's private PostgreSQL.
fn desk_url(place: &Place) -> String {
    let desk = place.data().join("desk");
    let password = fs::read_to_string(desk.join("postgres.password")).unwrap();
    let run = fs::canonicalize(desk.join("postgres/run")).unwrap().to_str().unwrap().replace('/', "%2F");
    format!("postgresql://mesa:{}@/mesa?port=5432&host={run}", password.trim())
}
