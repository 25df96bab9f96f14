//! Containers behind a proxy (`topologies/containers.yaml`).

use std::time::{Duration, Instant};

use lab::load::Report;
use lab::{Host, Result};

use crate::container_engine::{containers, engine, inner_pid, wait_engine_ready, wait_healthy};
use crate::fixture::{
    CONNECTIONS, Fixture, inactive, is_full, main_pid, wait_active, wait_exited, wait_inactive,
    wait_replaced,
};
use crate::health_probe::wait_probed_healthy;
use crate::install;
use crate::programs::Programs;
use crate::results::{IN_FLIGHT, ResultRow};

/// URL of the proxy.
const URL: &str = "http://192.168.56.11:3000/api/randoms";

const FIRST: &str = "mini-web@3001.service";
const SECOND: &str = "mini-web@3002.service";

const UNITS: [&str; 7] = [
    "mini.target",
    "mini-web.target",
    "mini-edge.socket",
    "mini-edge.service",
    "mini-monitor.service",
    FIRST,
    SECOND,
];

/// Load with a rate that leaves CPU time to the engine.
const RATE: &[&str] = &["--requests", "900", "--rate", "300"];

/// Limit from the hang of a container to a healthy one: two probe timeouts of 1 s, 1 s apart, and
/// a start.
const HEALTHY_LIMIT: Duration = Duration::from_secs(10);

/// Waits for the container engine and applies the topology.
pub(crate) fn install(fixture: &Fixture) -> Result<()> {
    wait_engine_ready(fixture.proxy_host())?;
    install::check_and_apply(fixture)
}

/// Writes the image of `version`, for the next deploy.
fn write_image(fixture: &Fixture, version: &str) -> Result<()> {
    fixture.write_artifact(&Programs::image(version)?)
}

fn wait_all(host: &Host) -> Result<()> {
    wait_active(host, &UNITS)?;
    wait_healthy(host, 3001)?;
    wait_healthy(host, 3002)?;
    Ok(())
}

/// No fault: expects responses of both containers, no capabilities, and ports on loopback only.
pub(crate) fn containers_run_as_configured(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    wait_all(host)?;
    let release = host.run(&["readlink", "/opt/mini/randoms/current"])?;
    let digest = release.trim_start_matches("releases/");
    let image = format!("localhost/genconf/mini/randoms:{digest}");
    let expected = [3001, 3002].map(|port| format!("mini-web-{port} {image}"));
    assert_eq!(containers(host)?, expected);
    let once = ["--connections", "1", "--requests", "100", "--limit", "100"];
    let report = fixture.load_url(URL, &once)?.finish()?;
    assert_eq!(report.failures(), 0, "{report}");
    let instances: Vec<_> = report.by_instance.keys().map(String::as_str).collect();
    assert_eq!(instances, ["web@3001", "web@3002"]);
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
    let observed = format!("{} ran both, no image was pulled", engine(host)?);
    fixture.record(ResultRow::without_load(
        "containers behind the proxy",
        "as in the topology",
        observed,
    ));
    Ok(())
}

/// Runs `site.yml` again; expects no changes and the same container process.
pub(crate) fn a_second_run_restarts_no_container(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let before = inner_pid(host, FIRST)?;
    let again = fixture.run_playbook("site.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.output());
    assert_eq!(inner_pid(host, FIRST)?, before);
    Ok(())
}

/// Kills a container's process with SIGKILL; expects a restart of the container by systemd.
pub(crate) fn a_killed_container_is_restarted(fixture: &Fixture) -> Result<()> {
    is_restarted(fixture, "KILL", "kill -9 of a container's process")
}

/// Ends a container's process with SIGTERM, so that it exits with 0; expects a restart.
pub(crate) fn an_exited_container_is_restarted(fixture: &Fixture) -> Result<()> {
    is_restarted(fixture, "TERM", "exit of a container's process")
}

fn is_restarted(fixture: &Fixture, signal: &str, fault: &str) -> Result<()> {
    let host = fixture.proxy_host();
    let rounds = if is_full() { 10 } else { 2 };
    let load = fixture.load_url(URL, RATE)?;
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        let (client, inside) = (main_pid(host, FIRST)?, inner_pid(host, FIRST)?);
        host.run(&["kill", "-s", signal, &inside.to_string()])?;
        let exited = wait_exited(host, inside)?;
        let replaced = wait_replaced(host, FIRST, client)?;
        slowest = slowest.max(exited + replaced + wait_healthy(host, 3001)?);
    }
    let report = load.finish()?;
    wait_all(host)?;
    let observed = format!("healthy after at most {:.1} s", slowest.as_secs_f64());
    let fault = format!("{fault}, {rounds} times");
    fixture.record(ResultRow::with_load(&fault, IN_FLIGHT, &report).with_observed(observed));
    assert_in_flight(&report, rounds);
    assert_eq!(containers(host)?.len(), 2);
    Ok(())
}

