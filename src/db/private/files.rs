//! The private server's files: the data folder and its lock, the server's home, its socket and its log.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::programs::Account;
use super::{Result, StartError};

/// Part of the socket's name; nothing listens on the network.
pub const PORT: u16 = 5432;
/// The prefix of a cluster's name until it is complete.
pub const NEW_CLUSTER: &str = "cluster-new-";
/// The prefixes of other unfinished things in the home; the last are those of unpacked archives.
const UNFINISHED: [&str; 3] = [NEW_CLUSTER, "install-new-", ".tmp"];
/// The maximum length of the socket's path in bytes; the shortest limit of a system is 104 including the terminating
/// byte.
const SOCKET_BYTES: usize = 100;
/// The prefix of a short folder for the socket, in `/tmp`.
pub const SHORT: &str = "mesa-";
/// The location of the server's home if its user cannot enter the data folder.
const ELSEWHERE: &str = "/var/lib/mesa";

/// Creates the data folder if it is missing, and returns its path without symbolic links.
///
/// # Errors
/// It cannot be created.
pub fn prepare(data_dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(data_dir)
        .and_then(|()| fs::canonicalize(data_dir))
        .map_err(|error| unwritable(data_dir, &error))
}

fn unwritable(data_dir: &Path, error: &io::Error) -> StartError {
    StartError::new(format!(
        "the data folder {} cannot be written: {error}. Set MESA_DATA_DIR to a folder that Mesa's user may write",
        data_dir.display()
    ))
}

/// Takes the data folder's lock, which is released with the file; `None` if another process holds it. Started
/// programs do not inherit it. Only the owner can open the file, since any user who can open it can lock it.
///
/// # Errors
/// The data folder cannot be written.
pub fn lock(data_dir: &Path) -> Result<Option<File>> {
    let path = data_dir.join("lock");
    close_to_others(&path)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.map_err(|error| unwritable(data_dir, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(StartError::at("lock", &data_dir.join("lock"))(error)),
    }
}

/// Earlier versions created the lock so that every user of the machine could open it.
fn close_to_others(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(lock) if lock.permissions().mode() & 0o077 != 0 => {
            fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(StartError::at("protect", path))
        }
        _ => Ok(()),
    }
}

/// The server's home, which is created if it is missing, and the account that it belongs to.
///
/// # Errors
/// It cannot be created or entered.
pub fn settle(data_dir: &Path) -> Result<(PathBuf, Account)> {
    let path = data_dir.join("postgres");
    let found = match fs::canonicalize(&path) {
        Ok(home) => Some(home),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(StartError::at("find", &path)(error)),
    };
    let account = Account::choose(found.as_deref())?;
    let home = match found {
        Some(home) => home,
        None => {
            if let Ok(target) = fs::read_link(&path) {
                log::warn!("{} is missing; the private PostgreSQL starts empty", target.display());
                fs::remove_file(&path).map_err(StartError::at("remove", &path))?;
            }
            if account.can_enter(data_dir) { path } else { settle_elsewhere(&path, account)? }
        }
    };
    // Also for an existing home: its creation may have been interrupted.
    make_folder(&home, account)?;
    if !account.can_enter(&home) {
        return Err(StartError::new(format!(
            "PostgreSQL runs as {account}, which cannot enter {}",
            home.display()
        )));
    }
    Ok((home, account))
}

/// A home outside of the data folder, and the link to it.
fn settle_elsewhere(link: &Path, account: Account) -> Result<PathBuf> {
    let parent = Path::new(ELSEWHERE);
    if !parent.exists() {
        DirBuilder::new()
            .recursive(true)
            .create(parent)
            .and_then(|()| fs::set_permissions(parent, Permissions::from_mode(0o755)))
            .map_err(StartError::at("create", parent))?;
    }
    let home = parent.join(Uuid::new_v4().to_string());
    log::info!("{account} cannot enter the data folder; PostgreSQL's files are in {}", home.display());
    make_folder(&home, account)?;
    symlink(&home, link).map_err(StartError::at("create", link))?;
    Ok(home)
}

/// Creates a folder that only the account can enter, if it is missing, and gives it to the account.
fn make_folder(path: &Path, account: Account) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
    .and_then(|()| account.give(path))
    .map_err(StartError::at("create", path))
}

/// Removes the files of an interrupted start from the home, as far as possible.
pub fn clear_unfinished(home: &Path) {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if UNFINISHED.iter().any(|begin| name.as_bytes().starts_with(begin.as_bytes())) {
            let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
        }
    }
}

