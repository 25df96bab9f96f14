//! Systems under test: a topology with its expected units and responses, and the scenarios that
//! every topology passes.

use std::collections::{BTreeMap, BTreeSet};

use lab::load::Report;
use lab::wait::{self, Poll};
use lab::{Host, Result};

use crate::fixture::{Fixture, RECOVERY, is_full};
use crate::response::Expect;
use crate::results::ResultRow;
use crate::runner::block_installs;
use crate::runner::join_or_panic;
use crate::tls::{self, Certificate};

/// A topology with its artifacts and its expected state.
pub(crate) struct System {
    /// Text of the topology.
    pub(crate) topology: &'static str,
    /// Name of the project, the prefix of its units.
    pub(crate) project: &'static str,
    /// Artifacts by their path in the topology; scenarios deploy variants of the first one.
    pub(crate) artifacts: &'static [(&'static str, Artifact)],
    /// Certificate of its TLS listener.
    pub(crate) certificate: Option<Certificate>,
    /// Expected active units of each host.
    pub(crate) hosts: &'static [HostUnits],
    /// URLs with their expected responses.
    pub(crate) responses: &'static [(&'static str, Expect)],
    /// Further checks: a host, a shell command, and its expected output.
    pub(crate) host_checks: &'static [(&'static str, &'static str, &'static str)],
    /// Target of the load.
    pub(crate) url: &'static str,
    /// Instances, or ports of clusters, that must receive a share of the load.
    pub(crate) instances: &'static [&'static str],
}

/// The content of an artifact.
#[derive(Clone, Copy)]
pub(crate) enum Artifact {
    /// The server of this workspace.
    Server,
    /// A file of the repository.
    File(&'static str),
    /// A tar archive with one file: its name and its text.
    Packed(&'static str, &'static str),
    /// The Express app, built by the command in its topology.
    Express,
    /// A container image that contains only the server.
    Image,
}

/// The expected active units of a host, with the number of processes of each.
pub(crate) struct HostUnits {
    pub(crate) host: &'static str,
    pub(crate) units: &'static [(&'static str, Processes)],
}

/// The number of processes of a unit.
#[derive(Clone, Copy)]
pub(crate) enum Processes {
    /// A fixed number.
    Exactly(usize),
    /// A master process and one worker process per CPU.
    MasterAndCpus,
}

/// A socket, a target or a timer.
pub(crate) const NONE: Processes = Processes::Exactly(0);
/// An instance.
pub(crate) const ONE: Processes = Processes::Exactly(1);
/// nginx with `worker_processes auto`.
pub(crate) const NGINX: Processes = Processes::MasterAndCpus;

impl Processes {
    fn count(self) -> usize {
        match self {
            Self::Exactly(count) => count,
            Self::MasterAndCpus => 1 + cpus(),
        }
    }
}

impl HostUnits {
    /// Names of the units without patterns, each with its number of processes.
    pub(crate) fn expanded(&self) -> BTreeMap<String, usize> {
        self.units
            .iter()
            .flat_map(|(pattern, processes)| {
                let named = |unit| (unit, processes.count());
                expand(pattern).into_iter().map(named)
            })
            .collect()
    }
}

/// The names that match `pattern`: `web@[8082-8083].service` has two; `max` is the number of CPUs.
fn expand(pattern: &str) -> Vec<String> {
    let parts = pattern.split_once('[').and_then(|(head, rest)| {
        rest.split_once(']')
            .map(|(range, tail)| (head, range, tail))
    });
    let Some((head, range, tail)) = parts else {
        return vec![pattern.to_owned()];
    };
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let number = |text: &str| match text {
        "max" => cpus(),
        digits => digits.parse().unwrap_or(0),
    };
    (number(first)..=number(last))
        .flat_map(|n| expand(&format!("{head}{n}{tail}")))
        .collect()
}

/// Number of CPUs of this machine, which are those of the lab's hosts.
fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// No fault: expects the system's responses and host checks.
pub(crate) fn urls_respond_as_expected(fixture: &Fixture) -> Result<()> {
    for (url, expect) in fixture.system.responses {
        let response = fixture.get(url)?;
        assert_eq!(response.missing(expect), None, "{url}: {response:?}");
    }
    for (host, line, expected) in fixture.system.host_checks {
        assert_eq!(fixture.lab.host(host)?.shell(line)?, *expected, "{line}");
    }
    Ok(())
}

/// No fault: expects exactly the expected units, with the expected numbers of processes.
pub(crate) fn expected_units_run(fixture: &Fixture) -> Result<()> {
    let (units, processes) = wait_for_expected_units(fixture)?;
    fixture.record(ResultRow::without_load(
        "units and processes",
        "as in the topology",
        format!("{units} units, {processes} processes, no others"),
    ));
    Ok(())
}

