//! A booted and installed lab that scenarios break one after the other.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use lab::wait::{self, Seen};
use lab::{Bundle, Host, HostPlan, Lab, Loading, Play, Result, command, topology};

use crate::programs::Programs;
use crate::reply::Reply;
use crate::row::Row;
use crate::runner::Group;
use crate::system::{Artifact, System};

/// How long a state may take to come back after a fault, when the fault's own
/// table has no tighter bound.
pub(crate) const RECOVERY: Duration = Duration::from_secs(30);

/// What is printed of a host's journal after a failure.
const JOURNAL_LINES: u32 = 60;

/// The lab, its bundle and the results so far.
pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) bundle: Bundle,
    pub(crate) system: &'static System,
    /// What the first artifact of the system is made of.
    pub(crate) artifact: Vec<u8>,
    /// What the system describes for the host that users come through.
    pub(crate) units: Vec<String>,
    rows: Mutex<Vec<Row>>,
}

impl Stage {
    /// Boots the hosts of `group`, renders its topology for them, and
    /// installs nothing yet.
    pub(crate) fn boot(programs: &Programs, group: &Group) -> Result<Self> {
        let system = group.system;
        let plans: Vec<HostPlan> = topology::hosts(system.project, system.topology)?
            .into_iter()
            .map(|plan| plan.on(group.suite))
            .map(|plan| match group.engine {
                Some(engine) => plan.with(engine),
                None => plan,
            })
            .collect();
        let lab = Lab::boot(&plans)?;
        let bundle = Bundle::new(&lab.folder().join("bundle"), &programs.genconf())?;
        let mut artifacts = Vec::new();
        for (path, artifact) in system.artifacts {
            let bytes = content(programs, *artifact)?;
            bundle.put_artifact(path, &bytes)?;
            artifacts.push(bytes);
        }
        bundle.render(system.topology)?;
        if let Some(certificate) = &system.certificate {
            certificate.put(&lab.hosts()[0])?;
        }
        let front = system
            .runs
            .iter()
            .find(|running| running.host == lab.hosts()[0].name());
        let units = front.map(|running| running.expanded().into_keys().collect());
        Ok(Self {
            lab,
            bundle,
            system,
            artifact: artifacts.swap_remove(0),
            units: units.unwrap_or_default(),
            rows: Mutex::new(Vec::new()),
        })
    }

