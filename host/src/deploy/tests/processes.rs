//! What units start.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::host::Host;

/// What of a process /proc shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Processes {
    /// The executable.
    Shown,
    /// Nothing, as of the process of a container in it.
    Hidden,
}

/// The program of a unit.
#[derive(Clone)]
pub(super) struct Program {
    /// Its directory on the fake host.
    directory: PathBuf,
    /// Where the directory is.
    resolved: PathBuf,
    executable: String,
}

impl Program {
    /// By instance.
    pub(super) fn all(host: &Host, root: &Path) -> BTreeMap<String, Self> {
        let app = |name: &str| {
            let app = host.app(name).unwrap();
            Self {
                directory: app.directory.clone(),
                resolved: root.join(app.directory.strip_prefix("/").unwrap()),
                executable: app.artifact.executable.clone(),
            }
        };
        let instances = host.instances().iter();
        instances.map(|i| (i.unit.clone(), app(&i.app))).collect()
    }

    /// The release that a unit starts; empty without one.
    pub(super) fn current(&self) -> String {
        let link = fs::read_link(self.resolved.join("current")).unwrap_or_default();
        link.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// Writes the entry of a process in /proc.
    pub(super) fn show(&self, entry: &Path) {
        let release = self.directory.join("releases").join(self.current());
        fs::create_dir_all(entry).unwrap();
        std::os::unix::fs::symlink(release.join(&self.executable), entry.join("exe")).unwrap();
    }
}
