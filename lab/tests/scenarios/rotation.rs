//! The proxy's log is rotated, and no line and no request is lost by it.

use lab::{Host, Result};

use crate::row::Row;
use crate::stage::Stage;

const LOGS: &str = "/var/log/randoms/edge";
/// Without it a log of today is left alone until it is large.
const FORCED: &str = "/run/systemd/system/randoms-edge-rotate.service.d";

/// Two rotations under load, by the unit that does it; every request has its line in one of the
/// three files.
pub(crate) fn rotating_the_log_loses_nothing(stage: &Stage) -> Result<()> {
    let host = stage.front();
    host.shell(&format!(
        "rm -f {LOGS}/access.log.*; mkdir -p {FORCED} && printf '[Service]\\nExecStart=\\n\
         ExecStart=/usr/sbin/logrotate --force --state /var/lib/randoms-edge-rotate/state \
         /etc/randoms/edge/logrotate.conf\\n' > {FORCED}/90-force.conf && systemctl daemon-reload"
    ))?;
    let load = stage.load()?;
    for _ in 0..2 {
        host.run(&["systemctl", "start", "randoms-edge-rotate"])?;
    }
    let report = load.finish()?;
    let lines = logged(host)?;
    host.shell(&format!("rm -r {FORCED} && systemctl daemon-reload"))?;
    let seen = format!("{lines} lines in three files");
    stage.note(Row::loaded("rotation of the log, 2 times", "0 GET, 0 POST", &report).with(seen));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    let sent = report.get.sent + report.post.sent;
    assert!(lines >= sent, "{lines} lines for {sent} requests");
    Ok(())
}

/// Control: a log that is taken away without a word to the proxy takes lines along.
pub(crate) fn a_log_that_is_taken_away_is_counted(stage: &Stage) -> Result<()> {
    let host = stage.front();
    host.shell(&format!("rm -f {LOGS}/access.log.*"))?;
    let load = stage.load()?;
    host.shell(&format!("rm {LOGS}/access.log"))?;
    let report = load.finish()?;
    let (lines, sent) = (logged(host)?, report.get.sent + report.post.sent);
    assert!(lines < sent, "{lines} lines for {sent} requests");
    Ok(())
}

/// The lines of the access log, rotated ones among them.
fn logged(host: &Host) -> Result<u64> {
    // What the proxy still has in memory is written before it opens its log anew.
    host.shell("systemctl kill --kill-whom=main --signal=USR1 randoms-edge")?;
    let lines = host.shell(&format!(
        "cat {LOGS}/access.log {LOGS}/access.log.1 2>/dev/null | wc -l; zcat --force {LOGS}/access.log.*.gz 2>/dev/null | wc -l"
    ))?;
    Ok(lines.lines().filter_map(|n| n.parse::<u64>().ok()).sum())
}
