//! What the lab shows, scenario by scenario.
//!
//! Booting and installing costs more than most scenarios, so those that need
//! the same hosts share them, in the order written here. A word on the command
//! line picks the scenarios whose name contains it. `LAB_FULL=1` runs the long
//! forms and writes `lab/RESULTS.md`.

mod bad_release;
mod change;
mod containers;
mod controller_killed;
mod crash_loop;
mod deploy;
mod disk_full;
mod hang;
mod host_loss;
mod install;
mod kill;
mod programs;
mod restart;
mod row;
mod runner;
mod sandbox;
mod stage;
mod topology;

use std::process::ExitCode;

use lab::{Engine, HostPlan, Suite};

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
    Scenario(
        "a_release_that_exits_is_refused",
        bad_release::a_release_that_exits_is_refused,
    ),
    Scenario(
        "an_unhealthy_release_is_refused",
        bad_release::an_unhealthy_release_is_refused,
    ),
    Scenario(
        "a_release_that_dies_soon_is_refused",
        bad_release::a_release_that_dies_soon_is_refused,
    ),
    Scenario(
        "a_release_for_another_machine_is_refused",
        bad_release::a_release_for_another_machine_is_refused,
    ),
    Scenario(
        "a_killed_controller_loses_nothing",
        controller_killed::a_killed_controller_loses_nothing,
    ),
    Scenario(
        "a_full_disk_leaves_no_half_release",
        disk_full::a_full_disk_leaves_no_half_release,
    ),
    Scenario(
        "reloading_the_proxy_loses_nothing",
        change::reloading_the_proxy_loses_nothing,
    ),
    Scenario(
        "changing_the_environment_loses_nothing",
        change::changing_the_environment_loses_nothing,
    ),
    Scenario("scaling_up_loses_nothing", change::scaling_up_loses_nothing),
    Scenario(
        "scaling_down_loses_nothing",
        change::scaling_down_loses_nothing,
    ),
    Scenario(
        "an_instance_can_do_nothing_but_serve",
        sandbox::an_instance_can_do_nothing_but_serve,
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

/// A proxy host in front of two app hosts.
const THREE_HOSTS: &[Scenario] = &[
    Scenario(
        "a_lost_host_loses_no_get",
        host_loss::a_lost_host_loses_no_get,
    ),
    Scenario(
        "a_rebooting_host_loses_no_get",
        host_loss::a_rebooting_host_loses_no_get,
    ),
    Scenario(
        "losing_both_hosts_is_counted",
        host_loss::losing_both_hosts_is_counted,
    ),
];

/// Containers, whichever engine the host has.
const CONTAINERS: &[Scenario] = &[
    Scenario(
        "containers_run_as_described",
        containers::containers_run_as_described,
    ),
    Scenario(
        "a_second_run_leaves_containers_alone",
        containers::a_second_run_leaves_containers_alone,
    ),
    Scenario(
        "a_killed_container_comes_back",
        containers::a_killed_container_comes_back,
    ),
    Scenario(
        "a_container_that_exits_comes_back",
        containers::a_container_that_exits_comes_back,
    ),
    Scenario(
        "a_lost_client_leaves_no_container",
        containers::a_lost_client_leaves_no_container,
    ),
    Scenario(
        "a_hung_container_is_replaced",
        containers::a_hung_container_is_replaced,
    ),
    Scenario(
        "restarting_containers_loses_no_get",
        containers::restarting_containers_loses_no_get,
    ),
    Scenario(
        "deploying_an_image_loses_no_get",
        containers::deploying_an_image_loses_no_get,
    ),
    Scenario(
        "an_archive_without_the_image_is_refused",
        containers::an_archive_without_the_image_is_refused,
    ),
    Scenario(
        "a_port_of_the_image_is_published",
        containers::a_port_of_the_image_is_published,
    ),
    Scenario(
        "a_reboot_brings_containers_back",
        containers::a_reboot_brings_containers_back,
    ),
    Scenario(
        "a_stop_leaves_no_container",
        containers::a_stop_leaves_no_container,
    ),
];

const GROUPS: &[Group] = &[
    Group {
        name: "Debian 12",
        hosts: || vec![HostPlan::new("node1", "192.168.56.11")],
        topology: topology::ROOT,
        install: install::install,
        scenarios: ONE_HOST,
    },
    Group {
        name: "Debian 13",
        hosts: || vec![HostPlan::new("node1", "192.168.56.11").on(Suite::Trixie)],
        topology: topology::ROOT,
        install: install::install,
        scenarios: OTHER_SUITE,
    },
    Group {
        name: "three hosts",
        hosts: || {
            vec![
                HostPlan::new("front", "192.168.56.10"),
                HostPlan::new("node1", "192.168.56.11"),
                HostPlan::new("node2", "192.168.56.12"),
            ]
        },
        topology: topology::HOSTS,
        install: install::install,
        scenarios: THREE_HOSTS,
    },
    Group {
        name: "containers, Docker on Debian 12",
        hosts: || vec![HostPlan::new("node1", "192.168.56.11").with(Engine::Docker)],
        topology: containers::TOPOLOGY,
        install: containers::install,
        scenarios: CONTAINERS,
    },
    Group {
        name: "containers, Podman on Debian 13",
        hosts: || {
            vec![
                HostPlan::new("node1", "192.168.56.11")
                    .on(Suite::Trixie)
                    .with(Engine::Podman),
            ]
        },
        topology: containers::TOPOLOGY,
        install: containers::install,
        scenarios: CONTAINERS,
    },
];

fn main() -> ExitCode {
    Runner::from_arguments().run(GROUPS)
}
