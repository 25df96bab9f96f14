//! Checks of the VM of `make up`, through its forwarded port, `vagrant ssh`, and the SSH
//! configuration that `make up` writes.
//!
//! All checks use one VM and run in the listed order. The VM is removed at the end unless it ran
//! before. An argument selects the checks whose name contains it.

mod checks;
mod http;
mod virtual_machine;

use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::Instant;

use lab::{Result, prerequisites};

use crate::virtual_machine::VirtualMachine;

/// The name of a check, and its function.
type Check = (&'static str, fn(&VirtualMachine) -> Result<()>);

const CHECKS: &[Check] = &[
    ("each_url_responds", checks::each_url_responds),
    ("all_services_are_active", checks::all_services_are_active),
    (
        "restarting_a_pool_drops_no_requests",
        checks::restarting_a_pool_drops_no_requests,
    ),
    (
        "target_stops_and_starts_all",
        checks::target_stops_and_starts_all,
    ),
    ("up_again_changes_nothing", checks::up_again_changes_nothing),
    (
        "a_changed_program_is_deployed",
        checks::a_changed_program_is_deployed,
    ),
    (
        "a_clock_change_restarts_nothing",
        checks::a_clock_change_restarts_nothing,
    ),
    (
        "all_services_start_after_a_reboot",
        checks::all_services_start_after_a_reboot,
    ),
];

fn main() -> ExitCode {
    let filters: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_selected = |name: &str| filters.iter().any(|filter| name.contains(filter));
    let selected: Vec<&Check> = CHECKS
        .iter()
        .filter(|(name, _)| filters.is_empty() || is_selected(name))
        .collect();
    if selected.is_empty() {
        return ExitCode::SUCCESS;
    }
    let missing = virtual_machine::missing();
    if !missing.is_empty() {
        return skip(selected.len(), &missing);
    }
    let start = Instant::now();
    match VirtualMachine::up() {
        Ok(vm) => {
            print(&format!(
                "started in {:.0} s",
                start.elapsed().as_secs_f64()
            ));
            run(&vm, &selected)
        }
        Err(error) => {
            print(&format!("FAILED: make up: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(vm: &VirtualMachine, selected: &[&Check]) -> ExitCode {
    let failed: Vec<&str> = selected
        .iter()
        .filter(|check| !passes(vm, check))
        .map(|(name, _)| *name)
        .collect();
    for name in &failed {
        print(&format!("failed: {name}"));
    }
    print(&format!(
        "VM checks: {} passed, {} failed",
        selected.len() - failed.len(),
        failed.len()
    ));
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn passes(vm: &VirtualMachine, (name, check): &Check) -> bool {
    let start = Instant::now();
    let result = panic::catch_unwind(AssertUnwindSafe(|| check(vm)));
    let took = start.elapsed().as_secs_f64();
    let verdict = match result {
        Ok(Ok(())) => "ok",
        Ok(Err(error)) => {
            print(&error.to_string());
            "FAILED"
        }
        Err(_) => "FAILED",
    };
    print(&format!("check {name} ... {verdict} ({took:.1} s)"));
    verdict == "ok"
}

fn skip(count: usize, missing: &[String]) -> ExitCode {
    for program in missing {
        print(&format!(
            "no VM can run: {program} is not installed (scripts/tools vm)"
        ));
    }
    if prerequisites::skipping_is_forbidden() {
        print(&format!(
            "VM checks: 0 passed, {count} failed (CI=true forbids skipping)"
        ));
        return ExitCode::FAILURE;
    }
    print(&format!("VM checks: {count} skipped"));
    ExitCode::SUCCESS
}

/// Prints to standard error, without a buffer.
fn print(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
