//! The binary: start, stop, kill, and the messages when it cannot start.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use serde_json::json;
use tempfile::TempDir;

use crate::harness::binary::{Running, mesa, program};
use crate::harness::logs;
use crate::harness::{Database, skip};

/// The user id of `nobody`, for tests that root runs as an ordinary user.
const NOBODY: u32 = 65534;

fn at(folder: &Path) -> [(&'static str, String); 3] {
    [
        ("MESA_LISTEN", "127.0.0.1:0".to_owned()),
        ("MESA_DATA_DIR", folder.to_str().unwrap().to_owned()),
        ("MESA_DEMO_PASSWORD", "una-clave-de-prueba".to_owned()),
    ]
}

fn serve(folder: &Path) -> Command {
    let variables = at(folder);
    mesa(&variables.each_ref().map(|(name, value)| (*name, value.as_str())))
}

/// The process id of the private PostgreSQL, if it is running.
fn postgres(folder: &Path) -> Option<i32> {
    let file = fs::read_to_string(folder.join("postgres/cluster/postmaster.pid")).ok()?;
    let pid: i32 = file.lines().next()?.parse().ok()?;
    kill(Pid::from_raw(pid), None).ok().map(|()| pid)
}

fn sign_in(server: &Running) {
    for role in ["requester", "technician", "professional", "director"] {
        let email = format!("{role}@mesa.test");
        assert!(server.greeting.contains(&email), "{}", server.greeting);
        server.client().post("/auth/login", json!({"email": email, "password": "una-clave-de-prueba"})).ok();
    }
}

/// A data folder. If the files of PostgreSQL are stored elsewhere, they are removed with it.
struct DataDir {
    folder: TempDir,
    data: PathBuf,
}

impl DataDir {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        DataDir { folder, data }
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if let Ok(elsewhere) = fs::read_link(self.data.join("postgres")) {
            let _ = fs::remove_dir_all(elsewhere);
        }
    }
}

#[test]
fn a_standalone_server_starts_stops_and_continues_after_a_kill() {
    let dir = DataDir::new();
    // Like the home folder of root: no other user may enter it.
    fs::set_permissions(dir.folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let mut server = Running::start(serve(&dir.data));
    sign_in(&server);
    let login = json!({"email": "requester@mesa.test", "password": "una-clave-de-prueba"});
    let token = server.client().post("/auth/login", login).ok()["access_token"].clone();
    let ticket = server.client().holding(token.as_str().unwrap()).register("Sin red");

    // A second server in the same folder is rejected; a command uses the PostgreSQL that is running.
    let refused = serve(&dir.data).output().unwrap();
    assert!(
        !refused.status.success() && text(&refused).contains("another Mesa is running"),
        "{}",
        text(&refused)
    );
    let joined = serve(&dir.data).arg("migrate").output().unwrap();
    assert!(joined.status.success() && text(&joined).contains("0 migrations applied"), "{}", text(&joined));

    // After a kill PostgreSQL continues to run, and the next server uses it. Tokens remain valid because the secret is
    // kept.
    server.signal(Signal::SIGKILL);
    let left = postgres(&dir.data).expect("PostgreSQL continues after the server is killed");
    let mut server = Running::start(serve(&dir.data));
    assert_eq!(postgres(&dir.data), Some(left));
    let kept =
        server.client().holding(token.as_str().unwrap()).get(&format!("/tickets/{}", ticket["id"])).ok();
    assert_eq!(kept["subject"], "Sin red");

    // A demo unit with a changed name does not prevent a start.
    let login = json!({"email": "director@mesa.test", "password": "una-clave-de-prueba"});
    let token = server.client().post("/auth/login", login).ok()["access_token"].clone();
    let director = server.client().holding(token.as_str().unwrap());
    let unit = director.get("/units").items()[0]["id"].clone();
    director
        .patch(&format!("/units/{}", unit.as_str().unwrap()), json!({"name": "SECRETARIA DE HACIENDA"}))
        .ok();

    // SIGTERM and SIGINT stop the server and PostgreSQL.
    assert!(server.signal(Signal::SIGTERM).success());
    assert_eq!(postgres(&dir.data), None);
    let mut own_password = serve(&dir.data);
    own_password.env_remove("MESA_DEMO_PASSWORD");
    let mut server = Running::start(own_password);
    assert!(server.signal(Signal::SIGINT).success());
    assert_eq!(postgres(&dir.data), None);

    // Secret files can be read only by this user.
    for name in ["jwt.secret", "demo.password"] {
        let mode = fs::metadata(dir.data.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn server_and_postgresql_killed_together_start_again() {
    let dir = DataDir::new();
    let mut server = Running::start(serve(&dir.data));
    kill(Pid::from_raw(postgres(&dir.data).unwrap()), Signal::SIGKILL).unwrap();
    server.signal(Signal::SIGKILL);
    let server = Running::start(serve(&dir.data));
    sign_in(&server);
}

#[test]
fn an_ordinary_user_can_start_a_server() {
    if !Uid::effective().is_root() {
        skip("the start as an ordinary user from a root shell: the current user is not root");
        return;
    }
    let dir = DataDir::new();
    let folder = dir.folder.path();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(&dir.data).unwrap();
    chown(&dir.data, Some(NOBODY), Some(NOBODY)).unwrap();
    // The binary may be in a folder that an ordinary user cannot enter.
    let binary = folder.join("mesa");
    fs::copy(program(), &binary).unwrap();
    let mut command = Command::new(&binary);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).envs(at(&dir.data));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.current_dir(folder).uid(NOBODY).gid(NOBODY);
    let mut server = Running::start(command);
    sign_in(&server);
    // SIGHUP, which a closed terminal sends, stops it as well.
    assert!(server.signal(Signal::SIGHUP).success());
    // Root can start a server on data that an ordinary user created.
    let server = Running::start(serve(&dir.data));
    sign_in(&server);
}

#[test]
fn two_copies_that_start_together_share_one_database() {
    let database = Database::empty();
    let data = TempDir::new().unwrap();
    let command = || {
        mesa(&[
            ("DATABASE_URL", database.url.as_str()),
            ("MESA_JWT_SECRET", "a secret of thirty-two bytes or more"),
            ("MESA_LISTEN", "127.0.0.1:0"),
            ("MESA_DATA_DIR", data.path().to_str().unwrap()),
        ])
    };
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| Running::start(command()));
        (Running::start(command()), one.join().unwrap())
    });
    assert_ne!(one.url, two.url);
    for server in [&one, &two] {
        assert_eq!(server.client().get("//health/ready").status, 200);
        assert!(!server.greeting.contains("@mesa.test"), "no demo accounts in an external database");
    }
    // The first director is created on the command line.
    let mut create = command();
    create.args([
        "user",
        "create",
        "--email",
        "ana@example.gov.co",
        "--role",
        "director",
        "--full-name",
        "Ana Restrepo",
    ]);
    let mut child = create.stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"una-clave-de-prueba\n").unwrap();
    assert!(child.wait().unwrap().success());
    for (email, password, named) in
        [("ÑU@y", "una-clave-de-prueba", "email"), ("b@example.gov.co", "corta", "password")]
    {
        let mut refused = command();
        refused.args(["user", "create", "--email", email, "--role", "director", "--full-name", "Ana"]);
        let mut child = refused.stdin(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), password.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(!output.status.success() && text(&output).contains(named), "{}", text(&output));
    }
    let login = json!({"email": "ana@example.gov.co", "password": "una-clave-de-prueba"});
    let session = one.client().post("/auth/login", login).ok();
    let me = two.client().holding(session["access_token"].as_str().unwrap()).get("/me").ok();
    assert_eq!((&me["role"], &me["full_name"]), (&json!("director"), &json!("Ana Restrepo")));
}

