//! Fault injection scenarios on booted hosts.
//!
//! Scenarios of a group share booted hosts, since a boot and an installation take longer than most
//! scenarios; they run in the order of the lists. An argument selects the scenarios whose name
//! contains it. `LAB_FULL=1` runs the full forms and writes `lab/RESULTS.md`.

mod bad_release;
mod container_engine;
mod containers;
mod controller_killed;
mod cpu_priority;
mod crash_loop;
mod deploy;
mod disk_full;
mod drift;
mod express;
mod fixture;
mod hang;
mod health_probe;
mod host_drain;
mod host_loss;
mod host_unreachable;
mod install;
mod kill;
mod listener;
mod log_rotation;
mod multi_host_systems;
mod outcome;
mod plan;
mod port_transfer;
mod programs;
mod response;
mod restart;
mod results;
mod runner;
mod sandbox;
mod secret;
mod single_host_systems;
mod system;
mod tls;
mod topology_change;
mod watch;

use std::process::ExitCode;

use lab::{ContainerEngine, Suite};

use crate::runner::{Group, Groups, Runner, Scenario};
use crate::system::System;

/// A list of scenarios, each with the name of its function.
macro_rules! scenarios {
    ($($module:ident :: $name:ident),* $(,)?) => {
        &[$(Scenario(stringify!($name), $module::$name)),*]
    };
}

/// The root topology on one host: every fault except the loss of a host.
const ONE_HOST: &[Scenario] = scenarios![
    install::all_units_are_active,
    install::requests_are_spread_evenly,
    install::second_run_changes_nothing,
    plan::a_plan_lists_what_an_apply_does,
    install::units_have_low_exposure,
    install::target_stops_and_starts_all,
    restart::restarting_one_drops_no_requests,
    restart::restarting_all_drops_no_requests,
    restart::restarting_all_behind_a_stalled_proxy_drops_no_requests,
    restart::a_short_keepalive_grace_drops_requests,
    restart::rolling_restart_drops_no_requests,
    restart::restarting_workers_drops_no_requests,
    restart::restarting_the_proxy_drops_no_requests,
    restart::restarting_the_target_drops_no_requests,
    restart::restarting_the_target_often_keeps_all_units_active,
    restart::a_closed_port_drops_requests,
    kill::killing_an_instance_drops_no_get,
    kill::killing_a_worker_drops_no_get,
    hang::a_hung_instance_is_replaced,
    hang::without_a_watchdog_a_hang_persists,
    crash_loop::a_crash_loop_does_not_affect_other_instances,
    deploy::deploying_drops_no_requests,
    deploy::rolling_back_drops_no_requests,
    bad_release::a_release_that_exits_is_rolled_back,
    bad_release::an_unhealthy_release_is_rolled_back,
    bad_release::a_release_that_crashes_in_the_canary_is_rolled_back,
    bad_release::a_release_for_another_architecture_is_rolled_back,
    bad_release::a_release_that_crashes_in_a_longer_canary_is_rolled_back,
    bad_release::a_release_that_crashes_after_the_deploy_is_rolled_back,
    bad_release::a_bad_drop_in_affects_one_instance,
    bad_release::a_bad_release_without_a_canary_drops_requests,
    controller_killed::a_killed_controller_drops_no_requests,
    disk_full::a_full_disk_leaves_no_partial_release,
    topology_change::reloading_the_proxy_drops_no_requests,
    topology_change::an_invalid_configuration_is_not_reloaded,
    topology_change::changing_the_environment_drops_no_requests,
    topology_change::changing_the_environment_by_hand_drops_requests,
    topology_change::scaling_up_drops_no_requests,
    topology_change::an_upstream_that_does_not_respond_drops_requests,
    topology_change::scaling_down_drops_no_requests,
    topology_change::an_undrained_port_drops_requests,
    topology_change::a_bad_unit_is_rolled_back,
    log_rotation::rotating_the_log_drops_no_requests,
    log_rotation::a_deleted_log_loses_lines,
    drift::drift_is_reported,
    secret::a_secret_is_not_exposed,
    sandbox::an_instance_is_sandboxed,
    install::all_units_start_after_a_reboot,
];

/// The root topology on the other Debian suite.
const OTHER_SUITE: &[Scenario] = scenarios![
    install::all_units_are_active,
    install::requests_are_spread_evenly,
    install::second_run_changes_nothing,
    install::units_have_low_exposure,
    restart::restarting_all_drops_no_requests,
    restart::restarting_the_proxy_drops_no_requests,
];