/// Expects no failed GET, and failed POST requests only in flight: each time a container's port
/// closes, the proxy cannot retry a POST on a connection that is not accepted yet.
fn assert_in_flight(report: &Report, closed: u32) {
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    assert!(
        report.post.failures() <= u64::from(closed * CONNECTIONS),
        "{report}\n{:?}",
        report.events
    );
}

/// Kills the engine's client with SIGKILL; expects the removal of its container before the next
/// start.
pub(crate) fn a_killed_client_leaves_no_container(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let (client, inside) = (main_pid(host, SECOND)?, inner_pid(host, SECOND)?);
    host.run(&["kill", "-KILL", &client.to_string()])?;
    wait_exited(host, inside)?;
    wait_replaced(host, SECOND, client)?;
    wait_healthy(host, 3002)?;
    assert_ne!(inner_pid(host, SECOND)?, inside);
    assert_eq!(containers(host)?.len(), 2);
    Ok(())
}

/// Suspends a container's process with SIGSTOP; expects the health probe to replace it.
pub(crate) fn a_hung_container_is_replaced(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    wait_probed_healthy(host, FIRST)?;
    let load = fixture.load_url(URL, RATE)?;
    let inside = inner_pid(host, FIRST)?;
    host.run(&["kill", "-STOP", &inside.to_string()])?;
    let detected = wait_exited(host, inside)?;
    let healthy = detected + wait_healthy(host, 3001)?;
    let report = load.finish()?;
    wait_all(host)?;
    let observed = format!(
        "detected after {:.1} s, healthy after {:.1} s",
        detected.as_secs_f64(),
        healthy.as_secs_f64()
    );
    let allowed = "0 GET, healthy ≤ 10 s";
    fixture.record(
        ResultRow::with_load("hang (SIGSTOP) of a container", allowed, &report)
            .with_observed(observed),
    );
    assert!(healthy <= HEALTHY_LIMIT, "healthy after {healthy:?}");
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    // Control: without its health probe the hang persists.
    wait_probed_healthy(host, FIRST)?;
    host.run(&["systemctl", "stop", "mini-monitor.service"])?;
    let inside = inner_pid(host, FIRST)?;
    host.run(&["kill", "-STOP", &inside.to_string()])?;
    std::thread::sleep(HEALTHY_LIMIT);
    let persists = inner_pid(host, FIRST)? == inside;
    host.run(&["systemctl", "start", "mini-monitor.service"])?;
    wait_exited(host, inside)?;
    wait_all(host)?;
    assert!(
        persists,
        "the container was replaced without its health probe"
    );
    Ok(())
}

/// Restarts the containers one at a time; expects no failed GET.
pub(crate) fn restarting_containers_drops_no_get(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let rounds = if is_full() { 10 } else { 2 };
    let load = fixture.load_url(URL, RATE)?;
    for _ in 0..rounds {
        for (unit, port) in [(FIRST, 3001), (SECOND, 3002)] {
            host.run(&["systemctl", "restart", unit])?;
            wait_healthy(host, port)?;
        }
    }
    let report = load.finish()?;
    let fault = format!("restart of containers one by one, {rounds} times");
    fixture.record(ResultRow::with_load(&fault, IN_FLIGHT, &report));
    assert_in_flight(&report, 2 * rounds);
    // Control: a restart of both at once drops requests.
    let load = fixture.load_url(URL, RATE)?;
    host.run(&["systemctl", "restart", FIRST, SECOND])?;
    wait_all(host)?;
    assert_ne!(load.finish()?.failures(), 0, "no request failed");
    Ok(())
}

