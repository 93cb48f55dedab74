//! The private PostgreSQL: if no database is configured, Mesa runs a separate server in its data folder. It is
//! reached only by a Unix socket, and the next Mesa takes over one that is still running.
//!
//! The data folder has `lock` (held by the Mesa that the server belongs to), `postgres.password` and `postgres`, the
//! server's home: `cluster`, `run` (the socket), `postgres.log` and, if PostgreSQL had to be fetched, `install`. If
//! Mesa is root and PostgreSQL's user cannot enter the data folder, `postgres` is a link into `/var/lib/mesa`.

mod files;
mod password;
mod postmaster;
mod programs;
mod watch;

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use std::{error, ffi::OsString, fmt, thread};

use uuid::Uuid;

use super::server_role;

use postmaster::Postmaster;
use programs::{Account, Programs, output};
pub use watch::Watched;

/// The superuser of the cluster, who owns the database and its tables.
const OWNER: &str = "mesa";
/// Time limit for a server to answer; longer only if it recovers from a crash.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Time limit for another Mesa to start the server: to fetch PostgreSQL, to create the cluster and to start it.
const JOIN_LIMIT: Duration = Duration::from_secs(150);

/// The reason why there is no private PostgreSQL, as text.
#[derive(Debug)]
pub struct StartError(String);

impl StartError {
    fn new(text: impl Into<String>) -> Self {
        StartError(text.into())
    }

