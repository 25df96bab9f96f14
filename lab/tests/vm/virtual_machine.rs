//! The VM of the root topology, started and removed with the scripts of `make up` and `make down`.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Command;

use lab::command::{self, CommandOutput};
use lab::{Error, Result};

/// The SSH configuration that `make up` writes, and the address of the VM.
const SSH_CONFIG: &str = "vagrant/.vagrant/ssh-config";
const ADDRESS: &str = "192.168.56.11";

/// The VM; dropping it removes the VM unless it ran before.
pub(crate) struct VirtualMachine {
    root: PathBuf,
    ran_before: bool,
}

impl VirtualMachine {
    /// Runs `make up` and shows its output.
    pub(crate) fn up() -> Result<Self> {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let ran_before = ["libvirt", "virtualbox"].iter().any(|provider| {
            let id = format!("vagrant/.vagrant/machines/node1/{provider}/id");
            root.join(id).exists()
        });
        // Created first, so that dropping it also removes a VM that failed to start.
        let vm = Self { root, ran_before };
        let status = vm
            .script("up")
            .status()
            .map_err(Error::io("starting scripts/up"))?;
        if status.success() {
            return Ok(vm);
        }
        Err(Error::Command {
            command_line: "scripts/up".to_owned(),
            status: status.to_string(),
            output: "see above".to_owned(),
        })
    }

    /// Runs `make up` again and captures its output.
    pub(crate) fn up_again(&self) -> Result<CommandOutput> {
        command::capture(&mut self.script("up"))
    }

    /// Changes the program that the topology deploys, until the value is dropped.
    pub(crate) fn change_the_program(&self) -> Result<ChangedProgram> {
        ChangedProgram::new(self.root.join("target/release/randoms"))
            .map_err(Error::io("changing target/release/randoms"))
    }

    /// Runs a command line in the VM and returns its standard output.
    pub(crate) fn shell(&self, line: &str) -> Result<String> {
        self.ssh(line)?.success()
    }

    /// As [`VirtualMachine::shell`], with `vagrant ssh`, which takes seconds to connect.
    pub(crate) fn vagrant_shell(&self, line: &str) -> Result<String> {
        self.vagrant(&["ssh", "node1", "--no-tty", "--command", line])?
            .success()
    }

    /// Runs a command line in the VM with the SSH configuration of `make up`, regardless of its exit
    /// code.
    pub(crate) fn ssh(&self, line: &str) -> Result<CommandOutput> {
        let mut command = Command::new("ssh");
        command.arg("-F").arg(self.root.join(SSH_CONFIG));
        // A persistent connection can be one to the VM before a reboot.
        command.args(["-o", "ControlPath=none", "-o", "ConnectTimeout=10"]);
        command::capture(command.args([ADDRESS, line]))
    }

    /// Runs the deploy of `make up` for a changed program.
    pub(crate) fn deploy(&self) -> Result<String> {
        self.vagrant(&["provision", "--provision-with", "deploy"])?
            .success()
    }

    fn vagrant(&self, arguments: &[&str]) -> Result<CommandOutput> {
        let directory = self.root.join("vagrant");
        command::capture(
            Command::new("vagrant")
                .args(arguments)
                .current_dir(directory),
        )
    }

    fn script(&self, name: &str) -> Command {
        let mut command = Command::new(self.root.join("scripts").join(name));
        // The scripts run without the variables that Cargo sets for tests, except for the settings
        // of the release profile.
        let is_removed =
            |name: &str| name.starts_with("CARGO") && !name.starts_with("CARGO_PROFILE_");
        for (name, _) in std::env::vars().filter(|(name, _)| is_removed(name)) {
            command.env_remove(name);
        }
        command
    }
}

impl Drop for VirtualMachine {
    fn drop(&mut self) {
        if !self.ran_before {
            let _ = self.script("down").status();
        }
    }
}

/// A program with one byte appended, which does not change its behavior, until this is dropped.
pub(crate) struct ChangedProgram {
    path: PathBuf,
    length: u64,
}

impl ChangedProgram {
    /// Appends in place: Cargo would restore a file that is replaced.
    fn new(path: PathBuf) -> io::Result<Self> {
        let mut file = File::options().append(true).open(&path)?;
        let length = file.metadata()?.len();
        let changed = Self { path, length };
        file.write_all(b"\n")?;
        Ok(changed)
    }

    /// SHA-256 digest of the program.
    pub(crate) fn digest(&self) -> Result<String> {
        let output = command::capture(Command::new("sha256sum").arg(&self.path))?.success()?;
        Ok(output.split(' ').next().unwrap_or_default().to_owned())
    }
}

impl Drop for ChangedProgram {
    fn drop(&mut self) {
        let file = File::options().write(true).open(&self.path);
        let _ = file.and_then(|file| file.set_len(self.length));
    }
}

/// Missing programs without which no VM can run. `make up` reports the programs that only a build
/// of the box needs.
pub(crate) fn missing() -> Vec<String> {
    [
        "vagrant",
        "virsh",
        "qemu-system-x86_64",
        "ansible-playbook",
        "curl",
    ]
    .into_iter()
    .filter(|program| {
        let found = format!("PATH=$PATH:/usr/sbin:/sbin command -v {program}");
        !command::capture(Command::new("sh").args(["-c", &found]))
            .is_ok_and(|finished| finished.code == Some(0))
    })
    .map(str::to_owned)
    .collect()
}
