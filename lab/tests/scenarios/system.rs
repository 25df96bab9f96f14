//! A topology of the repository with what its users expect of it, and the claims
//! that all of them share.

use std::collections::{BTreeMap, BTreeSet};

use lab::load::Report;
use lab::wait::{self, Seen};
use lab::{Host, Result};

use crate::certificate::{self, Certificate};
use crate::reply::Expect;
use crate::row::Row;
use crate::runner::joined;
use crate::runner::quiet;
use crate::stage::{RECOVERY, Stage, is_full};

/// A topology, what it needs to be installed, and what comes of it.
pub(crate) struct System {
    /// Its text.
    pub(crate) topology: &'static str,
    /// Prefix of its units.
    pub(crate) project: &'static str,
    /// What is deployed, by its path as the topology has it; first what scenarios vary.
    pub(crate) artifacts: &'static [(&'static str, Artifact)],
    /// What its encrypted door needs on the host.
    pub(crate) certificate: Option<Certificate>,
    /// Everything that runs, host by host.
    pub(crate) runs: &'static [Running],
    /// What is asked, as a user would type it, and what comes back.
    pub(crate) answers: &'static [(&'static str, Expect)],
    /// What else is so on a host: a line of shell and what it prints.
    pub(crate) facts: &'static [(&'static str, &'static str, &'static str)],
    /// Where load goes.
    pub(crate) door: &'static str,
    /// Who must share that load: instances, or ports of clusters.
    pub(crate) served_by: &'static [&'static str],
}

/// What an artifact is made of.
#[derive(Clone, Copy)]
pub(crate) enum Artifact {
    /// The server of this workspace.
    Server,
    /// A file of the repository.
    File(&'static str),
    /// An archive of one file: its name and its text.
    Packed(&'static str, &'static str),
    /// The Express app, packed by the command in its topology.
    Express,
    /// An image of the server alone.
    Image,
}

/// The units that are active on a host, and how many processes each has.
pub(crate) struct Running {
    pub(crate) host: &'static str,
    pub(crate) units: &'static [(&'static str, Processes)],
}

/// How many processes a unit has.
#[derive(Clone, Copy)]
pub(crate) enum Processes {
    /// So many.
    Exactly(usize),
    /// A master and one for each processor.
    MasterAndProcessors,
}

/// A socket, a target or a timer.
pub(crate) const NONE: Processes = Processes::Exactly(0);
/// An instance.
pub(crate) const ONE: Processes = Processes::Exactly(1);
/// nginx, told `worker_processes auto`.
pub(crate) const NGINX: Processes = Processes::MasterAndProcessors;

impl Processes {
    fn count(self) -> usize {
        match self {
            Self::Exactly(count) => count,
            Self::MasterAndProcessors => 1 + processors(),
        }
    }
}

