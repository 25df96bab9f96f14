//! An app that comes to take its socket from systemd, and one that no longer does.

use lab::Result;

use crate::row::Row;
use crate::stage::{Stage, wait_active};

/// There and back under load: the ports change hands one by one.
pub(crate) fn ports_change_hands(stage: &Stage) -> Result<()> {
    let topology = stage.system.topology;
    let own = topology.replace("    artifact: ", "    socket: false\n    artifact: ");
    for (wanted, fault) in [
        (own.as_str(), "the app opens its port itself"),
        (topology, "the app takes its socket again"),
    ] {
        stage.bundle.render(wanted)?;
        let load = stage.load_at(stage.system.door, &[])?;
        let play = stage.play("site.yml", &[])?;
        let report = load.finish()?;
        play.success()?;
        stage.note(Row::loaded(fault, "0 GET, 0 POST", &report));
        assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    }
    wait_active(stage.front(), &stage.units)?;
    let sockets = format!(
        "systemctl list-units --no-legend --state=active '{}-*@*.socket'",
        stage.system.project
    );
    let open = stage.front().shell(&sockets)?;
    assert_eq!(open.lines().count(), 4, "{open}");
    Ok(())
}

/// Control: all at once, with nobody holding the ports meanwhile.
pub(crate) fn ports_that_are_let_go_are_counted(stage: &Stage) -> Result<()> {
    let (host, project) = (stage.front(), stage.system.project);
    let load = stage.load_at(stage.system.door, &[])?;
    host.shell(&format!(
        "systemctl stop '{project}-*@*.socket' '{project}-*@*.service'"
    ))?;
    let sockets = stage.units.iter().filter(|unit| unit.ends_with(".socket"));
    let mut words = vec!["systemctl", "start"];
    words.extend(sockets.map(String::as_str));
    host.run(&words)?;
    let report = load.finish()?;
    host.run(&["systemctl", "start", &format!("{project}.target")])?;
    wait_active(host, &stage.units)?;
    assert!(
        report.get.failures() > 0 && report.post.failures() > 0,
        "{report}"
    );
    Ok(())
}
