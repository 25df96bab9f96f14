//! A control group for each host.
//!
//! systemd-nspawn puts a host below the control group it is started in. Two hosts in one group
//! would share the group of a unit that both have, and each would empty and remove it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::wait::{self, Poll};
use crate::{Error, Result};

/// How long killed processes may take to leave their group.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Creates the group `name` in each hierarchy and returns its directories.
pub fn create(name: &str) -> Result<Vec<PathBuf>> {
    let directories = paths(name)?;
    for directory in &directories {
        fs::create_dir_all(directory)
            .map_err(Error::io(format!("creating {}", directory.display())))?;
    }
    Ok(directories)
}

/// Directories of the group `name`, whether or not it exists: below this process's own group, in
/// each hierarchy that systemd may use.
pub fn paths(name: &str) -> Result<Vec<PathBuf>> {
    let read = |file: &str| fs::read_to_string(file).map_err(Error::io(format!("reading {file}")));
    let (mounts, own) = (read("/proc/self/mounts")?, read("/proc/self/cgroup")?);
    Ok(directories(&mounts, &own, name))
}

/// Directories in the cgroup v2 hierarchy and in the v1 hierarchy named `systemd` (cgroups(7)).
fn directories(mounts: &str, own: &str, name: &str) -> Vec<PathBuf> {
    let group = |mark: &str| own.lines().find_map(|line| Some(line.split_once(mark)?.1));
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (mount, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
            let path = match kind {
                "cgroup2" => group("0::")?,
                "cgroup" if options.contains("name=systemd") => group(":name=systemd:")?,
                _ => return None,
            };
            let parent = Path::new(mount).join(path.trim_start_matches('/'));
            Some(parent.join(name))
        })
        .collect()
}

/// Removes a group whose processes have exited, with its subgroups, innermost first.
pub fn remove(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    // A group that stays busy is left: its failure must not stop the removal of the others.
    let _ = wait::until("empty", REMOVAL_TIMEOUT, || {
        match fs::remove_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                Poll::Pending(error.to_string())
            }
            _ => Poll::Ready(()),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_below_the_own_group_in_each_systemd_hierarchy() {
        let mounts = "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n\
                      cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let own = "9:name=systemd:/\n8:cpu:/\n0::/outer\n";
        assert_eq!(
            directories(mounts, own, "lab-node1"),
            [
                Path::new("/sys/fs/cgroup/systemd/lab-node1"),
                Path::new("/sys/fs/cgroup/unified/outer/lab-node1")
            ]
        );
    }
}
