//! A topology in a folder of its own, its artifact, and what genconf renders.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Result, command};

/// A folder with a topology, the artifact it names and the rendered bundle.
#[derive(Debug)]
pub struct Bundle {
    folder: PathBuf,
    genconf: PathBuf,
}

impl Bundle {
    /// An empty bundle in `folder`, to be rendered by the `genconf` binary.
    pub fn new(folder: &Path, genconf: &Path) -> Result<Self> {
        make(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            genconf: genconf.to_owned(),
        })
    }

    /// Writes `topology` and renders it.
    pub fn render(&self, topology: &str) -> Result<()> {
        let file = self.folder.join("topology.yaml");
        fs::write(&file, topology).map_err(Error::io("writing the topology"))?;
        command::finish(Command::new(&self.genconf).arg(&file))?.success()?;
        Ok(())
    }

    /// Makes the file at `path`, relative to the topology, an executable with these bytes.
    pub fn put_artifact(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let file = self.folder.join(path);
        if let Some(folder) = file.parent() {
            make(folder)?;
        }
        let doing = || Error::io(format!("writing {}", file.display()));
        // A running playbook may still read the old one: replaced, not changed.
        let fresh = file.with_extension("fresh");
        let mut out = fs::File::create(&fresh).map_err(doing())?;
        out.write_all(bytes).map_err(doing())?;
        out.set_permissions(fs::Permissions::from_mode(0o755))
            .map_err(doing())?;
        fs::rename(&fresh, &file).map_err(doing())
    }

    /// The folder playbooks are run in.
    #[must_use]
    pub fn ansible(&self) -> PathBuf {
        self.folder.join("ansible")
    }

    /// The bundle's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io(format!("making {}", folder.display())))
}
