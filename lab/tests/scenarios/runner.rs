//! Runs groups of scenarios, each group on separate hosts, and reports the results.

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

use lab::{ContainerEngine, Result, Suite, prerequisites};

use crate::fixture::{Fixture, is_full};
use crate::outcome::{self, Failed, Outcome};
use crate::programs::Programs;
use crate::results;
use crate::system::System;

/// The name of a scenario, and its function.
pub(crate) struct Scenario(
    pub(crate) &'static str,
    pub(crate) fn(&Fixture) -> Result<()>,
);

/// Scenarios that share booted hosts and run in order.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) suite: Suite,
    /// Container engine of its hosts.
    pub(crate) engine: Option<ContainerEngine>,
    pub(crate) system: &'static System,
    pub(crate) install: fn(&Fixture) -> Result<()>,
    /// Lists of its scenarios.
    pub(crate) scenarios: &'static [&'static [Scenario]],
}

impl Group {
    fn all(&self) -> impl Iterator<Item = &'static Scenario> {
        self.scenarios.iter().copied().flatten()
    }
}

/// The groups of a run.
pub(crate) struct Groups {
    /// Run one after another, since they have limits in seconds.
    pub(crate) sequential: &'static [Group],
    /// Run one after another in parallel with `sequential`, since they mostly wait for a host. In a
    /// full run, whose load uses all CPUs, they run after `sequential`.
    pub(crate) background: &'static [Group],
    /// Run in parallel, longest first: they count requests and have no limits in seconds. In a
    /// short run, one at a time runs in parallel with `sequential`.
    pub(crate) parallel: &'static [Group],
}

impl Groups {
    fn all(&self) -> impl Iterator<Item = &'static Group> {
        [self.sequential, self.background, self.parallel]
            .into_iter()
            .flatten()
    }
}

/// How many groups run in parallel.
const WORKERS: usize = 3;

/// Shared by groups that install, which uses all CPUs, and exclusive to a group that measures:
/// without CPU time, processes miss the time limit of a drain.
static INSTALL_LOCK: RwLock<()> = RwLock::new(());

/// Waits until no group installs; others wait with their installation while the guard exists.
pub(crate) fn block_installs() -> RwLockWriteGuard<'static, ()> {
    INSTALL_LOCK.write().unwrap_or_else(PoisonError::into_inner)
}

/// A run of the scenarios that match the filters.
pub(crate) struct Runner {
    filters: Vec<String>,
}

/// Groups for several workers: each worker runs the next group as soon as it is idle.
struct Queue {
    waiting: Mutex<Enumerate<Iter<'static, Group>>>,
    /// By the index of the group, which is the order in the report.
    done: Mutex<BTreeMap<usize, Outcome>>,
}

impl Queue {
    fn new(groups: &'static [Group]) -> Self {
        Self {
            waiting: Mutex::new(groups.iter().enumerate()),
            done: Mutex::default(),
        }
    }

