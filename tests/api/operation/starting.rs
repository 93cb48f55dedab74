//! The start of a server before its database, and what it does about the schema.

use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tempfile::TempDir;

use crate::faults::load::port;
use crate::faults::place::{server, within};
use crate::harness::binary::{Running, mesa};
use crate::harness::{Client, Database, SECRET};

/// A server process on this database that may not be ready.
struct Started {
    child: Child,
    client: Client,
    _data: TempDir,
}

impl Started {
    fn on(database: &str) -> Self {
        let (data, address) = (TempDir::new().unwrap(), port());
        let mut command = server(data.path(), &[]);
        command.env("MESA_LISTEN", &address).env("DATABASE_URL", database).env("MESA_JWT_SECRET", SECRET);
        // Nobody reads what it prints.
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let child = command.spawn().unwrap();
        let started = Started {
            child,
            client: Client::new(format!("http://{address}"), None, json!(null)),
            _data: data,
        };
        within(Duration::from_secs(60), "the port", || std::net::TcpStream::connect(&address).is_ok());
        started
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_that_starts_before_its_database_waits_for_it() {
    // Nothing listens on this port.
    let mut started = Started::on(&format!("postgresql://mesa@{}/mesa", port()));
    assert_eq!(started.client.get("//health/live").status, 200);
    started.client.get("//health/ready").problem(503, "unavailable");
    assert_eq!(started.client.get("//metrics").status, 200);
    // It also ends while it waits.
    let asked = Instant::now();
    kill(Pid::from_raw(i32::try_from(started.child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert!(started.child.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
}

#[test]
fn requests_wait_for_the_migrations_of_a_start() {
    let database = Database::from_template();
    // The lock under which another copy migrates, and something to migrate.
    let mut migrating = database.connect();
    diesel::connection::SimpleConnection::batch_execute(
        &mut migrating,
        "SELECT pg_advisory_lock(x'4d4553410001'::bigint); \
         DELETE FROM __diesel_schema_migrations WHERE version = '20261130090001'; \
         DROP FUNCTION oldest_compatible_migration()",
    )
    .unwrap();
    let started = Started::on(&database.url);
    let client = &started.client;
    within(Duration::from_secs(60), "it waits for the lock", || {
        let tries = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                     AND query LIKE 'SELECT pg_try_advisory_lock%'";
        database.count(tries) == 1
    });
    assert_eq!(client.get("//health/live").status, 200);
    client.get("//health/ready").problem(503, "unavailable");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| client.get("/desk").status);
        std::thread::sleep(Duration::from_millis(300));
        assert!(!waits.is_finished());
        drop(migrating);
        assert_eq!(waits.join().unwrap(), 401);
    });
    within(Duration::from_secs(30), "it is ready", || client.get("//health/ready").status == 200);
}

/// What a server prints that does not start.
fn refused(database: &str, variables: &[(&str, &str)]) -> String {
    let data = TempDir::new().unwrap();
    let mut command = server(data.path(), variables);
    let output = command.env("DATABASE_URL", database).env("MESA_JWT_SECRET", SECRET).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_schema_is_verified_and_a_later_one_is_refused_unless_it_says_otherwise() {
    let database = Database::from_template();
    let pending = "DELETE FROM __diesel_schema_migrations WHERE version = '20261130090001'";
    let later = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')";
    let oldest = |version: &str| {
        format!(
            "CREATE OR REPLACE FUNCTION oldest_compatible_migration() RETURNS text LANGUAGE sql AS \
             $$ SELECT '{version}' $$"
        )
    };
    // The role of the server cannot create anything, and needs not.
    let data = TempDir::new().unwrap();
    let starts = |migrate: &str| {
        let mut command = server(data.path(), &[("MESA_MIGRATE", migrate)]);
        command.env("DATABASE_URL", &database.server_url).env("MESA_JWT_SECRET", SECRET);
        let running = Running::start(command);
        assert_eq!(running.client().get("//health/ready").status, 200, "{migrate}");
        running.log()
    };
    for migrate in ["apply", "verify", "never"] {
        starts(migrate);
    }
    // A later version that this one can serve, as during an upgrade.
    database.run(later);
    for migrate in ["apply", "verify", "never"] {
        let log = starts(migrate);
        assert_eq!(log.contains("29991231000000"), migrate != "never", "{log}");
    }
    database.run(&oldest("29991231000000"));
    for migrate in ["apply", "verify"] {
        let said = refused(&database.server_url, &[("MESA_MIGRATE", migrate)]);
        assert!(said.contains("later version of Mesa (migration 29991231000000)"), "{said}");
    }
    starts("never");
    database.run(&format!(
        "{pending}; {}",
        later
            .replace("INSERT INTO", "DELETE FROM")
            .replace(" (version) VALUES ('", " WHERE version = '")
            .replace("')", "'")
    ));
    let said = refused(&database.server_url, &[("MESA_MIGRATE", "verify")]);
    assert!(said.contains("1 migration is pending"), "{said}");
    let output =
        mesa(&[("DATABASE_URL", &database.url), ("MESA_JWT_SECRET", SECRET), ("MESA_MIGRATE", "maybe")]);
    let output = { output }.output().unwrap();
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("MESA_MIGRATE: expected apply, verify or never")
    );
}

#[test]
fn unaccent_may_be_in_another_schema() {
    let database = Database::empty();
    database.run("CREATE SCHEMA extensions; CREATE EXTENSION unaccent SCHEMA extensions");
    mesa::server::migrate(&database.url).unwrap();
    assert_eq!(database.count("SELECT count(*) WHERE fold('CAÑÓN') = 'canon'"), 1);
    assert_eq!(
        database.count("SELECT count(*) WHERE to_tsvector('mesa_spanish', 'Impresión') @@ to_tsquery('mesa_spanish', 'impresion')"),
        1
    );
}
