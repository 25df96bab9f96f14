//! A booted lab with an installed system, into which scenarios inject faults.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use lab::wait::{self, Poll};
use lab::{
    Host, HostSettings, Lab, LoadRun, PlaybookRun, ProjectDirectory, Result, command, topology,
};

use crate::programs::Programs;
use crate::response::Response;
use crate::results::ResultRow;
use crate::runner::Group;
use crate::system::{Artifact, System};

/// Limit for the recovery from a fault, unless a scenario has a lower one.
pub(crate) const RECOVERY: Duration = Duration::from_secs(30);

/// Number of journal lines that are printed per host after a failure.
const JOURNAL_LINES: u32 = 60;

/// The lab, its project directory, and the results so far.
pub(crate) struct Fixture {
    pub(crate) lab: Lab,
    pub(crate) project: ProjectDirectory,
    pub(crate) system: &'static System,
    /// Content of the system's first artifact.
    pub(crate) artifact: Vec<u8>,
    /// Expected active units of the proxy host.
    pub(crate) units: Vec<String>,
    rows: Mutex<Vec<ResultRow>>,
}

impl Fixture {
    /// Boots the hosts of `group` and renders its topology, without installing it.
    pub(crate) fn boot(programs: &Programs, group: &Group) -> Result<Self> {
        let system = group.system;
        let specs: Vec<HostSettings> = topology::hosts(system.project, system.topology)?
            .into_iter()
            .map(|spec| spec.with_suite(group.suite))
            .map(|spec| match group.engine {
                Some(engine) => spec.with_engine(engine),
                None => spec,
            })
            .collect();
        let lab = Lab::boot(&specs)?;
        let project = ProjectDirectory::new(&lab.directory().join("project"), &programs.genconf())?;
        let mut artifacts = Vec::new();
        for (path, artifact) in system.artifacts {
            let bytes = content(programs, *artifact)?;
            project.write_artifact(path, &bytes)?;
            artifacts.push(bytes);
        }
        project.render(system.topology)?;
        if let Some(certificate) = &system.certificate {
            certificate.install(&lab.hosts()[0])?;
        }
        let proxy_host = system
            .hosts
            .iter()
            .find(|units| units.host == lab.hosts()[0].name());
        let units = proxy_host.map(|units| units.expanded().into_keys().collect());
        Ok(Self {
            lab,
            project,
            system,
            artifact: artifacts.swap_remove(0),
            units: units.unwrap_or_default(),
            rows: Mutex::new(Vec::new()),
        })
    }

