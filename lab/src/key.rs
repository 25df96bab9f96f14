//! The lab's SSH key and client configuration, made anew for each lab.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Result, command, state};

/// A key pair and the `ssh_config` that uses it with strict host keys.
#[derive(Debug, Clone)]
pub struct Key {
    folder: PathBuf,
}

impl Key {
    /// Makes a key pair in `folder`.
    pub fn new(folder: &Path) -> Result<Self> {
        let key = Self {
            folder: folder.to_owned(),
        };
        command::finish(
            Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f"])
                .arg(key.private()),
        )?
        .success()?;
        state::write(&key.config(), &key.config_text())?;
        Ok(key)
    }

    /// Path of the private key.
    #[must_use]
    pub fn private(&self) -> PathBuf {
        self.folder.join("key")
    }

    /// Path of the client configuration, for `ssh -F`.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.join("ssh_config")
    }

    /// Lets the owner of this key into the tree at `root` as root.
    pub fn admit(&self, root: &Path) -> Result<()> {
        let public = read(&self.folder.join("key.pub"))?;
        let home = root.join("root/.ssh");
        fs::create_dir_all(&home).map_err(Error::io(format!("making {}", home.display())))?;
        state::write(&home.join("authorized_keys"), &public)
    }

    /// Notes under `address` the host key of the booted host at `root`: Debian 13
    /// makes new ones at its first boot.
    pub fn know(&self, root: &Path, address: &str) -> Result<()> {
        let host_key = read(&root.join("etc/ssh/ssh_host_ed25519_key.pub"))?;
        let known = self.folder.join("known_hosts");
        let before = fs::read_to_string(&known).unwrap_or_default();
        state::write(&known, &format!("{before}{address} {}\n", host_key.trim()))
    }

    fn config_text(&self) -> String {
        let folder = self.folder.display();
        format!(
            "Host *\n  User root\n  IdentityFile {folder}/key\n  IdentitiesOnly yes\n  \
             UserKnownHostsFile {folder}/known_hosts\n  GlobalKnownHostsFile /dev/null\n  \
             HostKeyAlgorithms ssh-ed25519\n  StrictHostKeyChecking yes\n  BatchMode yes\n  \
             ConnectTimeout 10\n"
        )
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::io(format!("reading {}", path.display())))
}
