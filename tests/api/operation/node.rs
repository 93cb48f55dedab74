//! PostgreSQL servers of a test, with replication.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use mesa::people::demo;
use nix::sys::signal::Signal;
use nix::unistd::{Uid, User};
use tempfile::TempDir;

use crate::faults::place::{children, signal};
use crate::harness::PASSWORD;

/// A server that is stopped and removed on drop.
pub struct Node {
    folder: TempDir,
    pub port: u16,
}

impl Node {
    /// A primary with an empty database `mesa`, which can have standbys.
    pub fn primary() -> Self {
        let node = Node { folder: folder(), port: free_port() };
        run(program("initdb")
            .args(["-A", "trust", "-U", "mesa", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(node.data()));
        node.configure();
        node.start();
        node.connect_to("postgres").batch_execute("CREATE DATABASE mesa").unwrap();
        node
    }

    /// A standby with everything that this primary has.
    pub fn standby(&self) -> Node {
        let node = Node { folder: folder(), port: free_port() };
        let from = format!("host=127.0.0.1 port={} user=mesa application_name=standby", self.port);
        run(program("pg_basebackup")
            .args(["-R", "--checkpoint=fast", "--no-sync", "-X", "stream", "-d", &from, "-D"])
            .arg(node.data()));
        node.configure();
        node.start();
        node
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn configure(&self) {
        let folder = self.folder.path().display();
        let settings = format!(
            "port = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\nfsync = off\n\
             full_page_writes = off\nmax_connections = 60\nwal_level = replica\nmax_wal_senders = 5\n\
             lc_messages = 'C'\nwal_keep_size = '256MB'\nhot_standby = on\n",
            self.port
        );
        fs::write(self.data().join("postgresql.conf"), settings).unwrap();
        let trust =
            "local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n";
        fs::write(self.data().join("pg_hba.conf"), trust).unwrap();
    }

    pub fn start(&self) {
        let log = self.folder.path().join("log");
        run(program("pg_ctl").args(["start", "-w", "-t", "60", "-l"]).arg(log).arg("-D").arg(self.data()));
    }

    pub fn promote(&self) {
        run(program("pg_ctl").args(["promote", "-w", "-D"]).arg(self.data()));
    }

    fn postmaster(&self) -> Option<i32> {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        pid.lines().next()?.trim().parse().ok()
    }

    /// Kills all its processes.
    pub fn kill(&self) {
        self.signal_all(Signal::SIGKILL);
    }

    /// Suspends all its processes: it confirms what it receives and never responds.
    pub fn suspend(&self) {
        self.signal_all(Signal::SIGSTOP);
    }

    fn signal_all(&self, what: Signal) {
        let Some(postmaster) = self.postmaster() else { return };
        let backends = children(postmaster);
        signal(postmaster, what);
        for backend in backends {
            signal(backend, what);
        }
    }

    pub fn connect(&self) -> PgConnection {
        self.connect_to("mesa")
    }

    fn connect_to(&self, database: &str) -> PgConnection {
        PgConnection::establish(&format!("postgresql://mesa@127.0.0.1:{}/{database}", self.port)).unwrap()
    }

    /// Executes this on a connection of its own.
    pub fn execute(&self, statement: &str) {
        self.connect().batch_execute(statement).unwrap();
    }

    /// Migrates the database, and creates the demo accounts.
    pub fn prepare(&self) {
        mesa::server::migrate(&url(&[self])).unwrap();
        demo::prepare(&mut self.connect(), PASSWORD).unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The URL of these servers, tried in this order.
pub fn url(nodes: &[&Node]) -> String {
    let hosts: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
    format!("postgresql://mesa@{}/mesa", hosts.join(","))
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// In memory if possible. PostgreSQL may run as another user.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.exists() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() };
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    folder
}

/// One of PostgreSQL's programs: of the newest installed version, or from `MESA_TEST_POSTGRES`.
fn program(name: &str) -> Command {
    let packaged = || {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
        versions.filter_map(|version| version.file_name().to_str()?.parse::<u32>().ok()).max()
    };
    let file = match (std::env::var_os("MESA_TEST_POSTGRES"), packaged()) {
        (Some(folder), _) => PathBuf::from(folder).join(name),
        (None, Some(version)) => format!("/usr/lib/postgresql/{version}/bin/{name}").into(),
        (None, None) => PathBuf::from(name),
    };
    let mut command = Command::new(file);
    if Uid::effective().is_root() {
        let user = User::from_name("postgres").unwrap().expect("a user `postgres`");
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[track_caller]
fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}
