//! A booted host: its disk, network, and processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use crate::command::{self, CommandOutput};
use crate::network::VethLink;
use crate::wait::{self, Poll};
use crate::{ContainerEngine, Error, Image, Result, cgroup, digest, process, runtime_directory};

/// Limit of a boot, which takes 3 to 8 s and several times that on a busy machine.
const BOOT_TIMEOUT: Duration = Duration::from_secs(90);

/// Joins the control groups before `--`, and runs the command after it again after each reboot:
/// with `--keep-unit`, systemd-nspawn(1) exits with 133 instead of rebooting the machine.
const BOOT_LOOP: &str = r#"
    while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit; shift; done
    shift
    while :; do "$@"; [ $? -eq 133 ] || exit 0; done
"#;

/// A booted Debian with its own address.
#[derive(Debug)]
pub struct Host {
    name: String,
    address: String,
    machine: String,
    directory: PathBuf,
    link: VethLink,
    engine: Option<ContainerEngine>,
    boot_loop: Mutex<Option<Child>>,
}

impl Host {
    /// Mounts the host's disk without booting it: an overlay of `image` and a tmpfs of `disk`
    /// bytes, so that tests can fill the disk.
    pub fn prepare(config: &HostConfig<'_>, image: &Image, disk: u64) -> Result<Self> {
        let host = Self {
            name: config.name.to_owned(),
            address: config.address.to_owned(),
            machine: runtime_directory::machine_name(config.lab, config.name),
            directory: config.directory.join("hosts").join(config.name),
            link: config.link.clone(),
            engine: config.engine,
            boot_loop: Mutex::new(None),
        };
        host.mount(image, disk)?;
        let id = digest::hex(&host.machine, 16);
        runtime_directory::write(&host.root().join("etc/machine-id"), &format!("{id}\n"))?;
        runtime_directory::write(
            &host.root().join("etc/hostname"),
            &format!("{}\n", host.name),
        )?;
        Ok(host)
    }

    fn mount(&self, image: &Image, disk: u64) -> Result<()> {
        let directory = self.directory.display();
        create(&self.directory)?;
        command::run_line(&format!(
            "mount -t tmpfs -o size={disk},mode=755 lab {directory}"
        ))?;
        for part in ["upper", "work", "root"] {
            create(&self.directory.join(part))?;
        }
        let lower = image.root().display();
        command::run_line(&format!(
            "mount -t overlay -o lowerdir={lower},upperdir={directory}/upper,workdir={directory}/work lab {directory}/root"
        ))
        .map(drop)
    }

    /// Starts the boot; [`Host::wait_until_booted`] waits for its end.
    pub fn boot(&self) -> Result<()> {
        let log = fs::File::create(self.directory.join("console"))
            .map_err(Error::io("opening the console log"))?;
        let errors = log
            .try_clone()
            .map_err(Error::io("opening the console log"))?;
        let groups = cgroup::create(&self.machine)?;
        let listed: Vec<String> = groups
            .iter()
            .map(|group| group.display().to_string())
            .collect();
        runtime_directory::write(
            &self.directory.join(runtime_directory::CGROUPS),
            &listed.join("\n"),
        )?;
        let mut command = Command::new("sh");
        command
            .args(["-c", BOOT_LOOP, "boot-loop"])
            .args(groups)
            .args(["--", "systemd-nspawn", "--quiet", "--boot"])
            .args([
                "--register=no",
                "--keep-unit",
                "--console=pipe",
                "--resolv-conf=off",
            ])
            .args(["--timezone=off", "--link-journal=no"])
            // A host sets the net.ipv4 parameters of its network namespace.
            .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
            .arg(format!("--machine={}", self.machine))
            .arg(format!("--hostname={}", self.name))
            .arg(format!("--network-namespace-path={}", self.link.path()))
            .arg(format!("--directory={}", self.root().display()));
        if self.engine.is_some() {
            command
                .args(ContainerEngine::options())
                .envs(ContainerEngine::environment());
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(Error::io("starting systemd-nspawn"))?;
        if let Ok(mut boot_loop) = self.boot_loop.lock() {
            *boot_loop = Some(child);
        }
        Ok(())
    }

    /// Waits until systemd has run all jobs of the boot and `ssh.service` is active.
    pub fn wait_until_booted(&self) -> Result<Duration> {
        let state = format!("{} booted", self.name);
        let ((), took) = wait::until(&state, BOOT_TIMEOUT, || self.boot_state())?;
        Ok(took)
    }

    fn boot_state(&self) -> Poll<()> {
        let queried = self.capture(&["systemctl", "is-system-running"]);
        let state = queried.map_or_else(|error| error.to_string(), |queried| queried.output());
        // `degraded` is booted, too; tests check the units they need.
        if !["running", "degraded"].contains(&state.trim()) {
            return Poll::Pending(state);
        }
        match self.capture(&["systemctl", "is-active", "ssh.service"]) {
            Ok(ssh) if ssh.stdout.trim() == "active" => Poll::Ready(()),
            Ok(ssh) => Poll::Pending(format!("ssh is {}", ssh.stdout.trim())),
            Err(error) => Poll::Pending(error.to_string()),
        }
    }

    /// Name of the host in the topology.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Address of the host in the lab's network.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Path of the host's root directory on this machine.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.directory.join("root")
    }

