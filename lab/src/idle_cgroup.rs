//! A control group whose processes run only on CPUs that are otherwise idle.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cgroup;

/// Roots of the hierarchy with the CPU controller, version 1 and version 2 (cgroups(7)).
const ROOTS: [&str; 2] = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"];

/// A control group with `cpu.idle=1`. Dropping it moves its processes to the parent group.
#[derive(Debug)]
pub struct IdleCgroup(PathBuf);

impl IdleCgroup {
    /// Creates the group; `None` where the CPU controller is not available.
    #[must_use]
    pub fn create(name: &str) -> Option<Self> {
        ROOTS.iter().find_map(|root| {
            let directory = Path::new(root).join(name);
            fs::create_dir(&directory).ok()?;
            // Dropping the value removes the directory if the next step fails.
            let group = Self(directory);
            write(&group.0.join("cpu.idle"), "1").ok()?;
            Some(group)
        })
    }

    /// The `cgroup.procs` file: a process whose ID is written there joins with its children.
    #[must_use]
    pub fn procs_file(&self) -> PathBuf {
        self.0.join("cgroup.procs")
    }
}

impl Drop for IdleCgroup {
    fn drop(&mut self) {
        // Processes that outlive the group, such as SSH keepalive connections, get normal priority.
        let parent = self.0.with_file_name("cgroup.procs");
        let remaining = fs::read_to_string(self.procs_file()).unwrap_or_default();
        for process in remaining.lines() {
            let _ = write(&parent, process);
        }
        cgroup::remove(&self.0);
    }
}

/// Writes to an existing file; creating it would succeed outside of a cgroup file system.
fn write(file: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(file)?
        .write_all(text.as_bytes())
}