/// Deploys another image of the same name and rolls it back; expects no failed GET.
pub(crate) fn deploying_an_image_drops_no_get(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let before = containers(host)?;
    write_image(fixture, "2")?;
    run_under_load(fixture, "deploy.yml", "deploy of an image")?;
    let after = containers(host)?;
    assert!(after.iter().all(|name| !before.contains(name)), "{after:?}");
    let again = fixture.run_playbook("deploy.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.output());
    run_under_load(fixture, "rollback.yml", "rollback of an image")?;
    assert_eq!(containers(host)?, before);
    write_image(fixture, "1")
}

fn run_under_load(fixture: &Fixture, playbook: &str, fault: &str) -> Result<()> {
    let load = fixture.load_url(URL, RATE)?;
    let start = Instant::now();
    let run = fixture.run_playbook(playbook, &[])?;
    let took = start.elapsed();
    let report = load.finish()?;
    run.success()?;
    let observed = format!("took {:.1} s", took.as_secs_f64());
    fixture.record(ResultRow::with_load(fault, IN_FLIGHT, &report).with_observed(observed));
    assert_in_flight(&report, 2);
    assert_eq!(inactive(fixture.proxy_host(), &UNITS)?, [""; 0]);
    Ok(())
}

/// Deploys an archive without an image; expects a failed run before a container is stopped.
pub(crate) fn an_archive_without_the_image_is_rejected(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let (before, inside) = (containers(host)?, inner_pid(host, FIRST)?);
    fixture.write_artifact(b"not an archive")?;
    let run = fixture.run_playbook("deploy.yml", &[])?;
    write_image(fixture, "1")?;
    assert_ne!(run.code(), Some(0), "{}", run.output());
    assert!(
        run.output().contains("load --quiet --input"),
        "{}",
        run.output()
    );
    assert_eq!(containers(host)?, before);
    assert_eq!(inner_pid(host, FIRST)?, inside);
    Ok(())
}

/// Sets `container_port`; expects the instance's port to be forwarded to it. A request can fail
/// while the published port is open and its forwarding is not set up: at most once per connection
/// and container.
pub(crate) fn a_port_of_the_image_is_published(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let topology = fixture.system.topology;
    let published = topology.replace(
        "    image: randoms:1\n",
        "    image: randoms:1\n    container_port: 8080\n",
    );
    assert_ne!(published, topology);
    fixture.project.render(&published)?;
    let load = fixture.load_url(URL, RATE)?;
    let run = fixture.run_playbook("site.yml", &[])?;
    let report = load.finish()?;
    run.success()?;
    wait_all(host)?;
    let inside = host.shell(&format!(
        "nsenter --target {} --net ss -Hltn | awk '{{ print $4 }}'",
        inner_pid(host, FIRST)?
    ))?;
    assert!(inside.contains(":8080"), "it listens on {inside}");
    let allowed = "≤ 1 per connection and container";
    fixture.record(ResultRow::with_load(
        "change to a published port",
        allowed,
        &report,
    ));
    assert!(
        report.failures() <= u64::from(2 * CONNECTIONS),
        "{report}\n{:?}",
        report.events
    );
    fixture.project.render(topology)?;
    fixture.run_playbook("site.yml", &[])?.success()?;
    wait_all(host)
}

/// Reboots the host, which deletes the engine's images in the lab; expects the same containers,
/// with images from the release.
pub(crate) fn containers_start_after_a_reboot(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let before = containers(host)?;
    host.reboot()?;
    wait_all(host)?;
    assert_eq!(containers(host)?, before);
    // Their units have stopped them: systemd can wait 90 s for a container without a unit.
    let ended = host.shell(
        "journalctl --boot=-1 _PID=1 -o cat -g '^Stopping (docker-|mini-web@)|Stopping timed out' \
         | cut -d . -f 1 | sort -u",
    )?;
    assert_eq!(ended, "Stopping mini-web@3001\nStopping mini-web@3002");
    Ok(())
}

/// Stops the target; expects no container and no process.
pub(crate) fn a_stop_leaves_no_container(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    host.run(&["systemctl", "stop", "mini.target"])?;
    wait_inactive(host, &UNITS)?;
    assert_eq!(containers(host)?, [""; 0]);
    assert_eq!(host.capture(&["pgrep", "-f", "^/randoms"])?.code, Some(1));
    host.run(&["systemctl", "start", "mini.target"])?;
    wait_all(host)?;
    // Control: running containers are found.
    assert_eq!(containers(host)?.len(), 2);
    Ok(())
}
