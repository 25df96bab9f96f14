//! An app host that vanishes from a pool served by two.

use std::time::Duration;

use lab::wait::{self, Seen};
use lab::{Loading, Result};

use crate::row::Row;
use crate::stage::{Stage, is_full};

/// How long the host is away: long enough for its connections to be missed.
const AWAY: Duration = Duration::from_secs(6);
const AWAY_FULL: Duration = Duration::from_secs(30);
/// Within this after its return the host has traffic again.
const BACK: Duration = Duration::from_secs(30);

/// Patient enough for what hangs on the lost host's connections.
const OPTIONS: &[&str] = &["--connections", "32", "--timeout", "100", "--rate", "1000"];

/// No GET fails, and traffic returns by itself.
pub(crate) fn a_lost_host_loses_no_get(stage: &Stage) -> Result<()> {
    let host = stage.lab.host("node2")?;
    let load = stage.load_on("/api/randoms", OPTIONS)?;
    host.cut_network()?;
    std::thread::sleep(if is_full() { AWAY_FULL } else { AWAY });
    host.restore_network()?;
    let before = answered(stage)?;
    let ((), back) = wait::until("traffic on node2", BACK, || match answered(stage) {
        Ok(now) if now > before + 100 => Seen::Yes(()),
        now => Seen::NotYet(format!("{now:?} after {before}")),
    })?;
    told(
        stage,
        load,
        "loss of an app host",
        &format!("traffic back after {:.1} s", back.as_secs_f64()),
    )
}

/// The same for a host that reboots by itself, as after a kernel update.
pub(crate) fn a_rebooting_host_loses_no_get(stage: &Stage) -> Result<()> {
    let load = stage.load_on("/api/randoms", OPTIONS)?;
    let took = stage.lab.host("node2")?.reboot()?;
    told(
        stage,
        load,
        "reboot of an app host",
        &format!("booted after {:.1} s", took.as_secs_f64()),
    )
}

/// Control: with both hosts away requests fail, and are counted.
pub(crate) fn losing_both_hosts_is_counted(stage: &Stage) -> Result<()> {
    let load = stage.load_on("/api/randoms", &["--timeout", "2"])?;
    for name in ["node1", "node2"] {
        stage.lab.host(name)?.cut_network()?;
    }
    std::thread::sleep(Duration::from_secs(3));
    for name in ["node1", "node2"] {
        stage.lab.host(name)?.restore_network()?;
    }
    let report = load.finish()?;
    assert!(report.get.failures() > 0, "{report}");
    Ok(())
}

/// Requests that one instance on node2 has answered since it started.
fn answered(stage: &Stage) -> Result<u64> {
    let text = stage
        .lab
        .controller()
        .get("http://192.168.56.12:8082/metrics", 2)?;
    Ok(text
        .lines()
        .filter(|line| line.contains("requests_total{") && line.contains("/api/randoms"))
        .filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok())
        .sum())
}

fn told(stage: &Stage, load: Loading, fault: &str, seen: &str) -> Result<()> {
    let report = load.finish()?;
    stage.note(Row::loaded(fault, "0 GET", &report).with(seen.to_owned()));
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    // A POST on a connection to the lost host cannot be sent again.
    assert!(
        report.post.failures() <= 64,
        "{report}\n{:?}",
        report.events
    );
    Ok(())
}
