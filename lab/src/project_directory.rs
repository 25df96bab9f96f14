//! A directory with a topology, the artifacts it names, and the files genconf renders from it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Result, command};

/// A directory with a topology, its artifacts, and its rendered files.
#[derive(Debug)]
pub struct ProjectDirectory {
    path: PathBuf,
    genconf: PathBuf,
}

impl ProjectDirectory {
    /// Creates the empty directory `path`; `genconf` is the binary that renders into it.
    pub fn new(path: &Path, genconf: &Path) -> Result<Self> {
        create(path)?;
        Ok(Self {
            path: path.to_owned(),
            genconf: genconf.to_owned(),
        })
    }

    /// Writes `topology` to `topology.yaml` and renders it.
    pub fn render(&self, topology: &str) -> Result<()> {
        let file = self.path.join("topology.yaml");
        fs::write(&file, topology).map_err(Error::io("writing the topology"))?;
        command::capture(Command::new(&self.genconf).arg(&file))?.success()?;
        Ok(())
    }

    /// Writes an executable artifact; `path` is relative to the topology.
    pub fn write_artifact(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let file = self.path.join(path);
        if let Some(parent) = file.parent() {
            create(parent)?;
        }
        let context = || Error::io(format!("writing {}", file.display()));
        // Replaced by a rename, since a running playbook can still read the old file.
        let new = file.with_extension("new");
        let mut out = fs::File::create(&new).map_err(context())?;
        out.write_all(bytes).map_err(context())?;
        out.set_permissions(fs::Permissions::from_mode(0o755))
            .map_err(context())?;
        fs::rename(&new, &file).map_err(context())
    }

    /// The directory with the programs of genconf.
    #[must_use]
    pub fn programs(&self) -> &Path {
        self.genconf.parent().unwrap_or(Path::new("."))
    }

    /// The directory with the rendered playbooks.
    #[must_use]
    pub fn ansible(&self) -> PathBuf {
        self.path.join("ansible")
    }

    /// Path of the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn create(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).map_err(Error::io(format!("creating {}", directory.display())))
}
