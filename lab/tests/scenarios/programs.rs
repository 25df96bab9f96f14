//! The binaries under test, built from this workspace.

use std::path::PathBuf;
use std::process::Command;

use lab::{Error, Result, command};

/// Where the built binaries are.
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Builds genconf and the server in the profile these tests were built in.
    pub(crate) fn build() -> Result<Self> {
        let lab = PathBuf::from(env!("CARGO_BIN_EXE_lab"));
        let folder = lab.parent().map(PathBuf::from).unwrap_or_default();
        let target = folder.parent().map(PathBuf::from).unwrap_or_default();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "build",
            "--quiet",
            "--package",
            "genconf",
            "--package",
            "randoms",
        ]);
        // Cargo calls the folder of the profile `dev` by another name.
        match folder.file_name().and_then(|name| name.to_str()) {
            None | Some("debug") => {}
            Some(profile) => {
                cargo.args(["--profile", profile]);
            }
        }
        cargo.arg("--target-dir").arg(target);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        command::finish(&mut cargo)?.success()?;
        Ok(Self { folder })
    }

    pub(crate) fn genconf(&self) -> PathBuf {
        self.folder.join("genconf")
    }

    /// The server's bytes.
    pub(crate) fn server(&self) -> Result<Vec<u8>> {
        let path = self.folder.join("randoms");
        std::fs::read(&path).map_err(Error::io(format!("reading {}", path.display())))
    }

    /// The load client.
    pub(crate) fn lab() -> &'static str {
        env!("CARGO_BIN_EXE_lab")
    }
}
