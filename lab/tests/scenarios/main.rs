//! What the lab shows, scenario by scenario.
//!
//! Booting and installing costs more than most scenarios, so those that need
//! the same hosts share them, in the order written here. A word on the command
//! line picks the scenarios whose name contains it. `LAB_FULL=1` runs the long
//! forms and writes `lab/RESULTS.md`.

mod crash_loop;
mod deploy;
mod hang;
mod install;
mod kill;
mod programs;
mod restart;
mod row;
mod runner;
mod stage;
mod topology;

use std::process::ExitCode;

use lab::{HostPlan, Suite};

use crate::runner::{Group, Runner, Scenario};

/// The root topology on one host: everything but the loss of a host.
const ONE_HOST: &[Scenario] = &[
    Scenario(
        "everything_described_runs",
        install::everything_described_runs,
    ),
    Scenario(
        "requests_are_spread_evenly",
        install::requests_are_spread_evenly,
    ),
    Scenario(
        "second_run_changes_nothing",
        install::second_run_changes_nothing,
    ),
    Scenario(
        "units_are_hardly_exposed",
        install::units_are_hardly_exposed,
    ),
    Scenario(
        "target_stops_and_starts_all",
        install::target_stops_and_starts_all,
    ),
    Scenario(
        "restarting_one_loses_nothing",
        restart::restarting_one_loses_nothing,
    ),
    Scenario(
        "restarting_all_loses_nothing",
        restart::restarting_all_loses_nothing,
    ),
    Scenario(
        "rolling_restart_loses_nothing",
        restart::rolling_restart_loses_nothing,
    ),
    Scenario(
        "restarting_workers_loses_nothing",
        restart::restarting_workers_loses_nothing,
    ),
    Scenario(
        "restarting_the_proxy_loses_nothing",
        restart::restarting_the_proxy_loses_nothing,
    ),
    Scenario(
        "restarting_the_target_loses_nothing",
        restart::restarting_the_target_loses_nothing,
    ),
    Scenario(
        "a_closed_port_is_counted",
        restart::a_closed_port_is_counted,
    ),
    Scenario(
        "killing_an_instance_loses_no_get",
        kill::killing_an_instance_loses_no_get,
    ),
    Scenario(
        "killing_a_worker_loses_no_get",
        kill::killing_a_worker_loses_no_get,
    ),
    Scenario(
        "a_hung_instance_is_replaced",
        hang::a_hung_instance_is_replaced,
    ),
    Scenario(
        "without_a_watchdog_a_hang_stays",
        hang::without_a_watchdog_a_hang_stays,
    ),
    Scenario(
        "a_crash_loop_hurts_nobody_else",
        crash_loop::a_crash_loop_hurts_nobody_else,
    ),
    Scenario("deploying_loses_nothing", deploy::deploying_loses_nothing),
    Scenario(
        "rolling_back_loses_nothing",
        deploy::rolling_back_loses_nothing,
    ),
    Scenario("reboot_brings_all_back", install::reboot_brings_all_back),
];

/// The same bundle on the other suite.
const OTHER_SUITE: &[Scenario] = &[
    Scenario(
        "everything_described_runs",
        install::everything_described_runs,
    ),
    Scenario(
        "requests_are_spread_evenly",
        install::requests_are_spread_evenly,
    ),
    Scenario(
        "second_run_changes_nothing",
        install::second_run_changes_nothing,
    ),
    Scenario(
        "units_are_hardly_exposed",
        install::units_are_hardly_exposed,
    ),
    Scenario(
        "restarting_all_loses_nothing",
        restart::restarting_all_loses_nothing,
    ),
    Scenario(
        "restarting_the_proxy_loses_nothing",
        restart::restarting_the_proxy_loses_nothing,
    ),
];

const GROUPS: &[Group] = &[
    Group {
        name: "Debian 12",
        hosts: || vec![HostPlan::new("node1", "192.168.56.11")],
        topology: topology::ROOT,
        scenarios: ONE_HOST,
    },
    Group {
        name: "Debian 13",
        hosts: || vec![HostPlan::new("node1", "192.168.56.11").on(Suite::Trixie)],
        topology: topology::ROOT,
        scenarios: OTHER_SUITE,
    },
];

fn main() -> ExitCode {
    Runner::from_arguments().run(GROUPS)
}
