//! What the lab shows, scenario by scenario.
//!
//! Booting and installing costs more than most scenarios, so those that need
//! the same hosts share them, in the order written here: the lists of a group, one after
//! the other. A word on the command
//! line picks the scenarios whose name contains it. `LAB_FULL=1` runs the long
//! forms and writes `lab/RESULTS.md`.

mod apart;
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
mod door;
mod drift;
mod engine;
mod express;
mod fleet;
mod handover;
mod hang;
mod host_loss;
mod install;
mod kill;
mod outage;
mod prober;
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

/// Scenarios by their functions, each under the function's name.
macro_rules! scenarios {
    ($($module:ident :: $name:ident),* $(,)?) => {
        &[$(Scenario(stringify!($name), $module::$name)),*]
    };
}

/// The root topology on one host: everything but the loss of a host.
const ONE_HOST: &[Scenario] = scenarios![
    install::everything_described_runs,
    install::requests_are_spread_evenly,
    install::second_run_changes_nothing,
    install::units_are_hardly_exposed,
    install::target_stops_and_starts_all,
    restart::restarting_one_loses_nothing,
    restart::restarting_all_loses_nothing,
    restart::restarting_all_behind_a_stalled_proxy_loses_nothing,
    restart::a_short_grace_is_counted,
    restart::rolling_restart_loses_nothing,
    restart::restarting_workers_loses_nothing,
    restart::restarting_the_proxy_loses_nothing,
    restart::restarting_the_target_loses_nothing,
    restart::restarting_the_target_often_leaves_it_whole,
    restart::a_closed_port_is_counted,
    kill::killing_an_instance_loses_no_get,
    kill::killing_a_worker_loses_no_get,
    hang::a_hung_instance_is_replaced,
    hang::without_a_watchdog_a_hang_stays,
    crash_loop::a_crash_loop_hurts_nobody_else,
    deploy::deploying_loses_nothing,
    deploy::rolling_back_loses_nothing,
    bad_release::a_release_that_exits_is_refused,
    bad_release::an_unhealthy_release_is_refused,
    bad_release::a_release_that_dies_soon_is_refused,
    bad_release::a_release_for_another_machine_is_refused,
    bad_release::a_release_that_dies_late_is_refused_by_a_longer_watch,
    bad_release::a_release_that_dies_after_its_run_is_taken_back,
    bad_release::without_the_gate_a_bad_release_is_counted,
    controller_killed::a_killed_controller_loses_nothing,
    disk_full::a_full_disk_leaves_no_half_release,
    change::reloading_the_proxy_loses_nothing,
    change::a_reload_of_nonsense_is_refused,
    change::changing_the_environment_loses_nothing,
    change::changing_the_environment_by_hand_is_counted,
    change::scaling_up_loses_nothing,
    change::a_port_that_does_not_answer_yet_is_counted,
    change::scaling_down_loses_nothing,
    change::a_port_that_is_not_drained_is_counted,
    change::a_bad_unit_is_taken_back,
    rotation::rotating_the_log_loses_nothing,
    rotation::a_log_that_is_taken_away_is_counted,
    drift::drift_is_told,
    secret::a_secret_stays_one,
    sandbox::an_instance_can_do_nothing_but_serve,
    install::reboot_brings_all_back,
];

/// The same bundle on the other suite.
const OTHER_SUITE: &[Scenario] = scenarios![
    install::everything_described_runs,
    install::requests_are_spread_evenly,
    install::second_run_changes_nothing,
    install::units_are_hardly_exposed,
    restart::restarting_all_loses_nothing,
    restart::restarting_the_proxy_loses_nothing,
];

/// A proxy host in front of two app hosts.
const THREE_HOSTS: &[Scenario] = scenarios![
    bypass::a_host_is_bypassed_while_it_is_rolled,
    bypass::a_host_is_bypassed_while_its_environment_changes,
    bypass::without_a_playbook_no_host_is_bypassed,
    handover::growing_beyond_a_host_loses_nothing,
    host_loss::a_lost_host_loses_no_get,
    host_loss::a_rebooting_host_loses_no_get,
    host_loss::losing_both_hosts_is_counted,
];

/// Containers, whichever engine the host has.
const CONTAINERS: &[Scenario] = scenarios![
    containers::containers_run_as_described,
    containers::a_second_run_leaves_containers_alone,
    containers::a_killed_container_comes_back,
    containers::a_container_that_exits_comes_back,
    containers::a_lost_client_leaves_no_container,
    containers::a_hung_container_is_replaced,
    containers::restarting_containers_loses_no_get,
    containers::deploying_an_image_loses_no_get,
    containers::an_archive_without_the_image_is_refused,
    containers::a_port_of_the_image_is_published,
    containers::a_reboot_brings_containers_back,
    containers::a_stop_leaves_no_container,
];

/// What every proxy has to stand, on the other engine.
const OTHER_ENGINE: &[Scenario] = scenarios![
    restart::restarting_one_loses_nothing,
    restart::restarting_all_behind_a_stalled_proxy_loses_nothing,
    restart::a_short_grace_is_counted,
    restart::restarting_the_proxy_loses_nothing,
    restart::a_closed_port_is_counted,
    kill::killing_an_instance_loses_no_get,
    hang::a_hung_instance_is_replaced,
    deploy::deploying_loses_nothing,
    deploy::rolling_back_loses_nothing,
    bad_release::an_unhealthy_release_is_refused,
    change::reloading_the_proxy_loses_nothing,
    change::a_reload_of_nonsense_is_refused,
];

