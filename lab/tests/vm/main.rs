//! What `make up` shows: the real VM, asked as its reader would ask it, by the
//! forwarded port, by `vagrant ssh` and by the configuration for ssh that it leaves.
//!
//! One VM serves all claims, in the order written here; it is removed at the
//! end unless it was up before. A word on the command line picks the claims
//! whose name contains it.

mod claims;
mod machine;
mod url;

use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::Instant;

use lab::{Result, tools};

use crate::machine::Machine;

/// A claim and the function that tries it.
type Claim = (&'static str, fn(&Machine) -> Result<()>);

const CLAIMS: &[Claim] = &[
    ("each_url_is_answered", claims::each_url_is_answered),
    (
        "everything_described_is_active",
        claims::everything_described_is_active,
    ),
    (
        "restarting_a_pool_leaves_the_url_answering",
        claims::restarting_a_pool_leaves_the_url_answering,
    ),
    (
        "target_stops_and_starts_all",
        claims::target_stops_and_starts_all,
    ),
    ("up_again_changes_nothing", claims::up_again_changes_nothing),
    (
        "a_changed_program_is_shipped",
        claims::a_changed_program_is_shipped,
    ),
    (
        "a_jump_of_the_clock_is_not_noticed",
        claims::a_jump_of_the_clock_is_not_noticed,
    ),
    ("reboot_brings_all_back", claims::reboot_brings_all_back),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let picked: Vec<&Claim> = CLAIMS
        .iter()
        .filter(|(name, _)| words.is_empty() || words.iter().any(|word| name.contains(word)))
        .collect();
    if picked.is_empty() {
        return ExitCode::SUCCESS;
    }
    let missing = machine::missing();
    if !missing.is_empty() {
        return skip(picked.len(), &missing);
    }
    let start = Instant::now();
    match Machine::up() {
        Ok(machine) => {
            say(&format!("up in {:.0} s", start.elapsed().as_secs_f64()));
            judge(&machine, &picked)
        }
        Err(error) => {
            say(&format!("FAILED: make up: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn judge(machine: &Machine, picked: &[&Claim]) -> ExitCode {
    let failed: Vec<&str> = picked
        .iter()
        .filter(|claim| !holds(machine, claim))
        .map(|(name, _)| *name)
        .collect();
    for name in &failed {
        say(&format!("failed: {name}"));
    }
    say(&format!(
        "VM claims: {} passed, {} failed",
        picked.len() - failed.len(),
        failed.len()
    ));
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn holds(machine: &Machine, (name, claim): &Claim) -> bool {
    let start = Instant::now();
    let ended = panic::catch_unwind(AssertUnwindSafe(|| claim(machine)));
    let took = start.elapsed().as_secs_f64();
    let verdict = match ended {
        Ok(Ok(())) => "ok",
        Ok(Err(error)) => {
            say(&error.to_string());
            "FAILED"
        }
        Err(_) => "FAILED",
    };
    say(&format!("claim {name} ... {verdict} ({took:.1} s)"));
    verdict == "ok"
}

fn skip(count: usize, missing: &[String]) -> ExitCode {
    for program in missing {
        say(&format!(
            "no VM here: {program} is not installed (scripts/tools vm)"
        ));
    }
    if tools::skipping_is_forbidden() {
        say(&format!(
            "VM claims: 0 passed, {count} failed (CI=true forbids skipping)"
        ));
        return ExitCode::FAILURE;
    }
    say(&format!("VM claims: {count} skipped"));
    ExitCode::SUCCESS
}

/// To standard error, line by line, as it happens.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