    /// The host users come through.
    pub(crate) fn front(&self) -> &Host {
        &self.lab.hosts()[0]
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.front().address())
    }

    /// curl in the lab's network, which trusts the system's certificate.
    pub(crate) fn curl(&self) -> Command {
        let mut curl = self.lab.controller().command(Path::new("curl"));
        curl.args(["--silent", "--show-error", "--max-time", "20"]);
        if let Some(certificate) = &self.system.certificate {
            curl.args(certificate.options(self.front()));
        }
        curl
    }

    /// What `url` answers, whatever its status.
    pub(crate) fn ask(&self, url: &str) -> Result<Reply> {
        let said = command::finish(self.curl().args(["--include", url]))?.success()?;
        Reply::read(&said)
    }

    /// Makes `bytes` the system's first artifact, for the next deploy.
    pub(crate) fn put_artifact(&self, bytes: &[u8]) -> Result<()> {
        self.bundle.put_artifact(self.system.artifacts[0].0, bytes)
    }

    /// Runs a playbook of the bundle and gives back what it told.
    pub(crate) fn play(&self, playbook: &str, options: &[&str]) -> Result<Play> {
        command::finish(self.playbook(playbook).args(options)).map(Play::new)
    }

    /// A playbook of the bundle, not yet run.
    pub(crate) fn playbook(&self, playbook: &str) -> Command {
        let folder = self.bundle.ansible();
        self.lab.controller().playbook(&folder, playbook)
    }

    /// Starts the usual load on the route to `spread`.
    pub(crate) fn load(&self) -> Result<Loading> {
        self.load_on("/api/randoms", &[])
    }

    /// Starts load on `path` with further options of `lab load`.
    pub(crate) fn load_on(&self, path: &str, options: &[&str]) -> Result<Loading> {
        self.load_at(&self.url(path), options)
    }

    /// The same for a whole address.
    pub(crate) fn load_at(&self, url: &str, options: &[&str]) -> Result<Loading> {
        let mut words = vec![url];
        words.extend(if is_full() { FULL } else { SHORT });
        words.extend(options);
        Loading::start(self.lab.controller(), Programs::lab(), &words)
    }

    /// Waits until nobody answers there: a hand that starts things again is slower than a control.
    pub(crate) fn wait_unserved(&self, url: &str) -> Result<()> {
        wait::until("nobody serves", RECOVERY, || {
            match self.lab.controller().get(url, 1) {
                Ok(_) => Seen::NotYet("it is answered".to_owned()),
                Err(_) => Seen::Yes(()),
            }
        })
        .map(drop)
    }

    /// Empties the proxies' logs: nobody rotates them here, and the millions of
    /// lines of a full run would fill the hosts' disks.
    pub(crate) fn empty_logs(&self) {
        for host in self.lab.hosts() {
            let _ = host.shell("truncate --size 0 /var/log/*/*/access.log");
        }
    }

    /// What the hosts' journals have of the last while, without logins and answers: the record of a
    /// failed scenario, whose hosts are gone when it is read.
    pub(crate) fn journals(&self, last: Duration) -> String {
        let seconds = last.as_secs() + 1;
        let of_all = self.lab.hosts().iter().map(|host| {
            let said = host.shell(&format!(
                "journalctl --sync; journalctl -o short-precise --no-hostname --since '-{seconds} s' \
                 | grep -vE 'sshd|systemd-logind|pam_unix|session-|generated list' | tail -n {JOURNAL_LINES}"
            ));
            format!("journal of {}:\n{}", host.name(), said.unwrap_or_default())
        });
        of_all.collect::<Vec<_>>().join("\n")
    }

    /// After a failed scenario: what it left broken must not fail the next one.
    pub(crate) fn mend(&self) {
        let project = self.system.project;
        for host in self.lab.hosts() {
            let _ = host.restore_network();
            let _ = host.shell(&format!(
                "rm -rf /run/systemd/system/{project}* /run/broken; systemctl daemon-reload; \
                 systemctl start {project}.target '{project}-*.socket'"
            ));
        }
        let _ = self.put_artifact(&self.artifact);
        let _ = self.bundle.render(self.system.topology);
        let _ = self.play("site.yml", &[]);
    }

    pub(crate) fn note(&self, row: Row) {
        if let Ok(mut rows) = self.rows.lock() {
            rows.push(row);
        }
    }

    /// The rows, each with the name of the hosts they were measured on.
    pub(crate) fn into_rows(self, group: &str) -> Vec<Row> {
        let rows = self.rows.into_inner().unwrap_or_default();
        rows.into_iter().map(|row| row.on(group)).collect()
    }
}

/// What is deployed.
fn content(programs: &Programs, artifact: Artifact) -> Result<Vec<u8>> {
    match artifact {
        Artifact::Server => programs.server(),
        Artifact::File(text) => Ok(text.into()),
        Artifact::Packed(name, text) => programs.packed(name, text),
        Artifact::Express => programs.express(),
        Artifact::Image => Programs::image("1"),
    }
}

/// Whether the long forms were asked for.
pub(crate) fn is_full() -> bool {
    std::env::var("LAB_FULL").is_ok_and(|full| full == "1")
}

/// Connections the load client keeps alive, unless a scenario says otherwise.
pub(crate) const CONNECTIONS: u32 = 16;
/// As fast as answers come.
const FULL: &[&str] = &["--requests", "100000", "--seconds", "600"];
/// Slow enough to leave the processors to the hosts.
const SHORT: &[&str] = &["--requests", "1200", "--rate", "800", "--seconds", "120"];

/// Waits until `units` of `host` are active.
pub(crate) fn wait_active(host: &Host, units: &[impl AsRef<str>]) -> Result<Duration> {
    let state = format!("{} active on {}", names(units).join(", "), host.name());
    let ((), took) = wait::until(&state, RECOVERY, || match inactive(host, units) {
        Ok(lacking) if lacking.is_empty() => Seen::Yes(()),
        Ok(lacking) => Seen::NotYet(lacking.join(", ")),
        Err(error) => Seen::NotYet(error.to_string()),
    })?;
    Ok(took)
}

