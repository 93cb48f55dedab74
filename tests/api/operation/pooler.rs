//! PgBouncer in transaction mode between a server and PostgreSQL.

use std::collections::HashSet;

use diesel::prelude::*;
use tempfile::TempDir;

use crate::faults::place::server;
use crate::harness::binary::Running;
use crate::harness::pooler::{Pooler, program};
use crate::harness::{Database, SECRET};

#[derive(QueryableByName)]
struct Session {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    pid: i32,
    #[diesel(sql_type = diesel::sql_types::Text)]
    limits: String,
}

/// What a server prints that does not start.
fn refused(variables: &[(&str, &str)]) -> String {
    let data = TempDir::new().unwrap();
    let output = server(data.path(), variables).env("MESA_JWT_SECRET", SECRET).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
#[ignore = "needs PgBouncer: .ci/operation"]
fn a_pooler_in_transaction_mode_is_used_as_one_or_refused() {
    let database = Database::from_template();
    let direct = database.server_url.as_str();
    let program = program().expect("MESA_TEST_POOLER names PgBouncer");
    let pooler = Pooler::start(&program, direct, 200);
    let pooled = pooler.url_of(direct);
    let said = refused(&[("DATABASE_URL", &pooled)]);
    assert!(said.contains("set MESA_DIRECT_DATABASE_URL"), "{said}");
    // It set nothing for a session, which would be that of others.
    let mut client = PgConnection::establish(&pooled).unwrap();
    let set =
        diesel::sql_query("SELECT pg_backend_pid() AS pid, current_setting('statement_timeout') AS limits");
    assert_eq!(set.get_result::<Session>(&mut client).unwrap().limits, "0");

    let without = Pooler::start(&program, direct, 0);
    let said = refused(&[("DATABASE_URL", &without.url_of(direct)), ("MESA_DIRECT_DATABASE_URL", direct)]);
    assert!(said.contains("PgBouncer 1.21 or later with max_prepared_statements above 0"), "{said}");

    let data = TempDir::new().unwrap();
    let mut command = server(data.path(), &[("DATABASE_URL", &pooled), ("MESA_DIRECT_DATABASE_URL", direct)]);
    command.env("MESA_JWT_SECRET", SECRET);
    let running = Running::start(command);
    assert_eq!(running.client().get("//health/ready").status, 200);
    // What a transaction of a pooler gets has the limits of the role, and three sessions serve all connections.
    let another = Pooler::start(&program, direct, 200);
    let another = another.url_of(direct);
    let mut clients: Vec<PgConnection> = (0..6).map(|_| PgConnection::establish(&another).unwrap()).collect();
    let mut sessions = HashSet::new();
    for client in &mut clients {
        let session: Session = diesel::sql_query(
            "SELECT pg_backend_pid() AS pid, concat_ws(' ', current_setting('statement_timeout'), \
             current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')) AS limits",
        )
        .get_result(client)
        .unwrap();
        sessions.insert(session.pid);
        assert_eq!(session.limits, "15s 5s 30s");
    }
    assert!(sessions.len() <= 3, "{sessions:?}");
}
