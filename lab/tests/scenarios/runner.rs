//! Runs groups of scenarios, each group on hosts of its own, and reports.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::iter::Enumerate;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;
use std::slice::Iter;
use std::sync::{Mutex, PoisonError, RwLock, RwLockWriteGuard};
use std::thread::ScopedJoinHandle;
use std::time::Instant;

use lab::{Engine, Result, Suite, tools};

use crate::programs::Programs;
use crate::row::{self, Row};
use crate::stage::{Stage, is_full};
use crate::system::System;

/// A claim and the function that tries it.
pub(crate) struct Scenario(pub(crate) &'static str, pub(crate) fn(&Stage) -> Result<()>);

/// Scenarios that share booted hosts.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) suite: Suite,
    /// What its hosts run containers with.
    pub(crate) engine: Option<Engine>,
    pub(crate) system: &'static System,
    pub(crate) install: fn(&Stage) -> Result<()>,
    /// What is tried on them, list by list.
    pub(crate) scenarios: &'static [&'static [Scenario]],
}

impl Group {
    fn all(&self) -> impl Iterator<Item = &'static Scenario> {
        self.scenarios.iter().copied().flatten()
    }
}

/// The groups of a run.
pub(crate) struct Groups {
    /// One after the other, since they hold what they break to seconds.
    pub(crate) alone: &'static [Group],
    /// One after the other beside them, since most of what they do is wait for a host; in the long
    /// form, whose load takes every processor, after them.
    pub(crate) beside: &'static [Group],
    /// Side by side, those that take longest first: they count, and measure no time. One of them at a
    /// time goes with those that do.
    pub(crate) abreast: &'static [Group],
}

impl Groups {
    fn all(&self) -> impl Iterator<Item = &'static Group> {
        [self.alone, self.beside, self.abreast]
            .into_iter()
            .flatten()
    }
}

/// How many groups run side by side.
const LANES: usize = 3;

/// Held by all while they install, which takes every processor there is, and by one alone while it
/// counts: a drain has a bound in time, which starved processes do not keep.
static PROCESSORS: RwLock<()> = RwLock::new(());

/// Returns once nobody installs; nobody begins to while what it returns lives.
pub(crate) fn quiet() -> RwLockWriteGuard<'static, ()> {
    PROCESSORS.write().unwrap_or_else(PoisonError::into_inner)
}

/// The run: what was picked.
pub(crate) struct Runner {
    picked: Vec<String>,
}

/// What came of it.
#[derive(Default)]
struct Outcome {
    passed: u32,
    failed: Vec<String>,
    rows: Vec<Row>,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.rows.extend(other.rows);
    }
}

impl FromIterator<Self> for Outcome {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        let mut whole = Self::default();
        all.into_iter().for_each(|one| whole.add(one));
        whole
    }
}

/// Groups that are run side by side: each lane takes the next one as soon as it is free.
struct Lanes {
    waiting: Mutex<Enumerate<Iter<'static, Group>>>,
    /// By the place of the group, which is the order they are told in.
    done: Mutex<BTreeMap<usize, Outcome>>,
}

impl Lanes {
    fn new(groups: &'static [Group]) -> Self {
        Self {
            waiting: Mutex::new(groups.iter().enumerate()),
            done: Mutex::default(),
        }
    }

    /// One lane, until no group waits.
    fn run(&self, group: impl Fn(&'static Group) -> Outcome) {
        let next = || self.waiting.lock().ok()?.next();
        while let Some((place, next)) = next() {
            let outcome = group(next);
            if let Ok(mut done) = self.done.lock() {
                done.insert(place, outcome);
            }
        }
    }

    fn outcome(self) -> Outcome {
        let done = self
            .done
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        done.into_values().collect()
    }
}

impl Runner {
    /// Picks by the words of the command line, as the usual harness does.
    pub(crate) fn from_arguments() -> Self {
        let picked = std::env::args()
            .skip(1)
            .filter(|word| !word.starts_with('-'))
            .collect();
        Self { picked }
    }

    /// Runs all groups and tells the sums.
    pub(crate) fn run(&self, groups: &'static Groups) -> ExitCode {
        let missing = tools::missing();
        if !missing.is_empty() {
            return skip(groups, &missing);
        }
        let programs = match Programs::build() {
            Ok(programs) => programs,
            Err(error) => {
                say(&format!("FAILED: the programs under test: {error}"));
                return ExitCode::FAILURE;
            }
        };
        let mut outcome = Outcome {
            failed: unclaimed(groups),
            ..Outcome::default()
        };
        if is_full() {
            outcome.add(self.run_in_turn(&programs, groups.alone));
            outcome.add(self.run_in_turn(&programs, groups.beside));
            outcome.add(self.run_abreast(&programs, groups.abreast));
        } else {
            outcome.add(self.run_short(&programs, groups));
        }
        self.tell(&outcome)
    }