    /// Runs one worker, until no group waits.
    fn work(&self, run: impl Fn(&'static Group) -> Outcome) {
        let next = || self.waiting.lock().ok()?.next();
        while let Some((index, group)) = next() {
            let outcome = run(group);
            if let Ok(mut done) = self.done.lock() {
                done.insert(index, outcome);
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
    /// Reads filters from the command line, as the default test harness does.
    pub(crate) fn from_arguments() -> Self {
        let filters = std::env::args()
            .skip(1)
            .filter(|argument| !argument.starts_with('-'))
            .collect();
        Self { filters }
    }

    /// Runs all groups and prints the results.
    pub(crate) fn run(&self, groups: &'static Groups) -> ExitCode {
        let missing = prerequisites::missing();
        if !missing.is_empty() {
            return skip(groups, &missing);
        }
        let programs = match Programs::build() {
            Ok(programs) => programs,
            Err(error) => {
                print(&format!("FAILED: building the programs: {error}"));
                return ExitCode::FAILURE;
            }
        };
        let mut outcome = Outcome {
            failed: untested_topologies(groups),
            ..Outcome::default()
        };
        if is_full() {
            outcome.add(self.run_sequentially(&programs, groups.sequential));
            outcome.add(self.run_sequentially(&programs, groups.background));
            outcome.add(self.run_in_parallel(&programs, groups.parallel));
        } else {
            outcome.add(self.run_short(&programs, groups));
        }
        self.report(&outcome)
    }

    /// Runs one worker in parallel with the sequential groups, and the other workers after them.
    fn run_short(&self, programs: &Programs, groups: &'static Groups) -> Outcome {
        let queue = Queue::new(groups.parallel);
        let worker = || queue.work(|group| self.run_group(programs, group));
        let mut total = std::thread::scope(|scope| {
            let background = scope.spawn(|| {
                let outcome = self.run_sequentially(programs, groups.background);
                worker();
                outcome
            });
            let mut sequential = self.run_sequentially(programs, groups.sequential);
            let others: Vec<_> = (1..WORKERS).map(|_| scope.spawn(worker)).collect();
            others.into_iter().for_each(join_or_panic);
            sequential.add(join_or_panic(background));
            sequential
        });
        total.add(queue.outcome());
        total
    }

    fn run_sequentially(&self, programs: &Programs, groups: &'static [Group]) -> Outcome {
        let run = |group| self.run_group(programs, group);
        groups.iter().map(run).collect()
    }

    fn run_in_parallel(&self, programs: &Programs, groups: &'static [Group]) -> Outcome {
        let queue = Queue::new(groups);
        let worker = || queue.work(|group| self.run_group(programs, group));
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
            all.into_iter().for_each(join_or_panic);
        });
        queue.outcome()
    }

    fn run_group(&self, programs: &Programs, group: &Group) -> Outcome {
        let mut outcome = Outcome::default();
        let selected: Vec<&Scenario> = group
            .all()
            .filter(|scenario| self.selects(group, scenario))
            .collect();
        if selected.is_empty() {
            return outcome;
        }
        let start = Instant::now();
        let installing = INSTALL_LOCK.read().unwrap_or_else(PoisonError::into_inner);
        let fixture = match Fixture::boot(programs, group)
            .and_then(|fixture| (group.install)(&fixture).map(|()| fixture))
        {
            Ok(fixture) => fixture,
            Err(error) => {
                let reason = format!("not installed: {error}");
                print(&format!("{}: {reason}", group.name));
                let failed =
                    |scenario: &&Scenario| Failed::new(&full_name(group, scenario), &reason);
                outcome.failed.extend(selected.iter().map(failed));
                return outcome;
            }
        };
        drop(installing);
        print(&format!(
            "{}: installed in {:.1} s",
            group.name,
            start.elapsed().as_secs_f64()
        ));
        for scenario in selected {
            run_scenario(
                &mut outcome,
                &fixture,
                &full_name(group, scenario),
                scenario,
            );
        }
        outcome.rows.extend(fixture.into_rows(group.name));
        outcome
    }

    fn selects(&self, group: &Group, scenario: &Scenario) -> bool {
        let name = full_name(group, scenario);
        let matches = |filter: &String| name.contains(filter.as_str());
        self.filters.is_empty() || self.filters.iter().any(matches)
    }

    fn report(&self, outcome: &Outcome) -> ExitCode {
        print(&format!("\n{}", results::table(&outcome.rows)));
        if is_full()
            && self.filters.is_empty()
            && let Err(error) = results::write_report(&outcome.rows, &outcome.failed_names())
        {
            print(&error.to_string());
            return ExitCode::FAILURE;
        }
        for failed in &outcome.failed {
            print(&failed.line());
        }
        print(&format!(
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

fn run_scenario(outcome: &mut Outcome, fixture: &Fixture, name: &str, scenario: &Scenario) {
    fixture.truncate_logs();
    let start = Instant::now();
    let result = panic::catch_unwind(AssertUnwindSafe(|| (scenario.1)(fixture)));
    let took = start.elapsed().as_secs_f64();
    let reason = match result {
        Ok(Ok(())) => {
            outcome.passed += 1;
            print(&format!("scenario {name} ... ok ({took:.1} s)"));
            return;
        }
        Ok(Err(error)) => {
            print(&format!("{name}: {error}"));
            error.to_string()
        }
        // Printed where it happened.
        Err(panic) => outcome::panic_message(panic.as_ref()),
    };
    outcome.failed.push(Failed::new(name, &reason));
    print(&fixture.journals(start.elapsed()));
    fixture.restore();
    print(&format!("scenario {name} ... FAILED ({took:.1} s)"));
}

/// The return value of a thread; resumes its panic.
pub(crate) fn join_or_panic<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| panic::resume_unwind(panic))
}

/// The topologies of the repository that no group boots.
fn untested_topologies(groups: &Groups) -> Vec<Failed> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../topologies");
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap_or_default();
            !groups.all().any(|group| group.system.topology == text)
        })
        .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
        .map(|name| Failed::new(&format!("topologies/{name}"), "no group boots it"))
        .collect()
}

fn skip(groups: &Groups, missing: &[String]) -> ExitCode {
    let count: usize = groups.all().map(|group| group.all().count()).sum();
    for reason in missing {
        print(&format!("no lab can run: {reason}"));
    }
    if prerequisites::skipping_is_forbidden() {
        print(&format!(
            "lab scenarios: 0 passed, {count} failed (CI=true forbids skipping)"
        ));
        return ExitCode::FAILURE;
    }
    print(&format!("lab scenarios: {count} skipped"));
    ExitCode::SUCCESS
}

fn full_name(group: &Group, scenario: &Scenario) -> String {
    format!("{}: {}", group.name, scenario.0)
}

/// Prints to standard error, without a buffer.
fn print(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
