//! Runs groups of scenarios, each group on hosts of its own, and reports.

use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::Instant;

use lab::{HostPlan, Result, tools};

use crate::programs::Programs;
use crate::row::{self, Row};
use crate::stage::{Stage, is_full};

/// A claim and the function that tries it.
pub(crate) struct Scenario(pub(crate) &'static str, pub(crate) fn(&Stage) -> Result<()>);

/// Scenarios that share booted hosts.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) hosts: fn() -> Vec<HostPlan>,
    pub(crate) topology: &'static str,
    pub(crate) install: fn(&Stage) -> Result<()>,
    pub(crate) scenarios: &'static [Scenario],
}

/// The run: what was picked and what came of it.
pub(crate) struct Runner {
    picked: Vec<String>,
    passed: u32,
    failed: Vec<String>,
    rows: Vec<Row>,
}

impl Runner {
    /// Picks by the words of the command line, as the usual harness does.
    pub(crate) fn from_arguments() -> Self {
        let picked = std::env::args()
            .skip(1)
            .filter(|word| !word.starts_with('-'))
            .collect();
        Self {
            picked,
            passed: 0,
            failed: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Runs all groups and tells the sums.
    pub(crate) fn run(mut self, groups: &[Group]) -> ExitCode {
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
        for group in groups {
            self.run_group(&programs, group);
        }
        self.tell()
    }

    fn run_group(&mut self, programs: &Programs, group: &Group) {
        let picked: Vec<&Scenario> = group
            .scenarios
            .iter()
            .filter(|scenario| self.picks(group, scenario))
            .collect();
        if picked.is_empty() {
            return;
        }
        let start = Instant::now();
        let stage = match Stage::boot(programs, &(group.hosts)(), group.topology)
            .and_then(|stage| (group.install)(&stage).map(|()| stage))
        {
            Ok(stage) => stage,
            Err(error) => {
                say(&format!("{}: not installed: {error}", group.name));
                self.failed
                    .extend(picked.iter().map(|scenario| full_name(group, scenario)));
                return;
            }
        };
        say(&format!(
            "{}: installed in {:.1} s",
            group.name,
            start.elapsed().as_secs_f64()
        ));
        for scenario in picked {
            self.run_scenario(&stage, &full_name(group, scenario), scenario);
        }
        self.rows.extend(stage.into_rows(group.name));
    }

    fn run_scenario(&mut self, stage: &Stage, name: &str, scenario: &Scenario) {
        stage.empty_logs();
        let start = Instant::now();
        let ended = panic::catch_unwind(AssertUnwindSafe(|| (scenario.1)(stage)));
        let took = start.elapsed().as_secs_f64();
        match ended {
            Ok(Ok(())) => {
                self.passed += 1;
                say(&format!("scenario {name} ... ok ({took:.1} s)"));
                return;
            }
            Ok(Err(error)) => say(&format!("{error}")),
            Err(_) => {}
        }
        self.failed.push(name.to_owned());
        stage.mend();
        say(&format!("scenario {name} ... FAILED ({took:.1} s)"));
    }

    fn picks(&self, group: &Group, scenario: &Scenario) -> bool {
        let name = full_name(group, scenario);
        self.picked.is_empty() || self.picked.iter().any(|word| name.contains(word.as_str()))
    }

    fn tell(self) -> ExitCode {
        say(&format!("\n{}", row::table(&self.rows)));
        if is_full()
            && self.picked.is_empty()
            && let Err(error) = row::publish(&self.rows, &self.failed)
        {
            say(&error.to_string());
            return ExitCode::FAILURE;
        }
        for name in &self.failed {
            say(&format!("failed: {name}"));
        }
        say(&format!(
            "lab scenarios: {} passed, {} failed",
            self.passed,
            self.failed.len()
        ));
        if self.failed.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn skip(groups: &[Group], missing: &[String]) -> ExitCode {
    let count: usize = groups.iter().map(|group| group.scenarios.len()).sum();
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
