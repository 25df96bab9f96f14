//! Ports that pass from one holder to another: the app or systemd, another unit, another address.

use lab::Result;

use crate::row::Row;
use crate::stage::{Stage, wait_active};

/// There and back under load: the ports change hands one by one.
pub(crate) fn ports_change_hands(stage: &Stage) -> Result<()> {
    let topology = stage.system.topology;
    let own = topology.replace(
        "    artifact: ",
        "    socket_activation: false\n    artifact: ",
    );
    let door = stage.system.door;
    turned_to(stage, &own, door, "the app opens its port itself")?;
    turned_to(stage, topology, door, "the app takes its socket again")?;
    wait_active(stage.front(), &stage.units)?;
    let sockets = format!(
        "systemctl list-units --no-legend --state=active '{}-*@*.socket'",
        stage.system.project
    );
    let open = stage.front().shell(&sockets)?;
    assert_eq!(open.lines().count(), 4, "{open}");
    Ok(())
}

/// The same ports under load by units of another name or kind, and as before: one by one as well.
pub(crate) fn ports_pass_to_other_units(stage: &Stage) -> Result<()> {
    let topology = stage.system.topology;
    let renamed = topology
        .replace("  randoms: { app:", "  numbers: { app:")
        .replace("pool: randoms", "pool: numbers");
    let shared = topology.replace("ports:", "mode: cluster, workers: 2, ports:");
    let door = stage.system.door;
    turned_to(stage, &renamed, door, "a pool is renamed")?;
    turned_to(
        stage,
        &shared,
        door,
        "a pool becomes a cluster, and is renamed",
    )?;
    turned_to(
        stage,
        topology,
        door,
        "a cluster becomes a process for each port",
    )?;
    wait_active(stage.front(), &stage.units)?;
    Ok(())
}

/// A pool on the host of its only door gets a second host and loses it again, under load: its
/// sockets move to the host's own address and back.
pub(crate) fn growing_beyond_a_host_loses_nothing(stage: &Stage) -> Result<()> {
    let topology = stage.system.topology;
    let on =
        |hosts: &str| topology.replace("hosts: [node1, node2] }", &format!("hosts: {hosts} }}"));
    let (one, two, door) = (
        on("[front]"),
        on("[front, node1]"),
        stage.url("/api/randoms"),
    );
    turned_to(stage, &one, &door, "a pool comes to the host of its proxy")?;
    turned_to(stage, &two, &door, "a pool grows to a second host")?;
    let again = stage.play("site.yml", &[])?.success()?;
    assert_eq!(again.count("front", "changed")?, 0, "{}", again.said());
    turned_to(stage, &one, &door, "a pool shrinks to one host")?;
    turned_to(
        stage,
        topology,
        &door,
        "a pool leaves the host of its proxy",
    )
}

/// Control: all at once, with nobody holding the ports meanwhile.
pub(crate) fn ports_that_are_let_go_are_counted(stage: &Stage) -> Result<()> {
    let (host, project) = (stage.front(), stage.system.project);
    let load = stage.load_at(stage.system.door, &[])?;
    host.shell(&format!(
        "systemctl stop '{project}-*@*.socket' '{project}-*@*.service'"
    ))?;
    stage.wait_unserved(stage.system.door)?;
    let sockets = stage.units.iter().filter(|unit| unit.ends_with(".socket"));
    let mut words = vec!["systemctl", "start"];
    words.extend(sockets.map(String::as_str));
    host.run(&words)?;
    let report = load.finish()?;
    host.run(&["systemctl", "start", &format!("{project}.target")])?;
    wait_active(host, &stage.units)?;
    assert!(report.failures() > 0, "{report}");
    Ok(())
}

/// Brings the hosts to another topology while there is load.
fn turned_to(stage: &Stage, topology: &str, door: &str, fault: &str) -> Result<()> {
    stage.bundle.render(topology)?;
    let load = stage.load_at(door, &[])?;
    let play = stage.play("site.yml", &[])?;
    let report = load.finish()?;
    play.success()?;
    stage.note(Row::loaded(fault, "0 GET, 0 POST", &report));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}
