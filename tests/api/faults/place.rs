//! The server under test: a separate process, on the PostgreSQL of the other tests or on a private one.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use mesa::people::demo;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::binary::{Running, mesa};
use crate::harness::{Client, Database, PASSWORD};

/// A number from the environment, so that the same test can run for longer.
pub fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// A server with the environment of these tests and further variables.
pub fn server(data: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = mesa(variables);
    command.env("MESA_LISTEN", "127.0.0.1:0").env("MESA_DATA_DIR", data).env("MESA_RATE_LIMIT", "0");
    command.env("MESA_DEMO_PASSWORD", PASSWORD).env("RUST_LOG", "info,mesa=debug");
    command
}

/// A server on a database of the other tests' PostgreSQL.
pub fn on(database: &Database, data: &Path, variables: &[(&str, &str)]) -> Command {
    demo::prepare(&mut database.connect(), PASSWORD).unwrap();
    let mut command = server(data, variables);
    command.env("DATABASE_URL", &database.url).env("MESA_JWT_SECRET", crate::harness::SECRET);
    command
}

/// Signs in as the demo account of this role.
pub fn sign_in(server: &Running, role: &str) -> Client {
    let email = format!("{role}@mesa.test");
    let session = server.client().post("/auth/login", json!({"email": email, "password": PASSWORD})).ok();
    let client = server.client().holding(session["access_token"].as_str().unwrap());
    let me = client.get("/me").ok();
    Client::new(server.url.clone(), session["access_token"].as_str().map(str::to_owned), me)
}

/// Waits until `is_so` returns true, at most `limit`. Returns the time it took.
#[track_caller]
pub fn within(limit: Duration, what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    began.elapsed()
}

/// The exit status of the server, if it ends within this time.
pub fn ended(running: &mut Running, limit: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    while began.elapsed() < limit {
        if let Some(status) = running.child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

/// A data folder that PostgreSQL's user may enter, removed on drop.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.exists() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() };
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Place { folder }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The process id of the private PostgreSQL, if it is running.
    pub fn postmaster(&self) -> Option<i32> {
        postmaster(&self.data())
    }

    /// The URL of the private PostgreSQL's database, for access without the API.
    pub fn url(&self) -> String {
        let password = fs::read_to_string(self.data().join("postgres.password")).unwrap();
        let run = self.data().join("postgres/run");
        let run = fs::canonicalize(run).unwrap().to_str().unwrap().replace('/', "%2F");
        format!("postgresql://mesa:{}@/mesa?port=5432&host={run}", password.trim())
    }
}

/// The process id of the PostgreSQL in this data folder, if it is running.
pub fn postmaster(data: &Path) -> Option<i32> {
    let file = fs::read_to_string(data.join("postgres/cluster/postmaster.pid")).ok()?;
    let pid: i32 = file.lines().next()?.parse().ok()?;
    kill(Pid::from_raw(pid), None).ok().map(|()| pid)
}

/// The child processes of a process.
pub fn children(pid: i32) -> Vec<i32> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listed.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

pub fn signal(pid: i32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid), signal);
}