/// Waits until each host runs exactly the expected units; returns the numbers of units and
/// processes.
fn wait_for_expected_units(fixture: &Fixture) -> Result<(usize, usize)> {
    let mut counted = (0, 0);
    for units in fixture.system.hosts {
        let (host, expected) = (fixture.lab.host(units.host)?, units.expanded());
        let state = format!("in the expected state on {}", host.name());
        wait::until(&state, RECOVERY, || {
            match active(host, fixture.system.project) {
                Ok(found) if found == expected => Poll::Ready(()),
                Ok(found) => Poll::Pending(difference(&expected, &found)),
                Err(error) => Poll::Pending(error.to_string()),
            }
        })?;
        counted.0 += expected.len();
        counted.1 += expected.values().sum::<usize>();
    }
    Ok(counted)
}

/// Active units of `project` on `host`, with the numbers of processes in their control groups.
fn active(host: &Host, project: &str) -> Result<BTreeMap<String, usize>> {
    let listed = host.shell(&format!(
        "for unit in $(systemctl list-units --plain --no-legend --full --state=active \
         --type=service,socket,target,timer,path '{project}.*' '{project}-*' | cut -d ' ' -f 1); do \
         echo $unit $(grep -lsx \".*/$unit\" /proc/[0-9]*/cgroup | wc -l); done"
    ))?;
    Ok(listed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(unit, count)| (unit.to_owned(), count.parse().unwrap_or(0)))
        .collect())
}

fn difference(expected: &BTreeMap<String, usize>, found: &BTreeMap<String, usize>) -> String {
    let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let differences: Vec<String> = names
        .into_iter()
        .filter(|name| expected.get(*name) != found.get(*name))
        .map(|name| match (expected.get(name), found.get(name)) {
            (Some(expected), Some(found)) => format!("{name}: {found} processes, not {expected}"),
            (Some(_), None) => format!("{name} is not active"),
            _ => format!("{name} is not expected"),
        })
        .collect();
    differences.join(", ")
}

/// Restarts all instances on all hosts at once, repeatedly; expects no dropped requests.
pub(crate) fn restarting_all_drops_no_requests(fixture: &Fixture) -> Result<()> {
    let rounds = if is_full() { 10 } else { 2 };
    let _no_installs = block_installs();
    let report = under_load(fixture, || {
        (0..rounds).try_for_each(|_| restart_everywhere(fixture))
    })?;
    wait_for_expected_units(fixture)?;
    let fault = format!("restart of all instances at once, {rounds} times");
    fixture.record(ResultRow::with_load(&fault, "0 GET, 0 POST", &report));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    assert_eq!(responders(&report), expected_responders(fixture.system));
    Ok(())
}

/// Runs `act` under load on the system's URL and returns the report.
pub(crate) fn under_load(fixture: &Fixture, act: impl FnOnce() -> Result<()>) -> Result<Report> {
    if fixture.system.certificate.is_some() {
        return tls::under_load(fixture, act);
    }
    let load = fixture.load_url(fixture.system.url, if is_full() { &[] } else { LOW_RATE })?;
    act()?;
    load.finish()
}

/// A lower rate than by default, since several systems share the machine.
const LOW_RATE: &[&str] = &["--requests", "1200", "--rate", "600"];

/// Restarts all instances of all hosts in parallel, and checks that each has a new invocation ID.
pub(crate) fn restart_everywhere(fixture: &Fixture) -> Result<()> {
    let pattern = format!("{}-*@*.service", fixture.system.project);
    let restart = |host: &Host| -> Result<usize> {
        let before = invocation_ids(host, &pattern)?;
        host.run(&["systemctl", "restart", &pattern])?;
        let after = invocation_ids(host, &pattern)?;
        assert_eq!(before.intersection(&after).count(), 0, "{before:?}");
        Ok(after.len())
    };
    let restarted: usize = std::thread::scope(|scope| {
        let hosts = fixture.lab.hosts().iter();
        let restarts: Vec<_> = hosts
            .map(|host| scope.spawn(move || restart(host)))
            .collect();
        restarts
            .into_iter()
            .map(join_or_panic)
            .sum::<Result<usize>>()
    })?;
    assert_eq!(
        restarted,
        instance_count(fixture.system),
        "units that match {pattern}"
    );
    Ok(())
}

/// The expected number of instances.
fn instance_count(system: &System) -> usize {
    let hosts = system.hosts.iter();
    let units = hosts.flat_map(|units| units.expanded().into_keys());
    units
        .filter(|unit| unit.contains('@') && unit.ends_with(".service"))
        .count()
}

/// Invocation IDs of the units that match `pattern`: systemd sets a new one at each start.
pub(crate) fn invocation_ids(host: &Host, pattern: &str) -> Result<BTreeSet<String>> {
    let shown = host.run(&[
        "systemctl",
        "show",
        "--property=InvocationID",
        "--value",
        pattern,
    ])?;
    Ok(shown.split_whitespace().map(str::to_owned).collect())
}

/// Instances that responded; for a cluster's worker, the port that it shares.
fn responders(report: &Report) -> BTreeSet<String> {
    let name = |instance: &String| match instance.rsplit_once('@') {
        Some((port, number)) if number.parse::<u16>().is_ok_and(|n| n < 1024) => port.to_owned(),
        _ => instance.clone(),
    };
    report.by_instance.keys().map(name).collect()
}

fn expected_responders(system: &System) -> BTreeSet<String> {
    system
        .instances
        .iter()
        .flat_map(|name| expand(name))
        .collect()
}