impl Running {
    /// Names of the units, with the number of processes of each.
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

/// Every name that `pattern` stands for: `web@[8082-8083].service` is two, and
/// `max` the number of processors.
fn expand(pattern: &str) -> Vec<String> {
    let parts = pattern.split_once('[').and_then(|(head, rest)| {
        rest.split_once(']')
            .map(|(range, tail)| (head, range, tail))
    });
    let Some((head, range, tail)) = parts else {
        return vec![pattern.to_owned()];
    };
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let number = |word: &str| match word {
        "max" => processors(),
        digits => digits.parse().unwrap_or(0),
    };
    (number(first)..=number(last))
        .flat_map(|n| expand(&format!("{head}{n}{tail}")))
        .collect()
}

/// Hosts in a lab see the processors of this machine.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Each address that the write-up names gives what it promises.
pub(crate) fn it_answers_as_described(stage: &Stage) -> Result<()> {
    for (url, expect) in stage.system.answers {
        let reply = stage.ask(url)?;
        assert_eq!(reply.lacks(expect), None, "{url}: {reply:?}");
    }
    for (host, line, said) in stage.system.facts {
        assert_eq!(stage.lab.host(host)?.shell(line)?, *said, "{line}");
    }
    Ok(())
}

/// The described units are active, with as many processes as described, and no
/// other unit of the project is.
pub(crate) fn it_runs_what_it_describes(stage: &Stage) -> Result<()> {
    let (units, processes) = described_runs(stage)?;
    stage.note(Row::fact(
        "units and processes",
        "as described",
        format!("{units} units, {processes} processes, nothing else"),
    ));
    Ok(())
}

/// Waits until each host runs what is described; counts units and processes.
fn described_runs(stage: &Stage) -> Result<(usize, usize)> {
    let mut counted = (0, 0);
    for running in stage.system.runs {
        let (host, wanted) = (stage.lab.host(running.host)?, running.expanded());
        let what = format!("as described on {}", host.name());
        wait::until(&what, RECOVERY, || {
            match active(host, stage.system.project) {
                Ok(found) if found == wanted => Seen::Yes(()),
                Ok(found) => Seen::NotYet(difference(&wanted, &found)),
                Err(error) => Seen::NotYet(error.to_string()),
            }
        })?;
        counted.0 += wanted.len();
        counted.1 += wanted.values().sum::<usize>();
    }
    Ok(counted)
}

/// Units of `project` that are active on `host`, with their processes as the
/// kernel groups them.
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

fn difference(wanted: &BTreeMap<String, usize>, found: &BTreeMap<String, usize>) -> String {
    let names: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
    let told: Vec<String> = names
        .into_iter()
        .filter(|name| wanted.get(*name) != found.get(*name))
        .map(|name| match (wanted.get(name), found.get(name)) {
            (Some(wanted), Some(found)) => format!("{name}: {found} processes for {wanted}"),
            (Some(_), None) => format!("{name} is not active"),
            _ => format!("{name} is not described"),
        })
        .collect();
    told.join(", ")
}

/// All instances on all hosts at once, under load.
pub(crate) fn restarting_all_loses_nothing(stage: &Stage) -> Result<()> {
    let rounds = if is_full() { 10 } else { 2 };
    let _quiet = quiet();
    let report = under_load(stage, || {
        (0..rounds).try_for_each(|_| restart_everywhere(stage))
    })?;
    described_runs(stage)?;
    let fault = format!("restart of all instances at once, {rounds} times");
    stage.note(Row::loaded(&fault, "0 GET, 0 POST", &report));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    assert_eq!(sharers(&report), expected_sharers(stage.system));
    Ok(())
}

/// Counts load at the system's door while `act` goes on.
pub(crate) fn under_load(stage: &Stage, act: impl FnOnce() -> Result<()>) -> Result<Report> {
    if stage.system.certificate.is_some() {
        return certificate::under_load(stage, act);
    }
    let load = stage.load_at(stage.system.door, if is_full() { &[] } else { GENTLE })?;
    act()?;
    load.finish()
}

/// Several systems share the machine.
const GENTLE: &[&str] = &["--requests", "1200", "--rate", "600"];

/// Side by side, and checked to have happened: each process is another one afterwards.
pub(crate) fn restart_everywhere(stage: &Stage) -> Result<()> {
    let pattern = format!("{}-*@*.service", stage.system.project);
    let restart = |host: &Host| -> Result<usize> {
        let before = runs_of(host, &pattern)?;
        host.run(&["systemctl", "restart", &pattern])?;
        let after = runs_of(host, &pattern)?;
        assert_eq!(before.intersection(&after).count(), 0, "{before:?}");
        Ok(after.len())
    };
    let restarted: usize = std::thread::scope(|scope| {
        let hosts = stage.lab.hosts().iter();
        let restarts: Vec<_> = hosts
            .map(|host| scope.spawn(move || restart(host)))
            .collect();
        restarts.into_iter().map(joined).sum::<Result<usize>>()
    })?;
    assert_eq!(restarted, instances(stage.system), "called {pattern}");
    Ok(())
}

/// How many instances are described.
fn instances(system: &System) -> usize {
    let units = system.runs.iter().flat_map(|r| r.expanded().into_keys());
    units
        .filter(|unit| unit.contains('@') && unit.ends_with(".service"))
        .count()
}

/// What tells one run of each unit from the next.
pub(crate) fn runs_of(host: &Host, pattern: &str) -> Result<BTreeSet<String>> {
    let shown = host.run(&[
        "systemctl",
        "show",
        "--property=InvocationID",
        "--value",
        pattern,
    ])?;
    Ok(shown.split_whitespace().map(str::to_owned).collect())
}

/// Who answered; of a cluster's worker, the port it shares.
fn sharers(report: &Report) -> BTreeSet<String> {
    let name = |instance: &String| match instance.rsplit_once('@') {
        Some((port, number)) if number.parse::<u16>().is_ok_and(|n| n < 1024) => port.to_owned(),
        _ => instance.clone(),
    };
    report.served_by.keys().map(name).collect()
}

fn expected_sharers(system: &System) -> BTreeSet<String> {
    system
        .served_by
        .iter()
        .flat_map(|name| expand(name))
        .collect()
}