    /// For `map_err`: the operation that failed, and its file or folder.
    fn at<E: fmt::Display>(action: &str, path: &Path) -> impl FnOnce(E) -> Self {
        move |error| StartError(format!("cannot {action} {}: {error}", path.display()))
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for StartError {}

type Result<T, E = StartError> = std::result::Result<T, E>;

/// The private server of a data folder, running.
#[derive(Debug)]
pub struct PrivatePostgres {
    url: String,
    server_url: String,
    /// `None` if it belongs to another Mesa.
    server: Option<Server>,
}

impl PrivatePostgres {
    /// Starts the server of this data folder, or takes over one that still runs, and holds the folder's lock until it
    /// is stopped.
    ///
    /// # Errors
    /// Another Mesa uses the folder, the folder cannot be written, there is no PostgreSQL, or it does not start.
    pub fn start(data_dir: &Path) -> Result<Self> {
        let data_dir = files::prepare(data_dir)?;
        match files::lock(&data_dir)? {
            Some(lock) => Self::run(&data_dir, lock),
            None => Err(StartError(format!(
                "another Mesa is running in the data folder {}; stop it, or set MESA_DATA_DIR to another folder",
                data_dir.display()
            ))),
        }
    }

    /// The server of another Mesa that runs in this data folder, which is never stopped by this process; if there is
    /// none, like [`start`](Self::start).
    ///
    /// # Errors
    /// As in [`start`](Self::start), or the other Mesa's server does not become ready.
    pub fn join(data_dir: &Path) -> Result<Self> {
        let data_dir = files::prepare(data_dir)?;
        let deadline = Instant::now() + JOIN_LIMIT;
        loop {
            if let Some(lock) = files::lock(&data_dir)? {
                return Self::run(&data_dir, lock);
            }
            // No home, cluster or password yet means that the other Mesa is still creating them.
            if let Ok(home) = fs::canonicalize(data_dir.join("postgres"))
                && let Some(password) = password::read_password(&data_dir)?
                && let Some(postmaster) = Postmaster::read(&home.join("cluster"))
                && postmaster.answers()
            {
                return Ok(Self::reached(&postmaster, &password, None));
            }
            if Instant::now() > deadline {
                return Err(StartError(format!(
                    "another Mesa is running in the data folder {}, but its PostgreSQL does not answer",
                    data_dir.display()
                )));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn reached(postmaster: &Postmaster, password: &str, server: Option<Server>) -> Self {
        let url = postmaster.url(OWNER, password);
        let server_url = postmaster.url(server_role::PRIVATE, &server_role::password_from(password));
        PrivatePostgres { url, server_url, server }
    }

    /// A URL for libpq, with the password of the superuser, who owns the tables.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same for the role of the server, once `server_role::prepare` has created it.
    pub fn server_url(&self) -> &str {
        &self.server_url
    }

    /// Stops the server, ending the connections that are open, unless it belongs to another Mesa.
    pub fn stop(self) {
        drop(self);
    }

    /// Starts the server, whatever state the data folder is in.
    fn run(data_dir: &Path, lock: File) -> Result<Self> {
        let (home, account) = files::settle(data_dir)?;
        let cluster = home.join("cluster");
        let programs = Programs::locate(&home, account, files::cluster_version(&cluster)?)?;
        let mut server =
            Server { home, cluster, account, programs, child: None, socket_folder: None, _lock: lock };
        let mut survivor = server.survivor()?;
        let kept = password::read_password(data_dir)?;
        let password = match &kept {
            Some(password) => password.clone(),
            None => password::new_password()?,
        };
        if !server.cluster.exists() {
            server.create_cluster(&password)?;
        } else if kept.is_none() {
            log::warn!("the private PostgreSQL's password was lost; a new one is set");
            if survivor.take().is_some() {
                server.halt();
            }
            server.alone(&server.cluster, &format!("ALTER ROLE mesa PASSWORD '{password}'"))?;
        }
        // Written last: a stored password is always the one of the cluster.
        if kept.is_none() {
            password::keep_password(data_dir, &password)?;
        }
        let postmaster = match survivor {
            Some(postmaster) => postmaster,
            None => server.launch()?,
        };
        server.socket_folder = Some(postmaster.socket_folder().to_owned());
        Ok(Self::reached(&postmaster, &password, Some(server)))
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            server.halt();
        }
    }
}

/// The server that belongs to this Mesa.
#[derive(Debug)]
struct Server {
    home: PathBuf,
    cluster: PathBuf,
    account: Account,
    programs: Programs,
    /// `None` while it does not run, and if it was taken over.
    child: Option<Child>,
    /// The folder of its socket, from the first start on.
    socket_folder: Option<PathBuf>,
    /// Released when the server is stopped.
    _lock: File,
}

impl Server {
    /// The postmaster that runs in this cluster; cleans up after one that has ended.
    fn running(&mut self) -> Option<Postmaster> {
        // A child that ended remains in the list of processes until it is waited for.
        let _ = self.child.as_mut().map(Child::try_wait);
        let found = Postmaster::read(&self.cluster)?;
        if found.runs_in(&self.cluster, &self.programs) {
            return Some(found);
        }
        // A folder that is needed again is kept: its name is known, and another user could create it first and get
        // the socket.
        if found.cluster == self.cluster && self.socket_folder.is_none() {
            found.remove_short_folder();
        }
        // PostgreSQL would respect the file if another process has got the number since.
        let _ = fs::remove_file(self.cluster.join("postmaster.pid"));
        None
    }

    /// A running server of an earlier Mesa, once it answers; one that is stopping or cannot be reached is stopped
    /// first.
    fn survivor(&mut self) -> Result<Option<Postmaster>> {
        let deadline = Instant::now() + START_LIMIT;
        while let Some(postmaster) = self.running() {
            if postmaster.answers() {
                log::info!("took over the private PostgreSQL that was running, process {}", postmaster.pid);
                return Ok(Some(postmaster));
            }
            if Instant::now() > deadline {
                return Err(self.not_ready());
            }
            if postmaster.status == "starting" || postmaster.status.is_empty() {
                thread::sleep(Duration::from_millis(50));
            } else {
                self.halt();
            }
        }
        Ok(None)
    }

    /// Creates the cluster with the user and the database `mesa`, completely or not at all.
    fn create_cluster(&self, password: &str) -> Result<()> {
        log::info!("creating the cluster of the private PostgreSQL in {}", self.cluster.display());
        files::clear_unfinished(&self.home);
        let new = self.home.join(format!("{}{}", files::NEW_CLUSTER, Uuid::new_v4().simple()));
        let password_file = new.with_extension("password");
        password::write_secret(&password_file, password)
            .and_then(|()| self.account.give(&password_file))
            .map_err(StartError::at("write", &password_file))?;
        let mut initdb = self.programs.command("initdb");
        initdb.args(["--auth=scram-sha-256", "--username=mesa", "--encoding=UTF8", "--locale=C"]);
        initdb.arg("--pwfile").arg(&password_file).arg("--pgdata").arg(&new);
        let made = output(&mut initdb).map_err(StartError::at("make a cluster with initdb in", &self.home));
        let _ = fs::remove_file(&password_file);
        made?;
        self.alone(&new, "CREATE DATABASE mesa")?;
        fs::rename(&new, &self.cluster).map_err(StartError::at("create", &self.cluster))
    }

    /// Runs one line of SQL in a cluster that no server runs in.
    fn alone(&self, cluster: &Path, sql: &str) -> Result<()> {
        let mut command = self.programs.command("postgres");
        command.arg("--single").arg("-D").arg(cluster).args(["-c", "exit_on_error=on", "postgres"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut run = || {
            let mut child = command.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // If that fails, PostgreSQL has already ended, and its own message has the reason.
                let _ = writeln!(stdin, "{sql}");
            }
            let ended = child.wait_with_output()?;
            let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
            if ended.status.success() { Ok(()) } else { Err(io::Error::other(said)) }
        };
        run().map_err(StartError::at("set up the cluster", cluster))
    }

    /// Starts the server and waits until it answers.
    fn launch(&mut self) -> Result<Postmaster> {
        let socket_folder = files::socket_folder(&self.home, self.account, self.socket_folder.as_deref())?;
        let mut sockets = OsString::from("unix_socket_directories=\"");
        sockets.push(&socket_folder);
        sockets.push("\"");
        let (log, path) = files::new_log(&self.home, self.account)?;
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let mut command = self.programs.command("postgres");
            command.arg("-D").arg(&self.cluster).arg("-p").arg(files::PORT.to_string());
            command
                .args([
                    "-c",
                    "listen_addresses=",
                    "-c",
                    "logging_collector=off",
                    // The details of an error are rejected values, such as an address that is in use.
                    "-c",
                    "log_error_verbosity=terse",
                    "-c",
                ])
                .arg(&sockets);
            // A separate process group: Ctrl-C in the terminal is for Mesa, which then stops the server properly.
            command.process_group(0);
            let mut child = log
                .try_clone()
                .and_then(|out| command.stdout(out).stderr(log.try_clone()?).spawn())
                .map_err(StartError::at("start PostgreSQL in", &self.cluster))?;
            let ended = loop {
                if let Ok(Some(status)) = child.try_wait() {
                    break status;
                }
                if let Some(postmaster) = Postmaster::read(&self.cluster)
                    && postmaster.pid == child.id()
                    && postmaster.answers()
                {
                    self.child = Some(child);
                    return Ok(postmaster);
                }
                if Instant::now() > deadline {
                    return Err(self.not_ready());
                }
                thread::sleep(Duration::from_millis(20));
            };
            let tail = files::tail(&path);
            // The last processes of a killed server take a moment to end.
            if !tail.contains("pre-existing shared memory block") || Instant::now() > deadline {
                let path = path.display();
                return Err(StartError(format!(
                    "PostgreSQL did not start ({ended}); {path} ends with:\n{tail}"
                )));
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn not_ready(&self) -> StartError {
        let (seconds, log) = (START_LIMIT.as_secs(), self.home.join("postgres.log"));
        StartError(format!(
            "PostgreSQL was not ready within {seconds} s and is still starting; start Mesa again to wait for it. \
             {} ends with:\n{}",
            log.display(),
            files::tail(&log)
        ))
    }

    /// Stops the server of the cluster, gracefully at first; logs what fails.
    fn halt(&mut self) {
        let Some(postmaster) = self.running() else { return };
        for (mode, seconds) in [("fast", "30"), ("immediate", "10")] {
            let mut stop = self.programs.command("pg_ctl");
            stop.args(["stop", "-w", "-m", mode, "-t", seconds, "-D"]).arg(&self.cluster);
            match output(&mut stop) {
                Ok(_) => {
                    let _ = self.child.take().as_mut().map(Child::wait);
                    postmaster.remove_short_folder();
                    return;
                }
                Err(error) => log::warn!("the private PostgreSQL did not stop ({mode}): {error}"),
            }
        }
    }
}