/// The major version of PostgreSQL that the cluster belongs to; `None` if there is no cluster.
///
/// # Errors
/// The folder exists but is not a cluster.
pub fn cluster_version(cluster: &Path) -> Result<Option<u32>> {
    if !cluster.exists() {
        return Ok(None);
    }
    let path = cluster.join("PG_VERSION");
    let version = fs::read_to_string(&path).map_err(StartError::at("read", &path))?;
    version.trim().parse().map(Some).map_err(StartError::at("understand", &path))
}

/// The folder for the socket, empty: in the home, or a new short one if the path would be too long, or has a
/// character with a meaning in lists of folders or hosts; the previous one if there was one. No server may be
/// running.
///
/// # Errors
/// It cannot be created.
pub fn socket_folder(home: &Path, account: Account, before: Option<&Path>) -> Result<PathBuf> {
    let run = home.join("run");
    // PostgreSQL would respect the files of a killed server if another process has got its number since.
    let _ = fs::remove_dir_all(&run);
    let folder = match before {
        Some(before) => before.to_owned(),
        None if fits(&run) => run,
        None => format!("/tmp/{SHORT}{:08x}", Uuid::new_v4().as_fields().0).into(),
    };
    make_folder(&folder, account)?;
    Ok(folder)
}

fn fits(folder: &Path) -> bool {
    let path = socket(folder, PORT);
    let bytes = path.as_os_str().as_bytes();
    bytes.len() <= SOCKET_BYTES && !bytes.iter().any(|byte| b",\"".contains(byte))
}

/// The path of PostgreSQL's socket in a folder.
pub fn socket(folder: &Path, port: u16) -> PathBuf {
    folder.join(format!(".s.PGSQL.{port}"))
}

/// Creates a new log and returns its path; the log of the previous start is kept next to it.
///
/// # Errors
/// It cannot be created.
pub fn new_log(home: &Path, account: Account) -> Result<(File, PathBuf)> {
    let path = home.join("postgres.log");
    let _ = fs::rename(&path, home.join("postgres.previous.log"));
    let log = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path);
    let log = log.and_then(|log| account.give(&path).map(|()| log));
    Ok((log.map_err(StartError::at("create", &path))?, path))
}

/// The last lines of a log.
pub fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_goes_where_its_path_fits() {
        assert!(fits(Path::new("/data/my 'folder/run")));
        assert!(!fits(Path::new("/data/a,b/run")));
        assert!(!fits(Path::new("/data/a\"b/run")));
        assert!(fits(Path::new(&format!("/{}", "x".repeat(84)))));
        assert!(!fits(Path::new(&format!("/{}", "x".repeat(86)))));
    }

    #[test]
    fn the_lock_is_held_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock(folder.path()).unwrap();
        assert!(first.is_some());
        assert!(lock(folder.path()).unwrap().is_none());
        drop(first);
        assert!(lock(folder.path()).unwrap().is_some());
    }

    #[test]
    fn the_lock_is_opened_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert!(lock(folder.path()).unwrap().is_some());
        assert_eq!(mode(), 0o600);
        // As an earlier version left it.
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(lock(folder.path()).unwrap().is_some());
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn what_an_interrupted_start_left_is_removed() {
        let home = tempfile::tempdir().unwrap();
        for name in ["cluster-new-1", "cluster", ".tmpabc", "run"] {
            fs::create_dir_all(home.path().join(name).join("inner")).unwrap();
        }
        fs::write(home.path().join("cluster-new-1.password"), "secret").unwrap();
        clear_unfinished(home.path());
        let mut left: Vec<_> =
            fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["cluster", "run"]);
    }

    #[test]
    fn a_folder_that_is_no_cluster_is_no_version() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(cluster_version(&folder.path().join("missing")).unwrap(), None);
        assert!(cluster_version(folder.path()).is_err());
        fs::write(folder.path().join("PG_VERSION"), "15\n").unwrap();
        assert_eq!(cluster_version(folder.path()).unwrap(), Some(15));
    }

    #[test]
    fn the_end_of_a_log_is_ten_lines() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        assert_eq!(tail(&log), "");
        fs::write(&log, (1..=20).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        assert_eq!(tail(&log), "11\n12\n13\n14\n15\n16\n17\n18\n19\n20");
    }
}