    /// Runs a command on the host and captures its output, regardless of its exit code.
    pub fn capture(&self, arguments: &[&str]) -> Result<CommandOutput> {
        let leader = self.leader().ok_or_else(|| Error::Invalid {
            what: format!("host {}", self.name),
            text: "not running".to_owned(),
        })?;
        command::capture(
            Command::new("nsenter")
                .arg(format!("--target={leader}"))
                .args(["-m", "-u", "-i", "-n", "-p", "-C", "--"])
                .args(arguments),
        )
    }

    /// Runs a command on the host and expects exit code 0.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        self.capture(arguments)?.success()
    }

    /// Runs a shell command on the host and expects exit code 0.
    pub fn shell(&self, line: &str) -> Result<String> {
        self.run(&["sh", "-c", line])
    }

    /// Disconnects the host: packets to it are lost without a reply, as after a power failure.
    pub fn disconnect_network(&self) -> Result<()> {
        self.link.set_down()
    }

    /// Reverts [`Host::disconnect_network`].
    pub fn reconnect_network(&self) -> Result<()> {
        self.link.set_up()
    }

    /// Reboots the host with systemd and returns the time until it has booted again.
    pub fn reboot(&self) -> Result<Duration> {
        let before = self.leader();
        self.run(&["systemctl", "reboot"])?;
        let ((), down) = wait::until("shut down", BOOT_TIMEOUT, || match self.leader() {
            now if now == before => Poll::Pending("still running".to_owned()),
            _ => Poll::Ready(()),
        })?;
        Ok(down + self.wait_until_booted()?)
    }

    /// ID of the host's init process, in this machine's PID namespace.
    #[must_use]
    pub fn leader(&self) -> Option<u32> {
        process::with_argument(&format!("--machine={}", self.machine))
            .into_iter()
            .find_map(process::leader_below)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let boot_loop = self.boot_loop.lock().ok();
        if let Some(mut child) = boot_loop.and_then(|mut child| child.take()) {
            runtime_directory::kill_machine(&self.machine);
            let _ = child.wait();
        }
    }
}

/// Name, address, and network link of a host.
#[derive(Debug)]
pub struct HostConfig<'a> {
    /// Name of the lab.
    pub lab: &'a str,
    /// Name of the host.
    pub name: &'a str,
    /// Address of the host.
    pub address: &'a str,
    /// The lab's runtime directory.
    pub directory: &'a Path,
    /// Link to the lab's bridge.
    pub link: &'a VethLink,
    /// Installed container engine.
    pub engine: Option<ContainerEngine>,
}

fn create(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).map_err(Error::io(format!("creating {}", directory.display())))
}
