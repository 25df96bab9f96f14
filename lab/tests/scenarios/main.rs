//! What the lab shows, scenario by scenario.
//!
//! Booting and installing costs more than most scenarios, so those that need
//! the same hosts share them, in the order written here. A word on the command
//! line picks the scenarios whose name contains it. `LAB_FULL=1` runs the long
//! forms and writes `lab/RESULTS.md`.

mod bad_release;
mod bypass;
mod catalogue;
mod certificate;
mod change;
mod containers;
mod controller_killed;
mod crash_loop;
mod deploy;
mod disk_full;
mod drift;
mod express;
mod handover;
mod hang;
mod host_loss;
mod install;
mod kill;
mod outage;
mod programs;
mod reply;
mod restart;
mod rotation;
mod row;
mod runner;
mod sandbox;
mod secret;
mod stage;
mod system;
mod watch;

use std::process::ExitCode;

use lab::{Engine, Suite};

use crate::runner::{Group, Groups, Runner, Scenario};
use crate::system::System;

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
        "rotating_the_log_loses_nothing",
        rotation::rotating_the_log_loses_nothing,
    ),
    Scenario("drift_is_told", drift::drift_is_told),
    Scenario("a_secret_stays_one", secret::a_secret_stays_one),
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
        "a_host_is_bypassed_while_it_is_rolled",
        bypass::a_host_is_bypassed_while_it_is_rolled,
    ),
    Scenario(
        "without_a_deploy_no_host_is_bypassed",
        bypass::without_a_deploy_no_host_is_bypassed,
    ),
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

/// What every proxy has to stand, on the other engine.
const OTHER_ENGINE: &[Scenario] = &[
    Scenario("it_answers_as_described", system::it_answers_as_described),
    Scenario(
        "it_runs_what_it_describes",
        system::it_runs_what_it_describes,
    ),
    Scenario(
        "restarting_one_loses_nothing",
        restart::restarting_one_loses_nothing,
    ),
    Scenario(
        "restarting_all_loses_nothing",
        system::restarting_all_loses_nothing,
    ),
    Scenario(
        "restarting_the_proxy_loses_nothing",
        restart::restarting_the_proxy_loses_nothing,
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
        "a_hung_instance_is_replaced",
        hang::a_hung_instance_is_replaced,
    ),
    Scenario("deploying_loses_nothing", deploy::deploying_loses_nothing),
    Scenario(
        "rolling_back_loses_nothing",
        deploy::rolling_back_loses_nothing,
    ),
    Scenario(
        "an_unhealthy_release_is_refused",
        bad_release::an_unhealthy_release_is_refused,
    ),
    Scenario(
        "reloading_the_proxy_loses_nothing",
        change::reloading_the_proxy_loses_nothing,
    ),
];

/// Hosts that fall silent in a deploy: most of it is waiting for them.
const SILENT_HOSTS: &[Scenario] = &[
    Scenario(
        "a_deploy_without_one_host_touches_none",
        outage::a_deploy_without_one_host_touches_none,
    ),
    Scenario(
        "a_host_lost_in_its_roll_takes_the_run_back",
        outage::a_host_lost_in_its_roll_takes_the_run_back,
    ),
];

/// What every topology of the repository has to show.
const SHARED: &[Scenario] = &[
    Scenario("it_answers_as_described", system::it_answers_as_described),
    Scenario(
        "it_runs_what_it_describes",
        system::it_runs_what_it_describes,
    ),
    Scenario(
        "restarting_all_loses_nothing",
        system::restarting_all_loses_nothing,
    ),
];

/// Ports that change hands besides.
const OPEN_PORTS: &[Scenario] = &[
    Scenario("it_answers_as_described", system::it_answers_as_described),
    Scenario(
        "it_runs_what_it_describes",
        system::it_runs_what_it_describes,
    ),
    Scenario(
        "restarting_all_loses_nothing",
        system::restarting_all_loses_nothing,
    ),
    Scenario("ports_change_hands", handover::ports_change_hands),
];

/// A watched file besides.
const WATCHED: &[Scenario] = &[
    Scenario("it_answers_as_described", system::it_answers_as_described),
    Scenario(
        "it_runs_what_it_describes",
        system::it_runs_what_it_describes,
    ),
    Scenario(
        "a_watched_file_is_rolled_out",
        watch::a_watched_file_is_rolled_out,
    ),
    Scenario(
        "a_deploy_does_not_trigger_the_watch",
        watch::a_deploy_does_not_trigger_the_watch,
    ),
    Scenario(
        "a_bad_build_is_refused_and_the_next_is_seen",
        watch::a_bad_build_is_refused_and_the_next_is_seen,
    ),
];

