//! One booted host: its disk, its place in the network, its processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use crate::command::{self, Finished};
use crate::network::Port;
use crate::wait::{self, Seen};
use crate::{Engine, Error, Image, Result, cgroup, digest, process, state};

/// A boot takes 3 to 8 s; a loaded machine may need several times that.
const BOOT: Duration = Duration::from_secs(90);

/// Joins the control groups before `--` and boots the machine after it, again after each
/// reboot: under `--keep-unit` systemd-nspawn(1) ends with 133 and leaves that to us.
const KEEPER: &str = r#"
    while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit; shift; done
    shift
    while :; do "$@"; [ $? -eq 133 ] || exit 0; done
"#;

/// A booted Debian with an address, reached as a machine of its own.
#[derive(Debug)]
pub struct Host {
    name: String,
    address: String,
    machine: String,
    folder: PathBuf,
    port: Port,
    engine: Option<Engine>,
    keeper: Mutex<Option<Child>>,
}

impl Host {
    /// Lays out the host's disk over `image` without booting it: an overlay on
    /// a tmpfs of `disk` bytes, so that a full disk can be played.
    pub fn lay_out(place: &Place<'_>, image: &Image, disk: u64) -> Result<Self> {
        let host = Self {
            name: place.name.to_owned(),
            address: place.address.to_owned(),
            machine: state::machine_name(place.lab, place.name),
            folder: place.folder.join("hosts").join(place.name),
            port: place.port.clone(),
            engine: place.engine,
            keeper: Mutex::new(None),
        };
        host.mount(image, disk)?;
        let id = digest::hex(&host.machine, 16);
        state::write(&host.root().join("etc/machine-id"), &format!("{id}\n"))?;
        state::write(
            &host.root().join("etc/hostname"),
            &format!("{}\n", host.name),
        )?;
        Ok(host)
    }

    fn mount(&self, image: &Image, disk: u64) -> Result<()> {
        let folder = self.folder.display();
        make(&self.folder)?;
        command::words(&format!(
            "mount -t tmpfs -o size={disk},mode=755 lab {folder}"
        ))?;
        for part in ["upper", "work", "root"] {
            make(&self.folder.join(part))?;
        }
        let tree = image.tree().display();
        command::words(&format!(
            "mount -t overlay -o lowerdir={tree},upperdir={folder}/upper,workdir={folder}/work lab {folder}/root"
        ))
        .map(drop)
    }

    /// Starts the machine; [`Host::wait_until_booted`] tells when it is there.
    pub fn boot(&self) -> Result<()> {
        let log = fs::File::create(self.folder.join("console"))
            .map_err(Error::io("opening the console log"))?;
        let errors = log
            .try_clone()
            .map_err(Error::io("opening the console log"))?;
        let groups = cgroup::make(&self.machine)?;
        let listed: Vec<String> = groups
            .iter()
            .map(|group| group.display().to_string())
            .collect();
        state::write(&self.folder.join(state::GROUPS), &listed.join("\n"))?;
        let mut command = Command::new("sh");
        command
            .args(["-c", KEEPER, "keeper"])
            .args(groups)
            .args(["--", "systemd-nspawn", "--quiet", "--boot"])
            .args([
                "--register=no",
                "--keep-unit",
                "--console=pipe",
                "--resolv-conf=off",
            ])
            .args(["--timezone=off", "--link-journal=no"])
            // A host sets its own net.ipv4 parameters; they are those of its network namespace.
            .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
            .arg(format!("--machine={}", self.machine))
            .arg(format!("--hostname={}", self.name))
            .arg(format!("--network-namespace-path={}", self.port.path()))
            .arg(format!("--directory={}", self.root().display()));
        if self.engine.is_some() {
            command.args(Engine::options()).envs(Engine::environment());
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(Error::io("starting systemd-nspawn"))?;
        if let Ok(mut keeper) = self.keeper.lock() {
            *keeper = Some(child);
        }
        Ok(())
    }

    /// Returns once systemd has run all jobs of the boot and SSH answers.
    pub fn wait_until_booted(&self) -> Result<Duration> {
        let state = format!("{} booted", self.name);
        let ((), took) = wait::until(&state, BOOT, || self.boot_state())?;
        Ok(took)
    }

    fn boot_state(&self) -> Seen<()> {
        let asked = self.finish(&["systemctl", "is-system-running"]);
        let said = asked.map_or_else(|error| error.to_string(), |asked| asked.said());
        // `degraded` is booted too: which unit failed is the test's question.
        if !["running", "degraded"].contains(&said.trim()) {
            return Seen::NotYet(said);
        }
        match self.finish(&["systemctl", "is-active", "ssh.service"]) {
            Ok(ssh) if ssh.stdout.trim() == "active" => Seen::Yes(()),
            Ok(ssh) => Seen::NotYet(format!("ssh is {}", ssh.stdout.trim())),
            Err(error) => Seen::NotYet(error.to_string()),
        }
    }

    /// The host's name in the topology.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The host's address in the lab's network.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The host's root folder as seen from this machine.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// Runs words on the host and gives back what they left, whatever it is.
    pub fn finish(&self, words: &[&str]) -> Result<Finished> {
        let leader = self.leader().ok_or_else(|| Error::Unreadable {
            what: format!("host {}", self.name),
            text: "it is not running".to_owned(),
        })?;
        command::finish(
            Command::new("nsenter")
                .arg(format!("--target={leader}"))
                .args(["-m", "-u", "-i", "-n", "-p", "-C", "--"])
                .args(words),
        )
    }

    /// Runs words on the host and expects status 0.
    pub fn run(&self, words: &[&str]) -> Result<String> {
        self.finish(words)?.success()
    }

    /// Runs a line of shell on the host and expects status 0.
    pub fn shell(&self, line: &str) -> Result<String> {
        self.run(&["sh", "-c", line])
    }

    /// Cuts the host off: what is sent to it vanishes, as when it loses power.
    pub fn cut_network(&self) -> Result<()> {
        self.port.cut()
    }

    /// Ends [`Host::cut_network`].
    pub fn restore_network(&self) -> Result<()> {
        self.port.restore()
    }

    /// Reboots by systemd and returns how long the host took to be back.
    pub fn reboot(&self) -> Result<Duration> {
        let before = self.leader();
        self.run(&["systemctl", "reboot"])?;
        let ((), down) = wait::until("going down", BOOT, || match self.leader() {
            now if now == before => Seen::NotYet("the old boot still runs".to_owned()),
            _ => Seen::Yes(()),
        })?;
        Ok(down + self.wait_until_booted()?)
    }

    /// The host's process number 1, as this machine numbers it.
    #[must_use]
    pub fn leader(&self) -> Option<u32> {
        process::with_argument(&format!("--machine={}", self.machine))
            .into_iter()
            .find_map(process::leader_below)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let keeper = self.keeper.lock().ok().and_then(|mut keeper| keeper.take());
        if let Some(mut keeper) = keeper {
            state::end_machine(&self.machine);
            // Reaps it; it was just killed.
            let _ = keeper.wait();
        }
    }
}

/// Where a host stands: which lab, name, address and cable.
#[derive(Debug)]
pub struct Place<'a> {
    /// Name of the lab.
    pub lab: &'a str,
    /// Name of the host.
    pub name: &'a str,
    /// The host's address.
    pub address: &'a str,
    /// The lab's folder.
    pub folder: &'a Path,
    /// The host's cable.
    pub port: &'a Port,
    /// What runs containers on it.
    pub engine: Option<Engine>,
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io(format!("making {}", folder.display())))
}
