//! Containers behind the front door, as `topologies/containers.yaml` describes them.

use std::time::{Duration, Instant};

use lab::load::Report;
use lab::{Host, Result};

use crate::engine::{containers, engine, engine_runs, inner_pid, wait_answering};
use crate::install;
use crate::prober::wait_known;
use crate::programs::Programs;
use crate::row::{IN_FLIGHT, Row};
use crate::stage::{
    CONNECTIONS, Stage, inactive, is_full, main_pid, wait_active, wait_gone, wait_inactive,
    wait_replaced,
};

/// The front door, which is all that users see.
const DOOR: &str = "http://192.168.56.11:3000/api/randoms";

const FIRST: &str = "mini-web@3001.service";
const SECOND: &str = "mini-web@3002.service";

const UNITS: [&str; 7] = [
    "mini.target",
    "mini-web.target",
    "mini-edge.socket",
    "mini-edge.service",
    "mini-web-probe.timer",
    FIRST,
    SECOND,
];

/// Slow enough to leave the processors to the engine.
const RATE: &[&str] = &["--requests", "900", "--rate", "300"];

/// From the hang of a container to one that answers: two silences of 1 s, 1 s
/// apart, and a start.
const SERVING: Duration = Duration::from_secs(10);

/// The engine must run; then the image is built, and everything is installed.
pub(crate) fn install(stage: &Stage) -> Result<()> {
    engine_runs(stage.front())?;
    install::rehearsed(stage)
}

/// Makes the image of `version` the next to be deployed.
fn put_image(stage: &Stage, version: &str) -> Result<()> {
    stage.put_artifact(&Programs::image(version)?)
}

fn wait_all(host: &Host) -> Result<()> {
    wait_active(host, &UNITS)?;
    wait_answering(host, 3001)?;
    wait_answering(host, 3002)?;
    Ok(())
}

/// Both answer through the door in turn, from inside of containers that may do
/// nothing, and are met on loopback only.
pub(crate) fn containers_run_as_described(stage: &Stage) -> Result<()> {
    let host = stage.front();
    wait_all(host)?;
    let release = host.run(&["readlink", "/opt/mini/randoms/current"])?;
    let digest = release.trim_start_matches("releases/");
    let image = format!("localhost/genconf/mini/randoms:{digest}");
    let wanted = [3001, 3002].map(|port| format!("mini-web-{port} {image}"));
    assert_eq!(containers(host)?, wanted);
    let once = ["--connections", "1", "--requests", "100", "--limit", "100"];
    let report = stage.load_at(DOOR, &once)?.finish()?;
    assert_eq!(report.failures(), 0, "{report}");
    let served: Vec<_> = report.served_by.keys().map(String::as_str).collect();
    assert_eq!(served, ["web@3001", "web@3002"]);
    let status = host.shell(&format!(
        "grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/{}/status | tr -d '\\t\\n'",
        inner_pid(host, FIRST)?
    ))?;
    assert_eq!(
        status,
        "CapEff:0000000000000000CapBnd:0000000000000000NoNewPrivs:1"
    );
    let sockets =
        host.shell("ss -Hltn 'sport = :3001 or sport = :3002' | awk '{ print $4 }' | sort")?;
    assert_eq!(sockets, "127.0.0.1:3001\n127.0.0.1:3002");
    let seen = format!("{} ran both, nothing pulled", engine(host)?);
    stage.note(Row::fact(
        "containers behind the door",
        "as described",
        seen,
    ));
    Ok(())
}

