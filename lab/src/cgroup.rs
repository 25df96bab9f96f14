//! A control group of its own for each host. systemd-nspawn puts a host below the group
//! it is started in, and hosts that share one meet in it: the same unit of two of them
//! would be one group, which each empties and removes under the other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::wait::{self, Seen};
use crate::{Error, Result};

/// How long processes that were killed may take to leave their group.
const LEAVING: Duration = Duration::from_secs(2);

/// Makes the group `name`, and gives its folders.
pub fn make(name: &str) -> Result<Vec<PathBuf>> {
    let folders = places(name)?;
    for folder in &folders {
        fs::create_dir_all(folder).map_err(Error::io(format!("making {}", folder.display())))?;
    }
    Ok(folders)
}

/// Where the group `name` is or would be: below the one this process is in, in each
/// hierarchy that systemd may use.
pub fn places(name: &str) -> Result<Vec<PathBuf>> {
    let read = |file: &str| fs::read_to_string(file).map_err(Error::io(format!("reading {file}")));
    let (mounts, own) = (read("/proc/self/mounts")?, read("/proc/self/cgroup")?);
    Ok(folders(&mounts, &own, name))
}

/// By cgroups(7): the second version's hierarchy, and the first's that systemd names.
fn folders(mounts: &str, own: &str, name: &str) -> Vec<PathBuf> {
    let group = |mark: &str| own.lines().find_map(|line| Some(line.split_once(mark)?.1));
    mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            let (mount, kind, options) = (words.next()?, words.next()?, words.next()?);
            let path = match kind {
                "cgroup2" => group("0::")?,
                "cgroup" if options.contains("name=systemd") => group(":name=systemd:")?,
                _ => return None,
            };
            let below = Path::new(mount).join(path.trim_start_matches('/'));
            Some(below.join(name))
        })
        .collect()
}

/// Removes a group whose processes are gone, with all below it, innermost first.
pub fn remove(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    // One that is not empty in the end stays: it must not keep the rest.
    let _ = wait::until("empty", LEAVING, || match fs::remove_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            Seen::NotYet(error.to_string())
        }
        _ => Seen::Yes(()),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_lies_below_our_own_in_each_hierarchy_of_systemds() {
        let mounts = "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n\
                      cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let own = "9:name=systemd:/\n8:cpu:/\n0::/outer\n";
        assert_eq!(
            folders(mounts, own, "lab-node1"),
            [
                Path::new("/sys/fs/cgroup/systemd/lab-node1"),
                Path::new("/sys/fs/cgroup/unified/outer/lab-node1")
            ]
        );
    }
}