    /// The host of the proxy, which clients connect to.
    pub(crate) fn proxy_host(&self) -> &Host {
        &self.lab.hosts()[0]
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.proxy_host().address())
    }

    /// A curl command in the lab's network that trusts the system's certificate.
    pub(crate) fn curl(&self) -> Command {
        let mut curl = self.lab.controller().command(Path::new("curl"));
        curl.args(["--silent", "--show-error", "--max-time", "20"]);
        if let Some(certificate) = &self.system.certificate {
            curl.args(certificate.options(self.proxy_host()));
        }
        curl
    }

    /// The response to a GET, with any status.
    pub(crate) fn get(&self, url: &str) -> Result<Response> {
        let output = command::capture(self.curl().args(["--include", url]))?.success()?;
        Response::parse(&output)
    }

    /// Writes the system's first artifact, for the next deploy.
    pub(crate) fn write_artifact(&self, bytes: &[u8]) -> Result<()> {
        self.project
            .write_artifact(self.system.artifacts[0].0, bytes)
    }

    /// Runs a rendered playbook and returns its result, regardless of its exit code.
    pub(crate) fn run_playbook(&self, playbook: &str, options: &[&str]) -> Result<PlaybookRun> {
        command::capture(self.playbook_command(playbook).args(options)).map(PlaybookRun::new)
    }

    /// The command that runs a rendered playbook.
    pub(crate) fn playbook_command(&self, playbook: &str) -> Command {
        self.lab
            .controller()
            .playbook_command(&self.project, playbook)
    }

    /// Starts load on the route to the pool `spread`.
    pub(crate) fn load(&self) -> Result<LoadRun> {
        self.load_path("/api/randoms", &[])
    }

    /// Starts load on `path` of the proxy, with further options of `lab load`.
    pub(crate) fn load_path(&self, path: &str, options: &[&str]) -> Result<LoadRun> {
        self.load_url(&self.url(path), options)
    }

    /// As [`Fixture::load_path`], for a URL.
    pub(crate) fn load_url(&self, url: &str, options: &[&str]) -> Result<LoadRun> {
        let mut arguments = vec![url];
        arguments.extend(if is_full() { FULL } else { SHORT });
        arguments.extend(options);
        LoadRun::start(self.lab.controller(), Programs::lab(), &arguments)
    }

    /// Waits until requests to `url` fail, so that a control includes failed requests.
    pub(crate) fn wait_failing(&self, url: &str) -> Result<()> {
        wait::until("failing", RECOVERY, || {
            match self.lab.controller().get(url, 1) {
                Ok(_) => Poll::Pending("the request succeeded".to_owned()),
                Err(_) => Poll::Ready(()),
            }
        })
        .map(drop)
    }

    /// Truncates the proxies' access logs: the millions of lines of a full run would fill the
    /// hosts' disks before a rotation.
    pub(crate) fn truncate_logs(&self) {
        for host in self.lab.hosts() {
            let _ = host.shell("truncate --size 0 /var/log/*/*/access.log");
        }
    }

    /// The hosts' journals of the duration `last` without logins, to print for a failed scenario:
    /// its hosts are removed after the run.
    pub(crate) fn journals(&self, last: Duration) -> String {
        let seconds = last.as_secs() + 1;
        let journals = self.lab.hosts().iter().map(|host| {
            let lines = host.shell(&format!(
                "journalctl --sync; journalctl -o short-precise --no-hostname --since '-{seconds} s' \
                 | grep -vE 'sshd|systemd-logind|pam_unix|session-|generated list' | tail -n {JOURNAL_LINES}"
            ));
            format!("journal of {}:\n{}", host.name(), lines.unwrap_or_default())
        });
        journals.collect::<Vec<_>>().join("\n")
    }

    /// Restores the system after a failed scenario, so that the next scenario does not fail.
    pub(crate) fn restore(&self) {
        let project = self.system.project;
        for host in self.lab.hosts() {
            let _ = host.reconnect_network();
            let _ = host.shell(&format!(
                "rm -rf /run/systemd/system/{project}* /run/broken; systemctl daemon-reload; \
                 systemctl start {project}.target '{project}-*.socket'"
            ));
        }
        let _ = self.write_artifact(&self.artifact);
        let _ = self.project.render(self.system.topology);
        let _ = self.run_playbook("site.yml", &[]);
    }

    pub(crate) fn record(&self, row: ResultRow) {
        if let Ok(mut rows) = self.rows.lock() {
            rows.push(row);
        }
    }

    /// The results, prefixed with the name of the group.
    pub(crate) fn into_rows(self, group: &str) -> Vec<ResultRow> {
        let rows = self.rows.into_inner().unwrap_or_default();
        rows.into_iter().map(|row| row.prefixed(group)).collect()
    }
}

/// The bytes of an artifact.
fn content(programs: &Programs, artifact: Artifact) -> Result<Vec<u8>> {
    match artifact {
        Artifact::Server => programs.server(),
        Artifact::File(text) => Ok(text.into()),
        Artifact::Packed(name, text) => programs.packed(name, text),
        Artifact::Express => programs.express(),
        Artifact::Image => Programs::image("1"),
    }
}

/// Whether to run the full forms of scenarios (`LAB_FULL=1`).
pub(crate) fn is_full() -> bool {
    std::env::var("LAB_FULL").is_ok_and(|full| full == "1")
}

/// Default number of the load client's keepalive connections.
pub(crate) const CONNECTIONS: u32 = 16;
/// Load of a full run, without a rate limit.
const FULL: &[&str] = &["--requests", "100000", "--seconds", "600"];
/// Load of a short run, with a rate that leaves CPU time to the hosts.
const SHORT: &[&str] = &["--requests", "1200", "--rate", "800", "--seconds", "120"];