/// What is as described is left alone.
pub(crate) fn a_second_run_leaves_containers_alone(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let before = inner_pid(host, FIRST)?;
    let again = stage.play("site.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.said());
    assert_eq!(inner_pid(host, FIRST)?, before);
    Ok(())
}

/// kill -9 inside: the client ends with its container, and systemd starts both anew.
pub(crate) fn a_killed_container_comes_back(stage: &Stage) -> Result<()> {
    comes_back(stage, "KILL", "kill -9 of a container's process")
}

/// An end of its own, without a fault, is no reason to stay away.
pub(crate) fn a_container_that_exits_comes_back(stage: &Stage) -> Result<()> {
    comes_back(stage, "TERM", "exit of a container's process")
}

fn comes_back(stage: &Stage, signal: &str, fault: &str) -> Result<()> {
    let host = stage.front();
    let rounds = if is_full() { 10 } else { 2 };
    let load = stage.load_at(DOOR, RATE)?;
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        let (client, inside) = (main_pid(host, FIRST)?, inner_pid(host, FIRST)?);
        host.run(&["kill", "-s", signal, &inside.to_string()])?;
        let gone = wait_gone(host, inside)?;
        let up = wait_replaced(host, FIRST, client)?;
        slowest = slowest.max(gone + up + wait_answering(host, 3001)?);
    }
    let report = load.finish()?;
    wait_all(host)?;
    let seen = format!("answers again after at most {:.1} s", slowest.as_secs_f64());
    let fault = format!("{fault}, {rounds} times");
    stage.note(Row::loaded(&fault, IN_FLIGHT, &report).with(seen));
    within_flight(&report, rounds);
    assert_eq!(containers(host)?.len(), 2);
    Ok(())
}

/// Each time a container's port closes, a POST on a connection that waits to be
/// accepted cannot be repeated by the proxy; every GET can.
fn within_flight(report: &Report, closed: u32) {
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    assert!(
        report.post.failures() <= u64::from(closed * CONNECTIONS),
        "{report}\n{:?}",
        report.events
    );
}

/// kill -9 of the client: what it left running is removed before the next one starts.
pub(crate) fn a_lost_client_leaves_no_container(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let (client, inside) = (main_pid(host, SECOND)?, inner_pid(host, SECOND)?);
    host.run(&["kill", "-KILL", &client.to_string()])?;
    wait_gone(host, inside)?;
    wait_replaced(host, SECOND, client)?;
    wait_answering(host, 3002)?;
    assert_ne!(inner_pid(host, SECOND)?, inside);
    assert_eq!(containers(host)?.len(), 2);
    Ok(())
}

/// SIGSTOP: there, and silent. The prober asks twice and replaces it.
pub(crate) fn a_hung_container_is_replaced(stage: &Stage) -> Result<()> {
    let host = stage.front();
    wait_known(host, FIRST)?;
    let load = stage.load_at(DOOR, RATE)?;
    let inside = inner_pid(host, FIRST)?;
    host.run(&["kill", "-STOP", &inside.to_string()])?;
    let found = wait_gone(host, inside)?;
    let serving = found + wait_answering(host, 3001)?;
    let report = load.finish()?;
    wait_all(host)?;
    let seen = format!(
        "found after {:.1} s, serving after {:.1} s",
        found.as_secs_f64(),
        serving.as_secs_f64()
    );
    let bound = "0 GET, serving ≤ 10 s";
    stage.note(Row::loaded("hang (SIGSTOP) of a container", bound, &report).with(seen));
    assert!(serving <= SERVING, "serving after {serving:?}");
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    // Control: without its prober the hang stays.
    wait_known(host, FIRST)?;
    host.run(&["systemctl", "stop", "mini-web-probe.timer"])?;
    let inside = inner_pid(host, FIRST)?;
    host.run(&["kill", "-STOP", &inside.to_string()])?;
    std::thread::sleep(SERVING);
    let stays = inner_pid(host, FIRST)? == inside;
    host.run(&["systemctl", "start", "mini-web-probe.timer"])?;
    wait_gone(host, inside)?;
    wait_all(host)?;
    assert!(stays, "somebody replaced a container without its prober");
    Ok(())
}

/// One after the other; nginx asks the other one meanwhile.
pub(crate) fn restarting_containers_loses_no_get(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let rounds = if is_full() { 10 } else { 2 };
    let load = stage.load_at(DOOR, RATE)?;
    for _ in 0..rounds {
        for (unit, port) in [(FIRST, 3001), (SECOND, 3002)] {
            host.run(&["systemctl", "restart", unit])?;
            wait_answering(host, port)?;
        }
    }
    let report = load.finish()?;
    let fault = format!("restart of containers one by one, {rounds} times");
    stage.note(Row::loaded(&fault, IN_FLIGHT, &report));
    within_flight(&report, 2 * rounds);
    // Control: with both away at once somebody must notice.
    let load = stage.load_at(DOOR, RATE)?;
    host.run(&["systemctl", "restart", FIRST, SECOND])?;
    wait_all(host)?;
    assert_ne!(load.finish()?.failures(), 0, "an outage was not counted");
    Ok(())
}

