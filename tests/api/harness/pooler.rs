//! PgBouncer in transaction mode between the servers and PostgreSQL. Used if `MESA_TEST_POOLER` names the program.

use std::fs::{self, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use nix::unistd::{Uid, User};
use tempfile::TempDir;

/// Fewer sessions than a server has connections, so that they share them.
const SESSIONS: u32 = 3;

/// A PgBouncer that ends with this process.
pub struct Pooler {
    port: u16,
    _process: Child,
    _folder: TempDir,
}

/// The program, if one is named.
pub fn program() -> Option<PathBuf> {
    std::env::var_os("MESA_TEST_POOLER").map(PathBuf::from)
}

/// The URL of this database through the pooler of all tests, if one is wanted.
pub fn before(url: &str) -> Option<String> {
    static POOLER: OnceLock<Option<Pooler>> = OnceLock::new();
    let pooler = POOLER.get_or_init(|| program().map(|program| Pooler::start(&program, url, 200)));
    pooler.as_ref().map(|pooler| pooler.url_of(url))
}

impl Pooler {
    /// The URL of this database through the pooler.
    pub fn url_of(&self, url: &str) -> String {
        let database = url.split("@/").nth(1).and_then(|rest| rest.split('?').next()).unwrap();
        let user = url.split("://").nth(1).and_then(|rest| rest.split(':').next()).unwrap();
        format!("postgresql://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// Starts it before the PostgreSQL of this URL, which has its socket in a folder; it keeps so many prepared
    /// statements.
    pub fn start(program: &Path, url: &str, prepared: u32) -> Self {
        let url = url::Url::parse(&url.replacen("@/", "@host/", 1)).unwrap();
        let value =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let at = folder.path().display();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {at}/users\npool_mode = transaction\n\
             default_pool_size = {SESSIONS}\nmax_client_conn = 2000\nmax_prepared_statements = {prepared}\n\
             logfile = {at}/log\n",
            value("host").unwrap(),
            value("port").unwrap_or_else(|| "5432".to_owned()),
        );
        fs::write(folder.path().join("pgbouncer.ini"), settings).unwrap();
        fs::write(folder.path().join("users"), "\"mesa_server\" \"\"\n\"mesa\" \"\"\n").unwrap();
        // The shell stops it when this process ends for any reason: its standard input closes then.
        let script = r#""$0" "$1" & cat > /dev/null; kill "$!""#;
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(program).arg(folder.path().join("pgbouncer.ini"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        if Uid::effective().is_root() {
            let user = User::from_name("postgres").unwrap().expect("a user `postgres`");
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let pooler = Pooler { port, _process: command.spawn().unwrap(), _folder: folder };
        let accepts = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        assert!(accepts, "the pooler does not accept connections");
        pooler
    }
}
