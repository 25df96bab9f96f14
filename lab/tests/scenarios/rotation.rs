//! The proxy's log is rotated, and no line and no request is lost by it.

use lab::Result;

use crate::row::Row;
use crate::stage::Stage;

const LOGS: &str = "/var/log/randoms/edge";

/// Two rotations under load; every request has its line in one of the three files.
pub(crate) fn rotating_the_log_loses_nothing(stage: &Stage) -> Result<()> {
    let host = stage.front();
    host.shell(&format!("rm -f {LOGS}/access.log.*"))?;
    let load = stage.load()?;
    for _ in 0..2 {
        host.run(&["logrotate", "--force", "/etc/logrotate.d/randoms"])?;
    }
    let report = load.finish()?;
    // What the proxy still has in memory is written before it opens its log anew.
    host.shell("systemctl kill --kill-whom=main --signal=USR1 randoms-edge")?;
    let lines = host.shell(&format!(
        "cat {LOGS}/access.log {LOGS}/access.log.1 | wc -l; zcat {LOGS}/access.log.2.gz | wc -l"
    ))?;
    let lines: u64 = lines.lines().filter_map(|n| n.parse::<u64>().ok()).sum();
    let seen = format!("{lines} lines in three files");
    stage.note(Row::loaded("rotation of the log, 2 times", "0 GET, 0 POST", &report).with(seen));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    let sent = report.get.sent + report.post.sent;
    assert!(lines >= sent, "{lines} lines for {sent} requests");
    Ok(())
}
