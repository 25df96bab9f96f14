//! The VM of the root topology, brought up and down by the scripts a reader uses.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Command;

use lab::command::{self, Finished};
use lab::{Error, Result};

/// How ssh enters the VM, and where it is.
const SSH_CONFIG: &str = "vagrant/.vagrant/ssh-config";
const ADDRESS: &str = "192.168.56.11";

/// The VM, and whether it is ours to remove.
pub(crate) struct Machine {
    root: PathBuf,
    was_up: bool,
}

impl Machine {
    /// Runs `make up` with its progress shown.
    pub(crate) fn up() -> Result<Self> {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let was_up = ["libvirt", "virtualbox"].iter().any(|provider| {
            let id = format!("vagrant/.vagrant/machines/node1/{provider}/id");
            root.join(id).exists()
        });
        // Made first, so that a VM that comes up only in part is removed as well.
        let machine = Self { root, was_up };
        let status = machine
            .script("up")
            .status()
            .map_err(Error::io("starting scripts/up"))?;
        if status.success() {
            return Ok(machine);
        }
        Err(Error::Command {
            line: "scripts/up".to_owned(),
            status: status.to_string(),
            said: "see above".to_owned(),
        })
    }

    /// Runs `make up` once more and returns what it said.
    pub(crate) fn up_again(&self) -> Result<Finished> {
        command::finish(&mut self.script("up"))
    }

    /// Makes the program of the topology another one.
    pub(crate) fn change_the_program(&self) -> Result<Changed> {
        Changed::new(self.root.join("target/release/randoms"))
            .map_err(Error::io("changing target/release/randoms"))
    }

    /// Runs a command line in the VM and returns its standard output.
    pub(crate) fn shell(&self, line: &str) -> Result<String> {
        self.ssh(line)?.success()
    }

    /// The same by `vagrant ssh`, which takes its seconds before it asks.
    pub(crate) fn vagrant_shell(&self, line: &str) -> Result<String> {
        self.vagrant(&["ssh", "node1", "--no-tty", "--command", line])?
            .success()
    }

    /// Runs a command line in the VM, however it ends, by the configuration that `make up` tells of.
    pub(crate) fn ssh(&self, line: &str) -> Result<Finished> {
        let mut command = Command::new("ssh");
        command.arg("-F").arg(self.root.join(SSH_CONFIG));
        // A kept connection may be one to the boot before.
        command.args(["-o", "ControlPath=none", "-o", "ConnectTimeout=10"]);
        command::finish(command.args([ADDRESS, line]))
    }

    /// Does what `make up` does for a changed program, and nothing else of it.
    pub(crate) fn ship(&self) -> Result<String> {
        self.vagrant(&["provision", "--provision-with", "deploy"])?
            .success()
    }

    fn vagrant(&self, words: &[&str]) -> Result<Finished> {
        let folder = self.root.join("vagrant");
        command::finish(Command::new("vagrant").args(words).current_dir(folder))
    }

    fn script(&self, name: &str) -> Command {
        let mut command = Command::new(self.root.join("scripts").join(name));
        // Cargo gives its own settings to the tests it runs; a reader has none of them.
        // How to build a release is what whoever runs this test may have said.
        let is_inherited =
            |name: &str| name.starts_with("CARGO") && !name.starts_with("CARGO_PROFILE_");
        for (name, _) in std::env::vars().filter(|(name, _)| is_inherited(name)) {
            command.env_remove(name);
        }
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !self.was_up {
            let _ = self.script("down").status();
        }
    }
}

/// A program with a byte more, which it does not notice, until this is dropped.
pub(crate) struct Changed {
    path: PathBuf,
    length: u64,
}

impl Changed {
    /// Changed in place: Cargo would put back a file that was replaced.
    fn new(path: PathBuf) -> io::Result<Self> {
        let mut file = File::options().append(true).open(&path)?;
        let length = file.metadata()?.len();
        let changed = Self { path, length };
        file.write_all(b"\n")?;
        Ok(changed)
    }

    /// Its digest by SHA-256.
    pub(crate) fn digest(&self) -> Result<String> {
        let said = command::finish(Command::new("sha256sum").arg(&self.path))?.success()?;
        Ok(said.split(' ').next().unwrap_or_default().to_owned())
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        let file = File::options().write(true).open(&self.path);
        let _ = file.and_then(|file| file.set_len(self.length));
    }
}

/// Programs without which no VM can run here. What only a build of the box
/// needs is left to `make up`, which says so.
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
        !command::finish(Command::new("sh").args(["-c", &found]))
            .is_ok_and(|finished| finished.code == Some(0))
    })
    .map(str::to_owned)
    .collect()
}