    /// A lane goes with the groups that hold faults to seconds, all others after them.
    fn run_short(&self, programs: &Programs, groups: &'static Groups) -> Outcome {
        let lanes = Lanes::new(groups.abreast);
        let lane = || lanes.run(|group| self.run_group(programs, group));
        let mut whole = std::thread::scope(|scope| {
            let beside = scope.spawn(|| {
                let outcome = self.run_in_turn(programs, groups.beside);
                lane();
                outcome
            });
            let mut alone = self.run_in_turn(programs, groups.alone);
            let others: Vec<_> = (1..LANES).map(|_| scope.spawn(lane)).collect();
            others.into_iter().for_each(joined);
            alone.add(joined(beside));
            alone
        });
        whole.add(lanes.outcome());
        whole
    }

    fn run_in_turn(&self, programs: &Programs, groups: &'static [Group]) -> Outcome {
        let run = |group| self.run_group(programs, group);
        groups.iter().map(run).collect()
    }

    fn run_abreast(&self, programs: &Programs, groups: &'static [Group]) -> Outcome {
        let lanes = Lanes::new(groups);
        let lane = || lanes.run(|group| self.run_group(programs, group));
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
            all.into_iter().for_each(joined);
        });
        lanes.outcome()
    }

    fn run_group(&self, programs: &Programs, group: &Group) -> Outcome {
        let mut outcome = Outcome::default();
        let picked: Vec<&Scenario> = group
            .all()
            .filter(|scenario| self.picks(group, scenario))
            .collect();
        if picked.is_empty() {
            return outcome;
        }
        let start = Instant::now();
        let busy = PROCESSORS.read().unwrap_or_else(PoisonError::into_inner);
        let stage = match Stage::boot(programs, group)
            .and_then(|stage| (group.install)(&stage).map(|()| stage))
        {
            Ok(stage) => stage,
            Err(error) => {
                say(&format!("{}: not installed: {error}", group.name));
                let names = picked.iter().map(|scenario| full_name(group, scenario));
                outcome.failed.extend(names);
                return outcome;
            }
        };
        drop(busy);
        say(&format!(
            "{}: installed in {:.1} s",
            group.name,
            start.elapsed().as_secs_f64()
        ));
        for scenario in picked {
            run_scenario(&mut outcome, &stage, &full_name(group, scenario), scenario);
        }
        outcome.rows.extend(stage.into_rows(group.name));
        outcome
    }

    fn picks(&self, group: &Group, scenario: &Scenario) -> bool {
        let name = full_name(group, scenario);
        self.picked.is_empty() || self.picked.iter().any(|word| name.contains(word.as_str()))
    }

    fn tell(&self, outcome: &Outcome) -> ExitCode {
        say(&format!("\n{}", row::table(&outcome.rows)));
        if is_full()
            && self.picked.is_empty()
            && let Err(error) = row::publish(&outcome.rows, &outcome.failed)
        {
            say(&error.to_string());
            return ExitCode::FAILURE;
        }
        for name in &outcome.failed {
            say(&format!("failed: {name}"));
        }
        say(&format!(
            "lab scenarios: {} passed, {} failed",
            outcome.passed,
            outcome.failed.len()
        ));
        if outcome.failed.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn run_scenario(outcome: &mut Outcome, stage: &Stage, name: &str, scenario: &Scenario) {
    stage.empty_logs();
    let start = Instant::now();
    let ended = panic::catch_unwind(AssertUnwindSafe(|| (scenario.1)(stage)));
    let took = start.elapsed().as_secs_f64();
    match ended {
        Ok(Ok(())) => {
            outcome.passed += 1;
            say(&format!("scenario {name} ... ok ({took:.1} s)"));
            return;
        }
        Ok(Err(error)) => say(&format!("{name}: {error}")),
        Err(_) => {}
    }
    outcome.failed.push(name.to_owned());
    say(&stage.journals(start.elapsed()));
    stage.mend();
    say(&format!("scenario {name} ... FAILED ({took:.1} s)"));
}

/// What a thread came to; its panic goes on here.
pub(crate) fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| panic::resume_unwind(panic))
}

/// The topologies of the repository that no group boots.
fn unclaimed(groups: &Groups) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../topologies");
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap_or_default();
            !groups.all().any(|group| group.system.topology == text)
        })
        .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
        .map(|name| format!("topologies/{name}: no group boots it"))
        .collect()
}

fn skip(groups: &Groups, missing: &[String]) -> ExitCode {
    let count: usize = groups.all().map(|group| group.all().count()).sum();
    for reason in missing {
        say(&format!("no lab here: {reason}"));
    }
    if tools::skipping_is_forbidden() {
        say(&format!(
            "lab scenarios: 0 passed, {count} failed (CI=true forbids skipping)"
        ));
        return ExitCode::FAILURE;
    }
    say(&format!("lab scenarios: {count} skipped"));
    ExitCode::SUCCESS
}

fn full_name(group: &Group, scenario: &Scenario) -> String {
    format!("{}: {}", group.name, scenario.0)
}

/// To standard error, line by line, as it happens.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
