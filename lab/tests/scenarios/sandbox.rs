//! What a process can do from inside an instance's unit.

use lab::Result;

use crate::row::Row;
use crate::stage::Stage;

/// A free port: the probe gets an instance of its own, described by the same unit.
const UNIT: &str = "randoms-spread@8099";
const PROBE: &str = include_str!("sandbox.py");

/// It opens no socket, writes nothing, sees nobody and gains no privilege.
pub(crate) fn an_instance_can_do_nothing_but_serve(stage: &Stage) -> Result<()> {
    let host = stage.front();
    lab::state::write(&host.root().join("opt/probe.py"), PROBE)?;
    host.shell(&format!(
        "mkdir -p /run/systemd/system/{UNIT}.service.d && printf '[Service]\\nType=oneshot\\nRestart=no\\n\
         WatchdogSec=0\\nExecStart=\\nExecStart=/usr/bin/python3 /opt/probe.py\\n' > \
         /run/systemd/system/{UNIT}.service.d/90-probe.conf && systemctl daemon-reload && systemctl start {UNIT}"
    ))?;
    let said = host.shell(&format!(
        "journalctl --sync; journalctl -u {UNIT}.service -o cat _COMM=python3"
    ))?;
    host.shell(&format!(
        "systemctl stop {UNIT}.socket {UNIT}.service; rm -r /run/systemd/system/{UNIT}.service.d; systemctl daemon-reload"
    ))?;
    assert_eq!(said, "done", "from inside the unit the probe said");
    // Control: outside of the unit the same probe can do most of it.
    let free = host.shell("python3 /opt/probe.py; rm -f /written-by-the-probe /*/written-by-the-probe /*/*/written-by-the-probe")?;
    assert!(free.lines().count() > 15, "{free}");
    let row = Row::fact(
        "sandbox of an instance",
        "no socket, file, process, privilege",
        "none of them".to_owned(),
    );
    stage.note(row);
    Ok(())
}
