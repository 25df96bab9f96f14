//! The SSH key and client configuration of a lab, created for each lab.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Result, command, runtime_directory};

/// A key pair, and an `ssh_config` that uses it with strict host key checking.
#[derive(Debug, Clone)]
pub struct SshKey {
    directory: PathBuf,
}

impl SshKey {
    /// Creates a key pair in `directory`.
    pub fn new(directory: &Path) -> Result<Self> {
        let key = Self {
            directory: directory.to_owned(),
        };
        command::capture(
            Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f"])
                .arg(key.private()),
        )?
        .success()?;
        runtime_directory::write(&key.config(), &key.config_text())?;
        Ok(key)
    }

    /// Path of the private key.
    #[must_use]
    pub fn private(&self) -> PathBuf {
        self.directory.join("key")
    }

    /// Path of the client configuration, for `ssh -F`.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.directory.join("ssh_config")
    }

    /// Adds the public key to root's authorized keys in the root directory `root` of a host.
    pub fn authorize(&self, root: &Path) -> Result<()> {
        let public = read(&self.directory.join("key.pub"))?;
        let home = root.join("root/.ssh");
        fs::create_dir_all(&home).map_err(Error::io(format!("creating {}", home.display())))?;
        runtime_directory::write(&home.join("authorized_keys"), &public)
    }

    /// Adds the host key of the booted host at `root` to the known hosts, under `address`.
    ///
    /// Debian 13 creates host keys at the first boot.
    pub fn add_known_host(&self, root: &Path, address: &str) -> Result<()> {
        let host_key = read(&root.join("etc/ssh/ssh_host_ed25519_key.pub"))?;
        let known_hosts = self.directory.join("known_hosts");
        let before = fs::read_to_string(&known_hosts).unwrap_or_default();
        let text = format!("{before}{address} {}\n", host_key.trim());
        runtime_directory::write(&known_hosts, &text)
    }

    fn config_text(&self) -> String {
        let directory = self.directory.display();
        format!(
            "Host *\n  User root\n  IdentityFile {directory}/key\n  IdentitiesOnly yes\n  \
             UserKnownHostsFile {directory}/known_hosts\n  GlobalKnownHostsFile /dev/null\n  \
             HostKeyAlgorithms ssh-ed25519\n  StrictHostKeyChecking yes\n  BatchMode yes\n  \
             ConnectTimeout 10\n"
        )
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::io(format!("reading {}", path.display())))
}
