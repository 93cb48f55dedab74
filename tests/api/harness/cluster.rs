//! One PostgreSQL for all tests of a run, and a database of its own for each, copied from a migrated template.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl};
use mesa::db::private::PrivatePostgres;
use mesa::people::demo;
use mesa::server;

/// The password of every demo account.
pub const PASSWORD: &str = "una-clave-de-prueba";

struct Cluster {
    private: PrivatePostgres,
    /// Reads from us as long as this process lives; see `stop_with_us`.
    _shell: Child,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static NUMBER: AtomicU32 = AtomicU32::new(1);

impl Cluster {
    fn get() -> &'static Self {
        CLUSTER.get_or_init(|| {
            // Silent unless RUST_LOG asks for it.
            let _ = env_logger::builder().is_test(true).try_init();
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("desk");
            let private = PrivatePostgres::start(&folder).unwrap();
            let cluster = Cluster { private, _shell: stop_with_us(&folder) };
            cluster.prepare();
            cluster
        })
    }

    fn url(&self, database: &str) -> String {
        self.private.url().replacen("@/mesa?", &format!("@/{database}?"), 1)
    }

    /// Forgets what earlier runs left, and makes the template.
    fn prepare(&self) {
        let mut admin = self.admin();
        // What the tests write need not outlive a power cut.
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            admin.batch_execute(&format!("ALTER SYSTEM SET {setting} = off")).unwrap();
        }
        admin.batch_execute("SELECT pg_reload_conf()").unwrap();
        let left: Vec<Name> = diesel::sql_query(
            "SELECT datname::text AS name FROM pg_database WHERE datname LIKE 'test\\_%' OR datname = 'template'",
        )
        .load(&mut admin)
        .unwrap();
        for Name { name } in left {
            admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
        }
        admin.batch_execute("CREATE DATABASE template").unwrap();
        let url = self.url("template");
        server::migrate(&url).unwrap();
        demo::prepare(&mut PgConnection::establish(&url).unwrap(), PASSWORD).unwrap();
    }

    fn admin(&self) -> PgConnection {
        PgConnection::establish(&self.url("mesa")).unwrap()
    }
}

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

/// Stops the cluster when this process ends, however it ends: a shell reads from us until there is nobody to read from.
fn stop_with_us(folder: &Path) -> Child {
    let pid = std::fs::read_to_string(folder.join("postgres/cluster/postmaster.pid")).unwrap();
    let script = format!("cat > /dev/null; kill -INT {}", pid.lines().next().unwrap());
    Command::new("sh").arg("-c").arg(script).stdin(Stdio::piped()).process_group(0).spawn().unwrap()
}

/// A database for one test; gone with it.
pub struct Database {
    pub name: String,
    pub url: String,
}

impl Database {
    /// Migrated, with one account a role, a unit and a few categories.
    pub fn from_template() -> Self {
        Self::create(" TEMPLATE template")
    }

    /// With nothing in it.
    pub fn empty() -> Self {
        Self::create("")
    }

    fn create(how: &str) -> Self {
        let cluster = Cluster::get();
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        cluster.admin().batch_execute(&format!("CREATE DATABASE {name}{how}")).unwrap();
        Database { url: cluster.url(&name), name }
    }

    pub fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.url).unwrap()
    }

    /// Runs SQL beside the API: to let time pass, or to look at what only the database shows.
    pub fn run(&self, sql: &str) {
        self.connect().batch_execute(sql).unwrap();
    }

    /// Changes with every change of any row of any table.
    pub fn fingerprint(&self) -> Vec<(String, String)> {
        let mut connection = self.connect();
        let tables: Vec<Name> = diesel::sql_query(
            "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
        )
        .load(&mut connection)
        .unwrap();
        let mut prints = Vec::new();
        for Name { name } in tables {
            let sql = format!(
                "SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') AS name FROM \"{name}\" t"
            );
            let print: Name = diesel::sql_query(sql).get_result(&mut connection).unwrap();
            prints.push((name, print.name));
        }
        prints
    }

    /// What a `SELECT count(*)` says.
    pub fn count(&self, sql: &str) -> i64 {
        let sql = format!("SELECT ({sql})::bigint AS count");
        diesel::sql_query(sql).get_result::<Count>(&mut self.connect()).unwrap().count
    }
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        if let Err(error) = Cluster::get().admin().batch_execute(&drop) {
            eprintln!("{} stays: {error}", self.name);
        }
    }
}