/// A proxy host and two app hosts.
const THREE_HOSTS: &[Scenario] = scenarios![
    host_drain::a_host_is_drained_during_its_deploy,
    host_drain::a_host_is_drained_while_its_environment_changes,
    host_drain::restarts_by_hand_drain_no_host,
    port_transfer::adding_a_second_host_drops_no_requests,
    topology_change::a_bad_unit_is_restored_on_all_hosts,
    deploy::a_host_without_an_earlier_release_blocks_no_rollback,
    deploy::the_first_release_of_a_new_host_is_reported,
    host_loss::a_lost_host_drops_no_get,
    host_loss::a_rebooting_host_drops_no_get,
    host_loss::losing_both_hosts_drops_requests,
];

/// Containers, with either engine.
const CONTAINERS: &[Scenario] = scenarios![
    containers::containers_run_as_configured,
    containers::a_second_run_restarts_no_container,
    containers::a_killed_container_is_restarted,
    containers::an_exited_container_is_restarted,
    containers::a_killed_client_leaves_no_container,
    containers::a_hung_container_is_replaced,
    containers::restarting_containers_drops_no_get,
    containers::deploying_an_image_drops_no_get,
    containers::an_archive_without_the_image_is_rejected,
    containers::a_port_of_the_image_is_published,
    containers::containers_start_after_a_reboot,
    containers::a_stop_leaves_no_container,
];

/// The scenarios for the other proxy engine.
const OTHER_ENGINE: &[Scenario] = scenarios![
    restart::restarting_one_drops_no_requests,
    restart::restarting_all_behind_a_stalled_proxy_drops_no_requests,
    restart::a_short_keepalive_grace_drops_requests,
    restart::restarting_the_proxy_drops_no_requests,
    restart::a_closed_port_drops_requests,
    kill::killing_an_instance_drops_no_get,
    hang::a_hung_instance_is_replaced,
    deploy::deploying_drops_no_requests,
    deploy::rolling_back_drops_no_requests,
    bad_release::an_unhealthy_release_is_rolled_back,
    topology_change::reloading_the_proxy_drops_no_requests,
    topology_change::an_invalid_configuration_is_not_reloaded,
];

/// Hosts that become unreachable in a deploy: the scenarios mostly wait for timeouts.
const UNREACHABLE_HOSTS: &[Scenario] = scenarios![
    host_unreachable::a_deploy_with_an_unreachable_host_changes_no_host,
    host_unreachable::a_host_lost_during_a_deploy_rolls_back_all_hosts,
];

/// The expected state of every topology.
const EXPECTED_STATE: &[Scenario] =
    scenarios![system::urls_respond_as_expected, system::expected_units_run,];

/// Restarts of apps with socket activation.
const RESTART: &[Scenario] = scenarios![system::restarting_all_drops_no_requests];

/// The time limit of a deploy, on a host with four instances only.
const DEPLOY_TIME: &[Scenario] =
    scenarios![deploy::deploying_four_instances_takes_at_most_ten_seconds];

/// Ports that move between units.
const PORT_TRANSFER: &[Scenario] = scenarios![
    port_transfer::ports_move_between_app_and_systemd,
    port_transfer::ports_move_to_other_units,
    port_transfer::closed_ports_drop_requests,
];

/// Changes of the proxy's port.
const LISTENER: &[Scenario] = scenarios![listener::a_changed_port_is_opened];

/// A host on which genconf-host is missing.
const PROGRAM_MISSING: &[Scenario] = scenarios![drift::a_host_without_genconf_host_is_reported];

/// Watch mode.
const WATCH_MODE: &[Scenario] = scenarios![
    watch::a_changed_file_is_deployed,
    watch::a_deploy_does_not_trigger_the_watch,
    watch::a_bad_build_is_rolled_back_and_the_next_is_deployed,
];

/// An app with its own supervisor process.
const SUPERVISOR: &[Scenario] = scenarios![restart::reloading_a_supervisor_drops_no_requests,];

/// TLS, the rate limit, and a topology with two apps.
const TLS_LISTENER: &[Scenario] = scenarios![
    tls::a_client_above_the_rate_limit_gets_429,
    listener::tls_is_added_to_a_listener,
    deploy::a_rollback_affects_only_the_named_app,
];

/// An app that binds its own port: a restart of all instances at once drops requests.
const OWN_PORTS: &[Scenario] = scenarios![
    express::deploying_drops_no_get,
    express::a_crash_after_the_deploy_rolls_the_release_back,
    express::restarting_one_by_one_drops_no_get,
    express::a_hung_app_is_replaced_by_its_probe,
    express::restarting_all_at_once_drops_requests,
];