/// Another image under the same name, and the way back.
pub(crate) fn deploying_an_image_loses_no_get(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let before = containers(host)?;
    put_image(stage, "2")?;
    rolled(stage, "deploy.yml", "deploy of an image")?;
    let after = containers(host)?;
    assert!(after.iter().all(|name| !before.contains(name)), "{after:?}");
    let again = stage.play("deploy.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.said());
    rolled(stage, "rollback.yml", "rollback of an image")?;
    assert_eq!(containers(host)?, before);
    put_image(stage, "1")
}

fn rolled(stage: &Stage, playbook: &str, fault: &str) -> Result<()> {
    let load = stage.load_at(DOOR, RATE)?;
    let start = Instant::now();
    let play = stage.play(playbook, &[])?;
    let took = start.elapsed();
    let report = load.finish()?;
    play.success()?;
    let seen = format!("took {:.1} s", took.as_secs_f64());
    stage.note(Row::loaded(fault, IN_FLIGHT, &report).with(seen));
    within_flight(&report, 2);
    assert_eq!(inactive(stage.front(), &UNITS)?, [""; 0]);
    Ok(())
}

/// It is found out on arrival, before any container is touched.
pub(crate) fn an_archive_without_the_image_is_refused(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let (before, inside) = (containers(host)?, inner_pid(host, FIRST)?);
    stage.put_artifact(b"no archive at all")?;
    let play = stage.play("deploy.yml", &[])?;
    put_image(stage, "1")?;
    assert_ne!(play.code(), Some(0), "{}", play.said());
    assert!(
        play.said().contains("load --quiet --input"),
        "{}",
        play.said()
    );
    assert_eq!(containers(host)?, before);
    assert_eq!(inner_pid(host, FIRST)?, inside);
    Ok(())
}

/// An image that listens where it likes is met on the instance's port. A client
/// can be caught in the instant in which the port is there and the way inside is
/// not: at most once on each connection, for each of the two containers.
pub(crate) fn a_port_of_the_image_is_published(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let topology = stage.system.topology;
    let published = topology.replace(
        "    image: randoms:1\n",
        "    image: randoms:1\n    container_port: 8080\n",
    );
    assert_ne!(published, topology);
    stage.bundle.render(&published)?;
    let load = stage.load_at(DOOR, RATE)?;
    let play = stage.play("site.yml", &[])?;
    let report = load.finish()?;
    play.success()?;
    wait_all(host)?;
    let inside = host.shell(&format!(
        "nsenter --target {} --net ss -Hltn | awk '{{ print $4 }}'",
        inner_pid(host, FIRST)?
    ))?;
    assert!(inside.contains(":8080"), "it listens on {inside}");
    let bound = "≤ once a connection and container";
    stage.note(Row::loaded("change to a published port", bound, &report));
    assert!(
        report.failures() <= u64::from(2 * CONNECTIONS),
        "{report}\n{:?}",
        report.events
    );
    stage.bundle.render(topology)?;
    stage.play("site.yml", &[])?.success()?;
    wait_all(host)
}

/// The engine's images are gone with the reboot here: the release brings them back.
pub(crate) fn a_reboot_brings_containers_back(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let before = containers(host)?;
    host.reboot()?;
    wait_all(host)?;
    assert_eq!(containers(host)?, before);
    // Each was ended by its own unit: systemd can wait 90 s for a container that it ends itself.
    let ended = host.shell(
        "journalctl --boot=-1 _PID=1 -o cat -g '^Stopping (docker-|mini-web@)|Stopping timed out' \
         | cut -d . -f 1 | sort -u",
    )?;
    assert_eq!(ended, "Stopping mini-web@3001\nStopping mini-web@3002");
    Ok(())
}

/// Stopped as a whole: nothing stays.
pub(crate) fn a_stop_leaves_no_container(stage: &Stage) -> Result<()> {
    let host = stage.front();
    host.run(&["systemctl", "stop", "mini.target"])?;
    wait_inactive(host, &UNITS)?;
    assert_eq!(containers(host)?, [""; 0]);
    assert_eq!(host.finish(&["pgrep", "-f", "^/randoms"])?.code, Some(1));
    host.run(&["systemctl", "start", "mini.target"])?;
    wait_all(host)?;
    // Control: a container is seen when there is one.
    assert_eq!(containers(host)?.len(), 2);
    Ok(())
}
