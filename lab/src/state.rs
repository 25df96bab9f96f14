//! Where a lab keeps what must be removed after it, and the sweep of what an
//! earlier run left behind when it was killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Error, Result, cgroup, command, process};

/// The folder that holds one folder per living lab.
pub const ROOT: &str = "/run/genconf-lab";

/// Held while a lab's folder is made and while abandoned ones are looked for: a
/// folder that is not locked yet must not be taken for one that no longer is.
const TURN: &str = "/run/genconf-lab.turn";

/// Within a lab's folder: locked by its maker.
const LOCK: &str = "lock";

/// Within a lab's folder: present when the lab outlives its maker (`lab up`).
const KEPT: &str = "kept";

/// Within a host's folder: the folders of its control group, one a line.
pub const GROUPS: &str = "cgroups";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A lab's own name and folder. Dropping it removes everything the lab made,
/// unless it was [kept](State::keep).
#[derive(Debug)]
pub struct State {
    name: String,
    folder: PathBuf,
    /// Held as long as the maker lives: whoever gets the lock may sweep.
    lock: Option<File>,
}

impl State {
    /// A fresh lab name, unique among parallel runs on this machine.
    pub fn new() -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self::named(format!("lab{}x{number}", std::process::id()))
    }

    /// A lab of a given name; an abandoned one of that name is removed first.
    pub fn named(name: String) -> Result<Self> {
        let folder = Path::new(ROOT).join(&name);
        let _turn = turn()?;
        fs::create_dir_all(&folder).map_err(Error::io(format!("making {}", folder.display())))?;
        let lock = open(&folder.join(LOCK))?;
        lock.try_lock().map_err(|_| Error::Unreadable {
            what: format!("lab {name}"),
            text: "another process holds it".to_owned(),
        })?;
        Ok(Self {
            name,
            folder,
            lock: Some(lock),
        })
    }

    /// The lab's name: the beginning of all namespace and machine names.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The lab's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Lets the lab outlive this process, until [`remove`] is called for it.
    pub fn keep(mut self) -> Result<()> {
        write(&self.folder.join(KEPT), "")?;
        self.lock = None;
        Ok(())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if self.lock.is_some() {
            remove(&self.name);
        }
    }
}

/// Removes every lab whose maker is gone and that was not kept.
pub fn sweep() {
    let Ok(_turn) = turn() else { return };
    for name in names() {
        let folder = Path::new(ROOT).join(&name);
        let abandoned = !folder.join(KEPT).exists()
            && open(&folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if abandoned {
            remove(&name);
        }
    }
}

/// Names of all labs on this machine.
#[must_use]
pub fn names() -> Vec<String> {
    fs::read_dir(ROOT)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// Ends the hosts of the lab `name` and removes its mounts, namespaces and
/// folder. Goes on past each failure: a half-removed lab must not keep the rest.
pub fn remove(name: &str) {
    let folder = Path::new(ROOT).join(name);
    for machine in machines(&folder) {
        end_machine(&machine_name(name, &machine));
        let groups = folder.join("hosts").join(&machine).join(GROUPS);
        for group in fs::read_to_string(groups).unwrap_or_default().lines() {
            cgroup::remove(Path::new(group));
        }
    }
    for namespace in namespaces(name) {
        end_strangers(&namespace);
    }
    for mount in mounts_below(&folder) {
        let _ = command::words(&format!("umount --lazy {}", mount.display()));
    }
    for namespace in namespaces(name) {
        let _ = command::words(&format!("ip netns delete {namespace}"));
    }
    let _ = fs::remove_dir_all(&folder);
}

/// The name systemd-nspawn and its namespace know a host by.
#[must_use]
pub fn machine_name(lab: &str, host: &str) -> String {
    format!("{lab}-{host}")
}

/// Kills the machine's processes: the loop first, so that nothing is restarted.
pub fn end_machine(machine: &str) {
    let ids = process::with_argument(&format!("--machine={machine}"));
    let leaders: Vec<u32> = ids
        .iter()
        .filter_map(|id| process::leader_below(*id))
        .collect();
    let _ = process::kill(&ids);
    let _ = process::kill(&leaders);
}

/// Kills what still runs in a namespace, such as SSH connections kept open.
fn end_strangers(namespace: &str) {
    let listed = command::words(&format!("ip netns pids {namespace}")).unwrap_or_default();
    let ids: Vec<u32> = listed
        .lines()
        .filter_map(|id| id.trim().parse().ok())
        .collect();
    let _ = process::kill(&ids);
}

/// Writes a small file of the lab's own.
pub fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(Error::io(format!("writing {}", path.display())))
}

/// Ends when the file is dropped.
fn turn() -> Result<File> {
    let file = open(Path::new(TURN))?;
    file.lock().map_err(Error::io(format!("locking {TURN}")))?;
    Ok(file)
}

fn open(path: &Path) -> Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(Error::io(format!("opening {}", path.display())))
}

fn machines(folder: &Path) -> Vec<String> {
    fs::read_dir(folder.join("hosts"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// Innermost first, as umount(8) wants them.
fn mounts_below(folder: &Path) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut found: Vec<PathBuf> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .map(PathBuf::from)
        .filter(|path| path.starts_with(folder))
        .collect();
    found.reverse();
    found
}

fn namespaces(name: &str) -> Vec<String> {
    fs::read_dir("/run/netns")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|namespace| namespace == name || namespace.starts_with(&format!("{name}-")))
        .collect()
}