/// Health probes on each kind of listening address.
const HEALTH_PROBES: &[Scenario] = scenarios![
    health_probe::a_responsive_instance_is_not_restarted,
    health_probe::a_hung_instance_is_replaced_by_its_probe,
    health_probe::a_restored_host_is_probed_as_before,
];

/// The cost of health checks.
const MONITOR_COST: &[Scenario] =
    scenarios![health_probe::probing_ten_instances_costs_half_a_percent_of_a_core];

static GROUPS: Groups = Groups {
    sequential: &[
        Group {
            name: "Debian 12",
            suite: Suite::Bookworm,
            engine: None,
            system: &single_host_systems::ROOT,
            install: install::check_and_apply,
            scenarios: &[ONE_HOST],
        },
        group(
            "HAProxy",
            &single_host_systems::HAPROXY,
            &[EXPECTED_STATE, RESTART, OTHER_ENGINE, LISTENER],
        ),
        group(
            "pm2-four-ports",
            &single_host_systems::PM2_FOUR_PORTS,
            &[EXPECTED_STATE, RESTART, DEPLOY_TIME, PORT_TRANSFER],
        ),
    ],
    background: &[
        Group {
            name: "three hosts",
            suite: Suite::Bookworm,
            engine: None,
            system: &multi_host_systems::THREE_HOSTS,
            install: install::check_and_apply,
            scenarios: &[THREE_HOSTS],
        },
        group(
            "unreachable hosts",
            &multi_host_systems::THREE_HOSTS,
            &[UNREACHABLE_HOSTS],
        ),
    ],
    parallel: &[
        Group {
            name: "Debian 13",
            suite: Suite::Trixie,
            engine: None,
            system: &single_host_systems::ROOT,
            install: install::check_and_apply_with_umask_077,
            scenarios: &[OTHER_SUITE],
        },
        Group {
            name: "containers, Docker on Debian 12",
            suite: Suite::Bookworm,
            engine: Some(ContainerEngine::Docker),
            system: &single_host_systems::CONTAINERS,
            install: containers::install,
            scenarios: &[CONTAINERS],
        },
        Group {
            name: "containers, Podman on Debian 13",
            suite: Suite::Trixie,
            engine: Some(ContainerEngine::Podman),
            system: &single_host_systems::CONTAINERS,
            install: containers::install,
            scenarios: &[CONTAINERS],
        },
        group(
            "tls",
            &single_host_systems::TLS,
            &[EXPECTED_STATE, RESTART, TLS_LISTENER],
        ),
        group(
            "node-app",
            &single_host_systems::NODE_APP,
            &[EXPECTED_STATE, OWN_PORTS],
        ),
        Group {
            engine: Some(ContainerEngine::Docker),
            ..group(
                "reference",
                &multi_host_systems::REFERENCE,
                &[EXPECTED_STATE, RESTART],
            )
        },
        group(
            "health probes",
            &multi_host_systems::PROBED,
            &[EXPECTED_STATE, HEALTH_PROBES],
        ),
        group(
            "ten probed instances",
            &single_host_systems::TEN_PROBED,
            &[EXPECTED_STATE, MONITOR_COST],
        ),
        group(
            "single",
            &single_host_systems::SINGLE,
            &[EXPECTED_STATE, RESTART, LISTENER, PROGRAM_MISSING],
        ),
        group(
            "two-hosts",
            &multi_host_systems::TWO_HOSTS,
            &[EXPECTED_STATE, RESTART],
        ),
        group(
            "development",
            &single_host_systems::DEVELOPMENT,
            &[EXPECTED_STATE, WATCH_MODE],
        ),
        group(
            "pm2-clusters",
            &single_host_systems::PM2_CLUSTERS,
            &[EXPECTED_STATE, RESTART],
        ),
        group(
            "rewrite",
            &single_host_systems::REWRITE,
            &[EXPECTED_STATE, RESTART],
        ),
        group(
            "native-cluster",
            &single_host_systems::NATIVE_CLUSTER,
            &[EXPECTED_STATE, RESTART, SUPERVISOR],
        ),
        group(
            "cluster-and-single",
            &single_host_systems::CLUSTER_AND_SINGLE,
            &[EXPECTED_STATE, RESTART],
        ),
        group(
            "ipc-random",
            &single_host_systems::IPC_RANDOM,
            &[EXPECTED_STATE, RESTART],
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
        install: install::apply,
        scenarios,
    }
}

fn main() -> ExitCode {
    Runner::from_arguments().run(&GROUPS)
}
