//! The machine outside the hosts: it runs playbooks, curl and load against them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{self, Finished};
use crate::key::Key;
use crate::{Host, Result};

/// Programs run in the bridge's namespace, with the lab's key.
#[derive(Debug)]
pub struct Controller {
    namespace: String,
    key: Key,
    folder: PathBuf,
}

impl Controller {
    pub(crate) fn new(namespace: &str, key: Key, folder: &Path) -> Self {
        Self {
            namespace: namespace.to_owned(),
            key,
            folder: folder.to_owned(),
        }
    }

    /// The namespace's name, for `ip netns exec`.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A command that will run in the lab's network.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.namespace])
            .arg(program);
        command
    }

    /// `ansible-playbook` with the lab's key, to be run in `bundle`'s ansible folder.
    ///
    /// Control sockets live in the lab's folder: Ansible names them by address,
    /// and two labs that run at once have the same addresses.
    #[must_use]
    pub fn playbook(&self, folder: &Path, playbook: &str) -> Command {
        let mut command = self.command(Path::new("ansible-playbook"));
        command
            .current_dir(folder)
            .arg(playbook)
            .args(["--user", "root"])
            .arg(format!("--private-key={}", self.key.private().display()))
            .env("ANSIBLE_SSH_CONTROL_PATH_DIR", self.folder.join("cp"))
            .env("ANSIBLE_SSH_EXTRA_ARGS", self.ssh_options())
            .env("ANSIBLE_HOST_KEY_CHECKING", "True")
            .env("ANSIBLE_LOCAL_TEMP", self.folder.join("ansible"))
            .env("ANSIBLE_NOCOLOR", "1");
        command
    }

    /// Runs a line of shell on `host` by SSH, as a person would.
    pub fn ssh(&self, host: &Host, line: &str) -> Result<Finished> {
        let mut command = self.command(Path::new("ssh"));
        command
            .arg("-F")
            .arg(self.key.config())
            .args([host.address(), line]);
        command::finish(&mut command)
    }

    /// Body of a GET, which must succeed within `seconds`.
    pub fn get(&self, url: &str, seconds: u32) -> Result<String> {
        let mut command = self.command(Path::new("curl"));
        command.args(["--silent", "--show-error", "--fail", "--max-time"]);
        command.args([&seconds.to_string(), url]);
        command::finish(&mut command)?.success()
    }

    /// Where the lab's key and SSH configuration are.
    #[must_use]
    pub fn ssh_config(&self) -> PathBuf {
        self.key.config()
    }

    fn ssh_options(&self) -> String {
        format!("-F {}", self.key.config().display())
    }
}
