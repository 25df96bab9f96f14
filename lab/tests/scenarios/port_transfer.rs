//! Ports that move between the app and systemd, to another unit, or to another address.

use lab::Result;

use crate::fixture::{Fixture, wait_active};
use crate::results::ResultRow;

/// Turns socket activation off and on under load; expects no dropped requests.
pub(crate) fn ports_move_between_app_and_systemd(fixture: &Fixture) -> Result<()> {
    let topology = fixture.system.topology;
    let own = topology.replace(
        "    artifact: ",
        "    socket_activation: false\n    artifact: ",
    );
    let url = fixture.system.url;
    apply_under_load(fixture, &own, url, "the app binds its own port")?;
    apply_under_load(fixture, topology, url, "socket activation again")?;
    wait_active(fixture.proxy_host(), &fixture.units)?;
    let sockets = format!(
        "systemctl list-units --no-legend --state=active '{}-*@*.socket'",
        fixture.system.project
    );
    let open = fixture.proxy_host().shell(&sockets)?;
    assert_eq!(open.lines().count(), 4, "{open}");
    Ok(())
}

/// Moves the ports to units of another name or kind and back, under load; expects no dropped
/// requests.
pub(crate) fn ports_move_to_other_units(fixture: &Fixture) -> Result<()> {
    let topology = fixture.system.topology;
    let renamed = topology
        .replace("  randoms: { app:", "  numbers: { app:")
        .replace("pool: randoms", "pool: numbers");
    let shared = topology.replace("ports:", "mode: cluster, workers: 2, ports:");
    let url = fixture.system.url;
    apply_under_load(fixture, &renamed, url, "pool renamed")?;
    apply_under_load(
        fixture,
        &shared,
        url,
        "pool changed to a cluster and renamed",
    )?;
    apply_under_load(
        fixture,
        topology,
        url,
        "cluster changed to one process per port",
    )?;
    wait_active(fixture.proxy_host(), &fixture.units)?;
    Ok(())
}

/// Adds a second host to a pool on the proxy host and removes it, under load: the sockets move
/// from loopback to the host's address and back. Expects no dropped requests.
pub(crate) fn adding_a_second_host_drops_no_requests(fixture: &Fixture) -> Result<()> {
    let topology = fixture.system.topology;
    let on =
        |hosts: &str| topology.replace("hosts: [node1, node2] }", &format!("hosts: {hosts} }}"));
    let (one, two, url) = (
        on("[front]"),
        on("[front, node1]"),
        fixture.url("/api/randoms"),
    );
    apply_under_load(fixture, &one, &url, "pool moved to the proxy host")?;
    apply_under_load(fixture, &two, &url, "second host added to the pool")?;
    let again = fixture.run_playbook("site.yml", &[])?.success()?;
    assert_eq!(again.count("front", "changed")?, 0, "{}", again.output());
    apply_under_load(fixture, &one, &url, "second host removed from the pool")?;
    apply_under_load(fixture, topology, &url, "pool moved from the proxy host")
}

/// Control: stops and starts all sockets at once; expects failures.
pub(crate) fn closed_ports_drop_requests(fixture: &Fixture) -> Result<()> {
    let (host, project) = (fixture.proxy_host(), fixture.system.project);
    let load = fixture.load_url(fixture.system.url, &[])?;
    host.shell(&format!(
        "systemctl stop '{project}-*@*.socket' '{project}-*@*.service'"
    ))?;
    fixture.wait_failing(fixture.system.url)?;
    let sockets = fixture
        .units
        .iter()
        .filter(|unit| unit.ends_with(".socket"));
    let mut start = vec!["systemctl", "start"];
    start.extend(sockets.map(String::as_str));
    host.run(&start)?;
    let report = load.finish()?;
    host.run(&["systemctl", "start", &format!("{project}.target")])?;
    wait_active(host, &fixture.units)?;
    assert!(report.failures() > 0, "{report}");
    Ok(())
}

/// Applies another topology under load; expects no dropped requests.
fn apply_under_load(fixture: &Fixture, topology: &str, url: &str, fault: &str) -> Result<()> {
    fixture.project.render(topology)?;
    let load = fixture.load_url(url, &[])?;
    let run = fixture.run_playbook("site.yml", &[])?;
    let report = load.finish()?;
    run.success()?;
    fixture.record(ResultRow::with_load(fault, "0 GET, 0 POST", &report));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}
