//! Rotation of the proxy's access log under load.

use lab::{Host, Result};

use crate::fixture::Fixture;
use crate::results::ResultRow;

const LOGS: &str = "/var/log/randoms/edge";
/// A drop-in that forces a rotation, which logrotate skips for a small log of the same day.
const FORCED: &str = "/run/systemd/system/randoms-edge-rotate.service.d";

/// Rotates the log twice with its unit; expects a line for every request in the three files.
pub(crate) fn rotating_the_log_drops_no_requests(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    host.shell(&format!(
        "rm -f {LOGS}/access.log.*; mkdir -p {FORCED} && printf '[Service]\\nExecStart=\\n\
         ExecStart=/usr/sbin/logrotate --force --state /var/lib/randoms-edge-rotate/state \
         /etc/randoms/edge/logrotate.conf\\n' > {FORCED}/90-force.conf && systemctl daemon-reload"
    ))?;
    let load = fixture.load()?;
    for _ in 0..2 {
        host.run(&["systemctl", "start", "randoms-edge-rotate"])?;
    }
    let report = load.finish()?;
    let lines = logged(host)?;
    host.shell(&format!("rm -r {FORCED} && systemctl daemon-reload"))?;
    let observed = format!("{lines} lines in three files");
    fixture.record(
        ResultRow::with_load("rotation of the log, 2 times", "0 GET, 0 POST", &report)
            .with_observed(observed),
    );
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    let sent = report.get.sent + report.post.sent;
    assert!(lines >= sent, "{lines} lines for {sent} requests");
    Ok(())
}

/// Control: deletes the log without a reopen; expects missing lines.
pub(crate) fn a_deleted_log_loses_lines(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    host.shell(&format!("rm -f {LOGS}/access.log.*"))?;
    let load = fixture.load()?;
    host.shell(&format!("rm {LOGS}/access.log"))?;
    let report = load.finish()?;
    let (lines, sent) = (logged(host)?, report.get.sent + report.post.sent);
    assert!(lines < sent, "{lines} lines for {sent} requests");
    Ok(())
}

/// Number of lines in the access log and its rotated files.
fn logged(host: &Host) -> Result<u64> {
    // The proxy writes its log buffer before it reopens the log.
    host.shell("systemctl kill --kill-whom=main --signal=USR1 randoms-edge")?;
    let lines = host.shell(&format!(
        "cat {LOGS}/access.log {LOGS}/access.log.1 2>/dev/null | wc -l; zcat --force {LOGS}/access.log.*.gz 2>/dev/null | wc -l"
    ))?;
    Ok(lines.lines().filter_map(|n| n.parse::<u64>().ok()).sum())
}