fn text(output: &Output) -> String {
    logs::look_through(&String::from_utf8_lossy(&output.stderr));
    logs::hold();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_port_in_use_is_reported_before_anything_is_created() {
    let dir = DataDir::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let output = serve(&dir.data).env("MESA_LISTEN", &address).output().unwrap();
    assert!(!output.status.success());
    assert!(
        text(&output).contains(&format!("{address} is in use")) && text(&output).contains("MESA_LISTEN"),
        "{}",
        text(&output)
    );
    assert!(!dir.data.exists());
}

#[test]
fn an_invalid_setting_is_reported_with_its_name_and_expected_value() {
    for (variables, named) in [
        (vec![("MESA_LISTEN", "everywhere")], "MESA_LISTEN: expected an address and a port"),
        (vec![("MESA_TIMEZONE", "Bogota")], "MESA_TIMEZONE: expected the name of a time zone"),
        (vec![("DATABASE_URL", "mysql://x")], "DATABASE_URL: expected postgresql://"),
        (vec![("DATABASE_URL", "postgresql://x@localhost/x")], "MESA_JWT_SECRET: required"),
        (vec![("MESA_JWT_SECRET", "short")], "MESA_JWT_SECRET: expected 32 bytes or more"),
        (vec![("MESA_POOL_SIZE", "many")], "MESA_POOL_SIZE: expected a number"),
        (vec![("MESA_SMTP_URL", "smtp://mail.example")], "MESA_MAIL_FROM: required if MESA_SMTP_URL is set"),
        (vec![("MESA_DATA_DIR", "/proc/nowhere")], "MESA_DATA_DIR"),
    ] {
        let mut command = mesa(&variables);
        if !variables.iter().any(|(name, _)| *name == "MESA_LISTEN") {
            command.env("MESA_LISTEN", "127.0.0.1:0");
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output).contains(named), "{variables:?}: {}", text(&output));
    }
    let unreachable = mesa(&[
        ("DATABASE_URL", "postgresql://mesa:secret@127.0.0.1:1/mesa"),
        ("MESA_JWT_SECRET", "a secret of thirty-two bytes or more"),
    ])
    .arg("migrate")
    .output()
    .unwrap();
    assert!(
        text(&unreachable).contains("cannot connect to the database (DATABASE_URL)"),
        "{}",
        text(&unreachable)
    );
    assert!(!text(&unreachable).contains("secret@"), "{}", text(&unreachable));
}

#[test]
fn the_contract_is_printed_without_a_database() {
    let output = mesa(&[]).arg("openapi").output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["info"]["title"], "Mesa");
}