/// Hosts that fall silent in a deploy: most of it is waiting for them.
const SILENT_HOSTS: &[Scenario] = scenarios![
    outage::a_deploy_without_one_host_touches_none,
    outage::a_host_lost_in_its_roll_takes_the_run_back,
];

/// What every topology of the repository has to show.
const DESCRIBED: &[Scenario] = scenarios![
    system::it_answers_as_described,
    system::it_runs_what_it_describes,
];

/// What those show besides whose apps take sockets.
const RESTARTED: &[Scenario] = scenarios![system::restarting_all_loses_nothing];

/// Four instances and nothing else.
const IN_TIME: &[Scenario] = scenarios![deploy::deploying_four_instances_takes_ten_seconds];

/// Ports that change hands.
const OPEN_PORTS: &[Scenario] = scenarios![
    handover::ports_change_hands,
    handover::ports_pass_to_other_units,
    handover::ports_that_are_let_go_are_counted,
];

/// A port of the proxy that changes.
const MOVED: &[Scenario] = scenarios![door::a_moved_door_is_opened];

/// A watched file.
const WATCHED: &[Scenario] = scenarios![
    watch::a_watched_file_is_rolled_out,
    watch::a_deploy_does_not_trigger_the_watch,
    watch::a_bad_build_is_refused_and_the_next_is_seen,
];

/// The app's own master.
const OWN_MASTER: &[Scenario] = scenarios![restart::reloading_a_master_loses_nothing,];

/// Limits of the door, and how it comes to be encrypted.
const ENCRYPTED: &[Scenario] = scenarios![
    certificate::a_greedy_client_is_turned_away,
    door::a_door_is_encrypted_later,
    deploy::only_the_named_app_goes_back,
];

/// An app that takes no socket cannot be restarted all at once without loss.
const OWN_PORTS: &[Scenario] = scenarios![
    express::deploying_loses_no_get,
    express::what_dies_under_guard_is_taken_back_around_the_others,
    express::restarting_one_by_one_loses_no_get,
    express::a_hung_app_is_replaced_by_its_probe,
    express::restarting_all_at_once_is_counted,
];

/// A prober that has to find what it asks.
const PROBED: &[Scenario] = scenarios![
    prober::what_answers_its_prober_is_left_alone,
    prober::what_hangs_is_replaced_by_its_prober,
];

static GROUPS: Groups = Groups {
    alone: &[
        Group {
            name: "Debian 12",
            suite: Suite::Bookworm,
            engine: None,
            system: &catalogue::ROOT,
            install: install::rehearsed,
            scenarios: &[ONE_HOST],
        },
        group(
            "HAProxy",
            &catalogue::HAPROXY,
            &[DESCRIBED, RESTARTED, OTHER_ENGINE, MOVED],
        ),
        group(
            "pm2-four-ports",
            &catalogue::PM2_FOUR_PORTS,
            &[DESCRIBED, RESTARTED, IN_TIME, OPEN_PORTS],
        ),
    ],
    beside: &[
        Group {
            name: "three hosts",
            suite: Suite::Bookworm,
            engine: None,
            system: &fleet::THREE_HOSTS,
            install: install::rehearsed,
            scenarios: &[THREE_HOSTS],
        },
        group("silent hosts", &fleet::THREE_HOSTS, &[SILENT_HOSTS]),
    ],
    abreast: &[
        Group {
            name: "Debian 13",
            suite: Suite::Trixie,
            engine: None,
            system: &catalogue::ROOT,
            install: install::rehearsed,
            scenarios: &[OTHER_SUITE],
        },
        Group {
            name: "containers, Docker on Debian 12",
            suite: Suite::Bookworm,
            engine: Some(Engine::Docker),
            system: &catalogue::CONTAINERS,
            install: containers::install,
            scenarios: &[CONTAINERS],
        },
        Group {
            name: "containers, Podman on Debian 13",
            suite: Suite::Trixie,
            engine: Some(Engine::Podman),
            system: &catalogue::CONTAINERS,
            install: containers::install,
            scenarios: &[CONTAINERS],
        },
        group("tls", &catalogue::TLS, &[DESCRIBED, RESTARTED, ENCRYPTED]),
        group("node-app", &catalogue::NODE_APP, &[DESCRIBED, OWN_PORTS]),
        Group {
            engine: Some(Engine::Docker),
            ..group("reference", &fleet::REFERENCE, &[DESCRIBED, RESTARTED])
        },
        group("probed hosts", &fleet::PROBED, &[DESCRIBED, PROBED]),
        group("single", &catalogue::SINGLE, &[DESCRIBED, RESTARTED, MOVED]),
        group("two-hosts", &fleet::TWO_HOSTS, &[DESCRIBED, RESTARTED]),
        group(
            "development",
            &catalogue::DEVELOPMENT,
            &[DESCRIBED, WATCHED],
        ),
        group(
            "pm2-clusters",
            &catalogue::PM2_CLUSTERS,
            &[DESCRIBED, RESTARTED],
        ),
        group("rewrite", &catalogue::REWRITE, &[DESCRIBED, RESTARTED]),
        group(
            "native-cluster",
            &catalogue::NATIVE_CLUSTER,
            &[DESCRIBED, RESTARTED, OWN_MASTER],
        ),
        group(
            "cluster-and-single",
            &catalogue::CLUSTER_AND_SINGLE,
            &[DESCRIBED, RESTARTED],
        ),
        group(
            "ipc-random",
            &catalogue::IPC_RANDOM,
            &[DESCRIBED, RESTARTED],
        ),
    ],
};

/// A topology of the repository on Debian 12.
const fn group(
    name: &'static str,
    system: &'static System,
    scenarios: &'static [&'static [Scenario]],
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
