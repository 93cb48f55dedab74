//! One PostgreSQL cluster for all tests of a run, and a separate database for each test, copied from a migrated
//! template.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl};
use mesa::db::private::PrivatePostgres;
use mesa::db::server_role;
use mesa::people::demo;
use mesa::server;
use tempfile::TempDir;

/// The password of every demo account.
pub const PASSWORD: &str = "una-clave-de-prueba";

struct Cluster {
    private: PrivatePostgres,
    /// The log file of PostgreSQL.
    log: PathBuf,
    /// The connection that creates databases.
    admin: Mutex<PgConnection>,
    /// The connection that drops databases. It is separate because dropping takes longer.
    sweeper: Mutex<PgConnection>,
    /// PostgreSQL's major version.
    version: i64,
    /// The shell that stops the cluster when this process ends; see `stop_when_process_ends`.
    _shell: Child,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(1);

impl Cluster {
    fn get() -> &'static Self {
        CLUSTER.get_or_init(|| {
            super::logs::watch();
            let folder = TempDir::with_prefix_in("mesa-tests-", place()).unwrap().keep();
            // PostgreSQL may have to run as a different user than the tests.
            fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
            let private = PrivatePostgres::start(&folder).unwrap();
            let shell = stop_when_process_ends(&folder);
            trust_the_socket(&folder);
            let connect = || Mutex::new(PgConnection::establish(private.url()).unwrap());
            let (admin, sweeper) = (connect(), connect());
            let log = folder.join("postgres/postgres.log");
            let version = count(
                &mut admin.lock().unwrap(),
                "SELECT current_setting('server_version_num')::integer / 10000",
            );
            let cluster = Cluster { private, log, admin, sweeper, version, _shell: shell };
            cluster.prepare();
            cluster
        })
    }

    fn url(&self, database: &str) -> String {
        in_database(self.private.url(), database)
    }

    /// Creates the template database.
    fn prepare(&self) {
        let mut admin = self.admin.lock().unwrap();
        // Test data need not survive a crash. The WAL stays small because the cluster may be in memory.
        for setting in [
            "fsync = off",
            "synchronous_commit = off",
            "full_page_writes = off",
            "autovacuum = off",
            "max_wal_size = '128MB'",
            "log_line_prefix = '%m [%p] %d '",
        ] {
            admin.batch_execute(&format!("ALTER SYSTEM SET {setting}")).unwrap();
        }
        admin.batch_execute("SELECT pg_reload_conf()").unwrap();
        admin.batch_execute("CREATE DATABASE template").unwrap();
        let url = self.url("template");
        server::migrate(&url).unwrap();
        let mut template = PgConnection::establish(&url).unwrap();
        demo::prepare(&mut template, PASSWORD).unwrap();
        // The password is not used, because connections over the socket are trusted.
        server_role::grant(&mut template, server_role::PRIVATE, Some("unused")).unwrap();
    }
}

fn in_database(url: &str, database: &str) -> String {
    url.replacen("@/mesa?", &format!("@/{database}?"), 1)
}

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

/// Trusts every connection over the socket: it is in a private folder, and verifying a password would cost thousands
/// of hashes per connection.
fn trust_the_socket(folder: &Path) {
    fs::write(folder.join("postgres/cluster/pg_hba.conf"), "local all all trust\n").unwrap();
}

/// The folder for the cluster: in memory if enough is free, because every test creates and drops a database of about a
/// thousand files.
fn place() -> &'static Path {
    let memory = Path::new("/dev/shm");
    let free = Command::new("df").arg("-Pk").arg(memory).output().ok().and_then(|output| {
        let text = String::from_utf8(output.stdout).ok()?;
        text.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()
    });
    let enough = free.is_some_and(|kibibytes| kibibytes > 1024 * 1024);
    if enough { memory } else { Path::new(env!("CARGO_TARGET_TMPDIR")) }
}

/// Starts a shell that stops the cluster and removes its folder when this process ends for any reason: the standard
/// input of the shell closes then.
fn stop_when_process_ends(folder: &Path) -> Child {
    let pid = fs::read_to_string(folder.join("postgres/cluster/postmaster.pid")).unwrap();
    let script = r#"cat > /dev/null; kill -INT "$1"; while kill -0 "$1" 2> /dev/null; do sleep 0.1; done
        rm -rf "$(readlink -f "$2/postgres")" "$2""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh", pid.lines().next().unwrap()]).arg(folder);
    shell.stdin(Stdio::piped()).process_group(0).spawn().unwrap()
}

