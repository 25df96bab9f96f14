//! The runtime directory of each lab, and the removal of labs whose process was killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Error, Result, cgroup, command, process};

/// The directory with one subdirectory per running lab.
pub const ROOT: &str = "/run/genconf-lab";

/// Locked while a runtime directory is created and while abandoned ones are searched: a directory
/// that is not locked yet must not be mistaken for an abandoned one.
const GLOBAL_LOCK: &str = "/run/genconf-lab.lock";

/// In a lab's directory: locked by the process that created it.
const LOCK: &str = "lock";

/// In a lab's directory: exists when the lab outlives the process that created it (`lab up`).
const KEEP_MARKER: &str = "keep";

/// In a host's directory: the directories of its control group, one per line.
pub const CGROUPS: &str = "cgroups";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A lab's name and runtime directory.
///
/// Dropping it removes everything the lab has created, unless [`RuntimeDirectory::keep`] was
/// called.
#[derive(Debug)]
pub struct RuntimeDirectory {
    name: String,
    path: PathBuf,
    /// Held while the creating process runs: a process that gets the lock may remove the lab.
    lock: Option<File>,
}

impl RuntimeDirectory {
    /// Creates a directory with a name that is unique on this machine.
    pub fn new() -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self::named(format!("lab{}x{number}", std::process::id()))
    }

    /// Creates a directory with a given name; fails when another process has locked it.
    pub fn named(name: String) -> Result<Self> {
        let path = Path::new(ROOT).join(&name);
        let _lock = lock_globally()?;
        fs::create_dir_all(&path).map_err(Error::io(format!("creating {}", path.display())))?;
        let lock = open(&path.join(LOCK))?;
        lock.try_lock().map_err(|_| Error::Invalid {
            what: format!("lab {name}"),
            text: "locked by another process".to_owned(),
        })?;
        Ok(Self {
            name,
            path,
            lock: Some(lock),
        })
    }

    /// The lab's name: the prefix of all namespace and machine names.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Path of the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the lab running after this process has exited, until [`remove`] is called for it.
    pub fn keep(mut self) -> Result<()> {
        write(&self.path.join(KEEP_MARKER), "")?;
        self.lock = None;
        Ok(())
    }
}

impl Drop for RuntimeDirectory {
    fn drop(&mut self) {
        if self.lock.is_some() {
            remove(&self.name);
        }
    }
}

/// Removes every lab whose process has exited, except labs that are kept.
pub fn remove_abandoned() {
    let Ok(_lock) = lock_globally() else { return };
    for name in names() {
        let path = Path::new(ROOT).join(&name);
        let abandoned = !path.join(KEEP_MARKER).exists()
            && open(&path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if abandoned {
            remove(&name);
        }
    }
}

/// Names of all labs on this machine.
#[must_use]
pub fn names() -> Vec<String> {
    entries(Path::new(ROOT))
}

/// Kills the hosts of the lab `name`, and removes its mounts, namespaces, and directory.
///
/// Continues after each failure, so that as much as possible is removed.
pub fn remove(name: &str) {
    let path = Path::new(ROOT).join(name);
    for host in entries(&path.join("hosts")) {
        kill_machine(&machine_name(name, &host));
        let cgroups = path.join("hosts").join(&host).join(CGROUPS);
        for cgroup in fs::read_to_string(cgroups).unwrap_or_default().lines() {
            cgroup::remove(Path::new(cgroup));
        }
    }
    for namespace in namespaces(name) {
        kill_processes_in(&namespace);
    }
    for mount in mounts_below(&path) {
        let _ = command::run_line(&format!("umount --lazy {}", mount.display()));
    }
    for namespace in namespaces(name) {
        let _ = command::run_line(&format!("ip netns delete {namespace}"));
    }
    let _ = fs::remove_dir_all(&path);
}

/// Name of a host's systemd-nspawn machine and of its network namespace.
#[must_use]
pub fn machine_name(lab: &str, host: &str) -> String {
    format!("{lab}-{host}")
}

/// Kills the machine's processes: the boot loop first, so that it starts nothing again.
pub fn kill_machine(machine: &str) {
    let ids = process::with_argument(&format!("--machine={machine}"));
    let leaders: Vec<u32> = ids
        .iter()
        .filter_map(|id| process::leader_below(*id))
        .collect();
    let _ = process::kill(&ids);
    let _ = process::kill(&leaders);
}

/// Kills the processes in a network namespace, such as persistent SSH connections.
fn kill_processes_in(namespace: &str) {
    let listed = command::run_line(&format!("ip netns pids {namespace}")).unwrap_or_default();
    let ids: Vec<u32> = listed
        .lines()
        .filter_map(|id| id.trim().parse().ok())
        .collect();
    let _ = process::kill(&ids);
}

/// Writes a small file.
pub fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(Error::io(format!("writing {}", path.display())))
}

/// Waits for the global lock, which is released when the file is dropped.
fn lock_globally() -> Result<File> {
    let file = open(Path::new(GLOBAL_LOCK))?;
    file.lock()
        .map_err(Error::io(format!("locking {GLOBAL_LOCK}")))?;
    Ok(file)
}

fn open(path: &Path) -> Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(Error::io(format!("opening {}", path.display())))
}

/// Names of the entries of a directory; empty when it cannot be read.
fn entries(directory: &Path) -> Vec<String> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// Mount points below `directory`, innermost first, as umount(8) requires.
fn mounts_below(directory: &Path) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut found: Vec<PathBuf> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .map(PathBuf::from)
        .filter(|path| path.starts_with(directory))
        .collect();
    found.reverse();
    found
}

fn namespaces(name: &str) -> Vec<String> {
    let prefix = format!("{name}-");
    entries(Path::new("/run/netns"))
        .into_iter()
        .filter(|namespace| namespace == name || namespace.starts_with(&prefix))
        .collect()
}
