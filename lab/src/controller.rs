//! The controller: runs playbooks, curl, and load in the lab's network, outside of the hosts.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{self, CommandOutput};
use crate::ssh_key::SshKey;
use crate::{Host, ProjectDirectory, Result};

/// Runs programs in the bridge's namespace, with the lab's SSH key.
#[derive(Debug)]
pub struct Controller {
    namespace: String,
    key: SshKey,
    directory: PathBuf,
}

impl Controller {
    pub(crate) fn new(namespace: &str, key: SshKey, directory: &Path) -> Self {
        Self {
            namespace: namespace.to_owned(),
            key,
            directory: directory.to_owned(),
        }
    }

    /// Name of the namespace, for `ip netns exec`.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A command that runs `program` in the lab's network.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.namespace])
            .arg(program);
        command
    }

    /// `ansible-playbook` with the lab's SSH key, in the rendered `ansible` directory of a project.
    ///
    /// SSH control sockets are in the lab's directory: Ansible names them by address, and labs
    /// that run at the same time have the same addresses. The playbooks find `genconf-host` in
    /// the directory of the `genconf` that rendered them.
    #[must_use]
    pub fn playbook_command(&self, project: &ProjectDirectory, playbook: &str) -> Command {
        let mut path = project.programs().as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = self.command(Path::new("ansible-playbook"));
        command
            .current_dir(project.ansible())
            .env("PATH", path)
            .arg(playbook);
        self.add_ssh_settings(&mut command);
        command
    }

    /// `genconf plan` of a project, which queries its hosts. With `options` before the arguments for Ansible.
    #[must_use]
    pub fn plan_command(&self, project: &ProjectDirectory, options: &[&str]) -> Command {
        let mut command = self.command(&project.programs().join("genconf"));
        command
            .arg("plan")
            .arg(project.path())
            .args(options)
            .arg("--");
        self.add_ssh_settings(&mut command);
        command
    }

    fn add_ssh_settings(&self, command: &mut Command) {
        command
            .args(["--user", "root"])
            .arg(format!("--private-key={}", self.key.private().display()))
            .env("ANSIBLE_SSH_CONTROL_PATH_DIR", self.directory.join("cp"))
            .env("ANSIBLE_SSH_EXTRA_ARGS", self.ssh_options())
            .env("ANSIBLE_HOST_KEY_CHECKING", "True")
            .env("ANSIBLE_LOCAL_TEMP", self.directory.join("ansible"))
            .env("ANSIBLE_NOCOLOR", "1");
    }

    /// Runs a shell command on `host` over SSH.
    pub fn ssh(&self, host: &Host, line: &str) -> Result<CommandOutput> {
        let mut command = self.command(Path::new("ssh"));
        command
            .arg("-F")
            .arg(self.key.config())
            .args([host.address(), line]);
        command::capture(&mut command)
    }

    /// Body of the response to a GET, which must succeed within `seconds`.
    pub fn get(&self, url: &str, seconds: u32) -> Result<String> {
        let mut command = self.command(Path::new("curl"));
        command.args(["--silent", "--show-error", "--fail", "--max-time"]);
        command.args([&seconds.to_string(), url]);
        command::capture(&mut command)?.success()
    }

    /// Path of the SSH client configuration.
    #[must_use]
    pub fn ssh_config(&self) -> PathBuf {
        self.key.config()
    }

    fn ssh_options(&self) -> String {
        format!("-F {}", self.key.config().display())
    }
}
