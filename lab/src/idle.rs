//! A group of processes that get what processors all others leave.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cgroup;

/// Where the hierarchy that shares out processors begins, by cgroups(7): the first version's, or
/// the second's.
const TOPS: [&str; 2] = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"];

/// A control group whose processes run when nobody else wants to. Dropping it lets go of them.
#[derive(Debug)]
pub struct Idle(PathBuf);

impl Idle {
    /// Makes it, where groups share out processors at all.
    #[must_use]
    pub fn make(name: &str) -> Option<Self> {
        TOPS.iter().find_map(|top| {
            let folder = Path::new(top).join(name);
            fs::create_dir(&folder).ok()?;
            // From here on, whatever fails removes it.
            let group = Self(folder);
            write(&group.0.join("cpu.idle"), "1").ok()?;
            Some(group)
        })
    }

    /// The file that takes the id of a process that is to join, with all that it starts.
    #[must_use]
    pub fn door(&self) -> PathBuf {
        self.0.join("cgroup.procs")
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        // What stays behind, as a kept connection does, is to run like all others again.
        let way_out = self.0.with_file_name("cgroup.procs");
        let left = fs::read_to_string(self.door()).unwrap_or_default();
        for process in left.lines() {
            let _ = write(&way_out, process);
        }
        cgroup::remove(&self.0);
    }
}

/// Without making the file, which what is no control group would let us.
fn write(file: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(file)?
        .write_all(text.as_bytes())
}