/// Waits until none of `units` is active or on its way down: what a target is
/// made of stops in jobs of its own, for which `systemctl stop` does not wait.
pub(crate) fn wait_inactive(host: &Host, units: &[impl AsRef<str>]) -> Result<Duration> {
    let state = format!("{} inactive on {}", names(units).join(", "), host.name());
    let mut words = vec!["systemctl", "is-active"];
    words.extend(names(units));
    let ((), took) = wait::until(&state, RECOVERY, || match host.finish(&words) {
        Ok(seen) if seen.stdout.lines().all(|state| state == "inactive") => Seen::Yes(()),
        seen => Seen::NotYet(format!("{seen:?}")),
    })?;
    Ok(took)
}

/// Those of `units` that are not active, each with its state.
pub(crate) fn inactive(host: &Host, units: &[impl AsRef<str>]) -> Result<Vec<String>> {
    let mut words = vec!["systemctl", "is-active"];
    words.extend(names(units));
    let states = host.finish(&words)?.stdout;
    Ok(names(units)
        .into_iter()
        .zip(states.lines())
        .filter(|(_, state)| *state != "active")
        .map(|(unit, state)| format!("{unit} is {state}"))
        .collect())
}

fn names(units: &[impl AsRef<str>]) -> Vec<&str> {
    units.iter().map(AsRef::as_ref).collect()
}

/// The main process of a unit, as the host numbers it; 0 when there is none.
pub(crate) fn main_pid(host: &Host, unit: &str) -> Result<u32> {
    let text = host.run(&["systemctl", "show", "--property=MainPID", "--value", unit])?;
    Ok(text.parse().unwrap_or(0))
}

/// Waits until `unit` runs in another process than `old`, and says it is ready.
pub(crate) fn wait_replaced(host: &Host, unit: &str, old: u32) -> Result<Duration> {
    let state = format!("{unit} replaced");
    let ((), took) = wait::until(&state, RECOVERY, || {
        match (main_pid(host, unit), inactive(host, &[unit])) {
            (Ok(pid), Ok(lacking)) if pid != 0 && pid != old && lacking.is_empty() => Seen::Yes(()),
            (pid, lacking) => Seen::NotYet(format!("process {pid:?}, {lacking:?}")),
        }
    })?;
    Ok(took)
}

/// Waits until the first host has taken back what a run left it with.
pub(crate) fn wait_taken_back(stage: &Stage) -> Result<Duration> {
    let unit = format!("{}.guard.service", stage.system.project);
    let ((), took) = wait::until("taken back", RECOVERY, || {
        match stage.front().finish(&["systemctl", "is-active", &unit]) {
            Ok(said) if said.stdout.trim() == "failed" => Seen::Yes(()),
            said => Seen::NotYet(format!("{said:?}")),
        }
    })?;
    Ok(took)
}

/// Waits until process `pid` of the host is gone.
pub(crate) fn wait_gone(host: &Host, pid: u32) -> Result<Duration> {
    let state = format!("process {pid} gone");
    let folder = format!("/proc/{pid}");
    let ((), took) = wait::until(&state, RECOVERY, || {
        match host.finish(&["test", "-e", &folder]) {
            Ok(found) if found.code == Some(1) => Seen::Yes(()),
            found => Seen::NotYet(format!("{found:?}")),
        }
    })?;
    Ok(took)
}

/// Waits until systemd has restarted `unit` by itself `times` times.
pub(crate) fn wait_restarts(host: &Host, unit: &str, times: u32) -> Result<Duration> {
    let words = ["systemctl", "show", "--property=NRestarts", "--value", unit];
    let ((), took) = wait::until(
        &format!("{unit} restarted {times} times"),
        RECOVERY,
        || match host.run(&words) {
            Ok(count) if count.parse::<u32>().is_ok_and(|count| count >= times) => Seen::Yes(()),
            seen => Seen::NotYet(format!("{seen:?}")),
        },
    )?;
    Ok(took)
}