/// A database for one test. It is dropped together with this value.
pub struct Database {
    pub name: String,
    /// The URL for the superuser, who owns the tables.
    pub url: String,
    /// The URL for the role of the server.
    pub server_url: String,
    /// The connection for direct queries, opened on first use.
    beside: Mutex<Option<PgConnection>>,
}

impl Database {
    /// A migrated database with one account per role, a unit and a few categories.
    pub fn from_template() -> Self {
        // PostgreSQL 14 always copies files and has no `STRATEGY` option.
        let strategy = if Cluster::get().version >= 15 { " STRATEGY file_copy" } else { "" };
        Self::create(&format!(" TEMPLATE template{strategy}"))
    }

    /// An empty database.
    pub fn empty() -> Self {
        Self::create("")
    }

    fn create(how: &str) -> Self {
        let cluster = Cluster::get();
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        cluster.admin.lock().unwrap().batch_execute(&format!("CREATE DATABASE {name}{how}")).unwrap();
        let url = cluster.url(&name);
        let server_url = in_database(cluster.private.server_url(), &name);
        Database { url, server_url, name, beside: Mutex::default() }
    }

    /// Grants the role of the server access to tables that do not come from the template.
    pub fn grant_to_server(&self) {
        self.ask(|db| server_role::grant(db, server_role::PRIVATE, None)).unwrap();
    }

    /// A new connection as the superuser.
    pub fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.url).unwrap()
    }

    /// The PostgreSQL log so far, of all databases.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&Cluster::get().log).unwrap()).into_owned()
    }

    /// Runs a query directly on the database, on a connection that is kept for this purpose.
    pub fn ask<T>(&self, question: impl FnOnce(&mut PgConnection) -> T) -> T {
        // A query that panicked leaves no partial result, so a poisoned lock can be used.
        let mut beside = self.beside.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        question(beside.get_or_insert_with(|| self.connect()))
    }

    /// Executes SQL directly on the database, for example to shift times into the past.
    pub fn run(&self, sql: &str) {
        self.ask(|db| db.batch_execute(sql)).unwrap();
    }

    /// Inserts `count` more tickets like the first one, without the API and without a history.
    pub fn copies_of_the_first_ticket(&self, count: usize) {
        self.run(&format!(
            "INSERT INTO tickets (subject, description, channel, requester_id, requester_full_name, \
                 requester_document_id, requester_email, requester_mobile, requester_unit_id, requester_unit_name, \
                 registered_by_id, received_at, updated_at) \
             SELECT subject, description, channel, requester_id, requester_full_name, requester_document_id, \
                 requester_email, requester_mobile, requester_unit_id, requester_unit_name, registered_by_id, \
                 received_at, updated_at FROM tickets, generate_series(1, {count}) WHERE id = 1"
        ));
    }

    /// Fills the database with five quarters of data, identical in every run. The table `seed` records what happened
    /// to each ticket.
    pub fn five_quarters(&self, tickets: usize) {
        self.run(&include_str!("quarters.sql").replace("{count}", &tickets.to_string()));
    }

    /// A hash of the rows of each table.
    pub fn fingerprint(&self) -> Vec<(String, String)> {
        self.ask(fingerprint)
    }

    /// The result of a `SELECT count(*)`.
    pub fn count(&self, sql: &str) -> i64 {
        self.ask(|db| count(db, sql))
    }
}

fn count(db: &mut PgConnection, sql: &str) -> i64 {
    let sql = format!("SELECT ({sql})::bigint AS count");
    diesel::sql_query(sql).get_result::<Count>(db).unwrap().count
}

fn fingerprint(db: &mut PgConnection) -> Vec<(String, String)> {
    let tables: Vec<Name> = diesel::sql_query(
        "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
    )
    .load(db)
    .unwrap();
    let mut prints = Vec::new();
    for Name { name } in tables {
        let sql = format!(
            "SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') AS name FROM \"{name}\" t"
        );
        let print: Name = diesel::sql_query(sql).get_result(db).unwrap();
        prints.push((name, print.name));
    }
    prints
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

impl Drop for Database {
    fn drop(&mut self) {
        // In the background, because PostgreSQL waits some time for open connections. Databases that remain when the
        // tests end are removed with the cluster.
        let name = self.name.clone();
        std::thread::spawn(move || {
            let mut sweeper = Cluster::get().sweeper.lock().unwrap();
            if let Err(error) = sweeper.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")) {
                eprintln!("cannot drop {name}: {error}");
            }
        });
    }
}
