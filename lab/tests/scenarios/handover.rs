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
