//! The status file of a running server.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::files::{PORT, SHORT, socket};
use super::programs::{Programs, output};

/// The data that a server writes into its cluster's `postmaster.pid`.
#[derive(Debug, PartialEq)]
pub struct Postmaster {
    pub pid: u32,
    pub cluster: PathBuf,
    port: u16,
    socket_folder: PathBuf,
    /// `starting`, `ready` or `stopping`; empty at the very beginning.
    pub status: String,
}

impl Postmaster {
    /// `None` if no server runs or ran, or if it has just begun to write.
    pub fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&fs::read(cluster.join("postmaster.pid")).ok()?)
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let line = |number: usize| lines.get(number - 1).copied().unwrap_or_default();
        let number = |at: usize| str::from_utf8(line(at)).ok()?.trim().parse::<u32>().ok();
        let path = |number: usize| PathBuf::from(OsString::from_vec(line(number).to_vec()));
        Some(Postmaster {
            pid: number(1)?,
            cluster: path(2),
            port: number(4).and_then(|port| port.try_into().ok()).unwrap_or(PORT),
            socket_folder: path(5),
            status: String::from_utf8_lossy(line(8)).trim().to_owned(),
        })
    }

    /// Whether the process is alive and a server of this cluster, not of a copy of it or another program.
    pub fn runs_in(&self, cluster: &Path, programs: &Programs) -> bool {
        if self.cluster != cluster {
            return false;
        }
        match fs::read(format!("/proc/{}/cmdline", self.pid)) {
            Ok(words) => words.split(|byte| *byte == 0).any(|word| word == cluster.as_os_str().as_bytes()),
            Err(_) if Path::new("/proc/self").exists() => false,
            // Not every system has /proc.
            Err(_) => output(programs.command("pg_ctl").args(["status", "-D"]).arg(cluster)).is_ok(),
        }
    }

    /// Whether it accepts connections.
    pub fn answers(&self) -> bool {
        self.status == "ready" && UnixStream::connect(socket(&self.socket_folder, self.port)).is_ok()
    }

    /// The folder of its socket.
    pub fn socket_folder(&self) -> &Path {
        &self.socket_folder
    }

    /// Removes the folder of its socket if it is a short one outside of the home.
    pub fn remove_short_folder(&self) {
        let name = self.socket_folder.strip_prefix("/tmp").ok().and_then(Path::to_str);
        if name.is_some_and(|name| name.starts_with(SHORT) && !name.contains('/')) {
            let _ = fs::remove_dir_all(&self.socket_folder);
        }
    }

    /// A URL for libpq of the database `mesa` as this user.
    pub fn url(&self, user: &str, password: &str) -> String {
        let mut url = format!("postgresql://{user}:{password}@/mesa?port={}&host=", self.port);
        for byte in self.socket_folder.as_os_str().as_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => url.push(char::from(*byte)),
                _ => url += &format!("%{byte:02X}"),
            }
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postmaster(folder: &str) -> Postmaster {
        Postmaster {
            pid: 42,
            cluster: "/data/postgres/cluster".into(),
            port: 5432,
            socket_folder: folder.into(),
            status: "ready".to_owned(),
        }
    }

    #[test]
    fn what_a_server_writes_about_itself_is_read() {
        let text =
            b"42\n/data/postgres/cluster\n1700000000\n5432\n/data/postgres/run\n\n  5432001  3\nready   \n";
        assert_eq!(Postmaster::parse(text), Some(postmaster("/data/postgres/run")));
        let begun = Postmaster::parse(b"42\n/data/postgres/cluster\n").unwrap();
        assert_eq!((begun.pid, begun.status.as_str()), (42, ""));
        assert!(!begun.answers());
        for text in ["", "\n", "x\n", "-5\n"] {
            assert_eq!(Postmaster::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_url_has_the_folder_of_the_socket_percent_encoded() {
        assert_eq!(
            postmaster("/my data'dir/é&?#%").url("mesa", "a-b_c"),
            "postgresql://mesa:a-b_c@/mesa?port=5432&host=%2Fmy%20data%27dir%2F%C3%A9%26%3F%23%25"
        );
    }
}