/// Waits until `units` of `host` are active.
pub(crate) fn wait_active(host: &Host, units: &[impl AsRef<str>]) -> Result<Duration> {
    let state = format!("{} active on {}", names(units).join(", "), host.name());
    let ((), took) = wait::until(&state, RECOVERY, || match inactive(host, units) {
        Ok(others) if others.is_empty() => Poll::Ready(()),
        Ok(others) => Poll::Pending(others.join(", ")),
        Err(error) => Poll::Pending(error.to_string()),
    })?;
    Ok(took)
}

/// Waits until all `units` are inactive: `systemctl stop` of a target does not wait for the units
/// that are stopped with it.
pub(crate) fn wait_inactive(host: &Host, units: &[impl AsRef<str>]) -> Result<Duration> {
    let state = format!("{} inactive on {}", names(units).join(", "), host.name());
    let mut arguments = vec!["systemctl", "is-active"];
    arguments.extend(names(units));
    let ((), took) = wait::until(&state, RECOVERY, || match host.capture(&arguments) {
        Ok(states) if states.stdout.lines().all(|state| state == "inactive") => Poll::Ready(()),
        states => Poll::Pending(format!("{states:?}")),
    })?;
    Ok(took)
}

/// The units that are not active, each with its state.
pub(crate) fn inactive(host: &Host, units: &[impl AsRef<str>]) -> Result<Vec<String>> {
    let mut arguments = vec!["systemctl", "is-active"];
    arguments.extend(names(units));
    let states = host.capture(&arguments)?.stdout;
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

/// `MainPID` of a unit in the host's PID namespace; 0 when the unit has none.
pub(crate) fn main_pid(host: &Host, unit: &str) -> Result<u32> {
    let text = host.run(&["systemctl", "show", "--property=MainPID", "--value", unit])?;
    Ok(text.parse().unwrap_or(0))
}

/// Waits until `unit` is active with a main process other than `old`.
pub(crate) fn wait_replaced(host: &Host, unit: &str, old: u32) -> Result<Duration> {
    let state = format!("{unit} replaced");
    let ((), took) = wait::until(&state, RECOVERY, || {
        match (main_pid(host, unit), inactive(host, &[unit])) {
            (Ok(pid), Ok(others)) if pid != 0 && pid != old && others.is_empty() => Poll::Ready(()),
            (pid, others) => Poll::Pending(format!("process {pid:?}, {others:?}")),
        }
    })?;
    Ok(took)
}

/// Waits until the proxy host has rolled back the last deploy.
pub(crate) fn wait_rolled_back(fixture: &Fixture) -> Result<Duration> {
    let unit = format!("{}.guard.service", fixture.system.project);
    let ((), took) = wait::until("rolled back", RECOVERY, || {
        match fixture
            .proxy_host()
            .capture(&["systemctl", "is-active", &unit])
        {
            Ok(state) if state.stdout.trim() == "failed" => Poll::Ready(()),
            state => Poll::Pending(format!("{state:?}")),
        }
    })?;
    Ok(took)
}

/// Waits until the host's process `pid` has exited.
pub(crate) fn wait_exited(host: &Host, pid: u32) -> Result<Duration> {
    let state = format!("exited: process {pid}");
    let directory = format!("/proc/{pid}");
    let ((), took) = wait::until(&state, RECOVERY, || {
        match host.capture(&["test", "-e", &directory]) {
            Ok(found) if found.code == Some(1) => Poll::Ready(()),
            found => Poll::Pending(format!("{found:?}")),
        }
    })?;
    Ok(took)
}

/// Waits until systemd has automatically restarted `unit` at least `times` times.
pub(crate) fn wait_restarts(host: &Host, unit: &str, times: u32) -> Result<Duration> {
    let show = ["systemctl", "show", "--property=NRestarts", "--value", unit];
    let ((), took) = wait::until(
        &format!("{unit} restarted {times} times"),
        RECOVERY,
        || match host.run(&show) {
            Ok(count) if count.parse::<u32>().is_ok_and(|count| count >= times) => Poll::Ready(()),
            count => Poll::Pending(format!("{count:?}")),
        },
    )?;
    Ok(took)
}