/// The app's own master besides.
const OWN_MASTER: &[Scenario] = &[
    Scenario("it_answers_as_described", system::it_answers_as_described),
    Scenario(
        "it_runs_what_it_describes",
        system::it_runs_what_it_describes,
    ),
    Scenario(
        "restarting_all_loses_nothing",
        system::restarting_all_loses_nothing,
    ),
    Scenario(
        "reloading_a_master_loses_nothing",
        restart::reloading_a_master_loses_nothing,
    ),
];

/// Limits of the door besides.
const ENCRYPTED: &[Scenario] = &[
    Scenario("it_answers_as_described", system::it_answers_as_described),
    Scenario(
        "it_runs_what_it_describes",
        system::it_runs_what_it_describes,
    ),
    Scenario(
        "restarting_all_loses_nothing",
        system::restarting_all_loses_nothing,
    ),
    Scenario(
        "a_greedy_client_is_turned_away",
        certificate::a_greedy_client_is_turned_away,
    ),
];

/// An app that takes no socket cannot be restarted all at once without loss.
const OWN_PORTS: &[Scenario] = &[
    Scenario("it_answers_as_described", system::it_answers_as_described),
    Scenario(
        "it_runs_what_it_describes",
        system::it_runs_what_it_describes,
    ),
    Scenario("deploying_loses_no_get", express::deploying_loses_no_get),
    Scenario(
        "a_hung_app_is_replaced_by_its_probe",
        express::a_hung_app_is_replaced_by_its_probe,
    ),
    Scenario(
        "restarting_all_at_once_is_counted",
        express::restarting_all_at_once_is_counted,
    ),
];

const GROUPS: Groups = Groups {
    alone: &[
        Group {
            name: "Debian 12",
            suite: Suite::Bookworm,
            engine: None,
            system: &catalogue::ROOT,
            install: install::rehearsed,
            scenarios: ONE_HOST,
        },
        Group {
            name: "Debian 13",
            suite: Suite::Trixie,
            engine: None,
            system: &catalogue::ROOT,
            install: install::rehearsed,
            scenarios: OTHER_SUITE,
        },
        Group {
            name: "three hosts",
            suite: Suite::Bookworm,
            engine: None,
            system: &catalogue::THREE_HOSTS,
            install: install::rehearsed,
            scenarios: THREE_HOSTS,
        },
        group("HAProxy", &catalogue::HAPROXY, OTHER_ENGINE),
    ],
    abreast: &[
        group("silent hosts", &catalogue::THREE_HOSTS, SILENT_HOSTS),
        Group {
            name: "containers, Docker on Debian 12",
            suite: Suite::Bookworm,
            engine: Some(Engine::Docker),
            system: &catalogue::CONTAINERS,
            install: containers::install,
            scenarios: CONTAINERS,
        },
        Group {
            name: "containers, Podman on Debian 13",
            suite: Suite::Trixie,
            engine: Some(Engine::Podman),
            system: &catalogue::CONTAINERS,
            install: containers::install,
            scenarios: CONTAINERS,
        },
        Group {
            engine: Some(Engine::Docker),
            ..group("reference", &catalogue::REFERENCE, SHARED)
        },
        group("two-hosts", &catalogue::TWO_HOSTS, SHARED),
        group("node-app", &catalogue::NODE_APP, OWN_PORTS),
        group("tls", &catalogue::TLS, ENCRYPTED),
        group("pm2-clusters", &catalogue::PM2_CLUSTERS, SHARED),
        group("rewrite", &catalogue::REWRITE, SHARED),
        group("native-cluster", &catalogue::NATIVE_CLUSTER, OWN_MASTER),
        group("cluster-and-single", &catalogue::CLUSTER_AND_SINGLE, SHARED),
        group("ipc-random", &catalogue::IPC_RANDOM, SHARED),
        group("pm2-four-ports", &catalogue::PM2_FOUR_PORTS, OPEN_PORTS),
        group("development", &catalogue::DEVELOPMENT, WATCHED),
        group("single", &catalogue::SINGLE, SHARED),
    ],
};

/// A topology of the repository on Debian 12.
const fn group(
    name: &'static str,
    system: &'static System,
    scenarios: &'static [Scenario],
) -> Group {
    Group {
        name,
        suite: Suite::Bookworm,
        engine: None,
        system,
        install: install::at_once,
        scenarios,
    }
}

fn main() -> ExitCode {
    Runner::from_arguments().run(&GROUPS)
}
