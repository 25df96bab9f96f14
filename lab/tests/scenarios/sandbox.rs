//! The sandbox of an instance's unit.

use lab::Result;

use crate::fixture::Fixture;
use crate::results::ResultRow;

/// An instance on a free port, which runs the probe in the same unit template.
const UNIT: &str = "randoms-spread@8099";
const PROBE: &str = include_str!("sandbox.py");

/// Runs a probe in the unit; expects no access to sockets, files, processes, and privileges.
pub(crate) fn an_instance_is_sandboxed(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    lab::runtime_directory::write(&host.root().join("opt/probe.py"), PROBE)?;
    host.shell(&format!(
        "mkdir -p /run/systemd/system/{UNIT}.service.d && printf '[Service]\\nType=oneshot\\nRestart=no\\n\
         WatchdogSec=0\\nExecStart=\\nExecStart=/usr/bin/python3 /opt/probe.py\\n' > \
         /run/systemd/system/{UNIT}.service.d/90-probe.conf && systemctl daemon-reload && systemctl start {UNIT}"
    ))?;
    let output = host.shell(&format!(
        "journalctl --sync; journalctl -u {UNIT}.service -o cat _COMM=python3"
    ))?;
    host.shell(&format!(
        "systemctl stop {UNIT}.socket {UNIT}.service; rm -r /run/systemd/system/{UNIT}.service.d; systemctl daemon-reload"
    ))?;
    assert_eq!(output, "done", "output of the probe in the unit");
    // Control: without the unit the probe has most of the accesses.
    let unconfined = host.shell("python3 /opt/probe.py; rm -f /written-by-the-probe /*/written-by-the-probe /*/*/written-by-the-probe")?;
    assert!(unconfined.lines().count() > 15, "{unconfined}");
    let row = ResultRow::without_load(
        "sandbox of an instance",
        "no socket, file, process, privilege",
        "none".to_owned(),
    );
    fixture.record(row);
    Ok(())
}
