//! Runs the `mesa` binary as a separate process.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::client::Client;
use super::logs;

/// The program under test: the binary that was built with the tests, or the one that `MESA_TEST_BINARY` names.
pub fn program() -> OsString {
    std::env::var_os("MESA_TEST_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_mesa").into())
}

/// A command of the binary. Its environment contains only `PATH` and these variables.
pub fn mesa(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The same command of another program.
pub fn on_program(program: &OsStr, command: &Command) -> Command {
    let mut other = Command::new(program);
    other.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    other.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    other
}

/// The same command, started by a shell that runs `script` first.
pub fn after(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{script}; exec \"$0\"")]).arg(command.get_program());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}

/// A server that runs until this value is dropped.
pub struct Running {
    pub child: Child,
    pub greeting: String,
    pub url: String,
    said: Arc<Mutex<String>>,
    /// The thread that checks the log for secrets.
    reader: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts the server and waits until it prints that it is ready.
    pub fn start(mut command: Command) -> Self {
        if !command.get_envs().any(|(name, _)| name == "RUST_LOG") {
            command.env("RUST_LOG", "debug");
        }
        let set = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?.to_owned())));
        logs::keep_secrets_of(&set.collect::<Vec<_>>());
        let mut child = command.spawn().unwrap();
        let (send, lines) = mpsc::channel();
        let stdout = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let (said, reader) = logs::follow(child.stderr.take().unwrap());
        let (mut greeting, deadline) = (String::new(), Instant::now() + Duration::from_secs(90));
        // The greeting ends with an empty line after the accounts, or after the address if there are no accounts.
        while !greeting.contains("Mesa is ready") || !greeting.ends_with("\n\n") {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => greeting.push_str(&format!("{line}\n")),
                Err(_) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    let _ = reader.join();
                    panic!("the server did not become ready: {greeting}\n{}", said.lock().unwrap());
                }
            }
        }
        let start = greeting.find("http").unwrap();
        let url = greeting[start..].split("/docs").next().unwrap().to_owned();
        Running { child, greeting, url, said, reader: Some(reader) }
    }

    pub fn client(&self) -> Client {
        Client::new(self.url.clone(), None, json!(null))
    }

    /// The log, as soon as it has this text: a line is written after the response.
    pub fn log_with(&self, text: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let log = self.log();
            if log.contains(text) {
                return log;
            }
            assert!(Instant::now() < deadline, "no {text:?} in {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The log so far.
    pub fn log(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub fn signal(&mut self, signal: Signal) -> std::process::ExitStatus {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A server that a failed test left running is stopped with SIGTERM, which also stops its PostgreSQL.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::SIGTERM);
        }
        // Reads the log to its end.
        let _ = self.reader.take().map(JoinHandle::join);
        logs::hold();
    }
}
