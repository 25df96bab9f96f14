//! A bare host becomes the described service, by the rendered playbooks over SSH.

use lab::load::Report;
use lab::{Error, Result};

use crate::row::Row;
use crate::stage::{Stage, inactive, wait_active, wait_inactive};
use crate::system::it_answers_as_described;

/// The instances of the pool behind `/api/randoms`.
pub(crate) const SPREAD: [&str; 4] = ["spread@8082", "spread@8083", "spread@8084", "spread@8085"];

/// Brings clean hosts up.
pub(crate) fn at_once(stage: &Stage) -> Result<()> {
    stage.play("site.yml", &[])?.success().map(drop)
}

/// The same after a dry run.
pub(crate) fn rehearsed(stage: &Stage) -> Result<()> {
    stage.play("site.yml", &["--check", "--diff"])?.success()?;
    at_once(stage)
}

/// All units run and all routes answer.
pub(crate) fn everything_described_runs(stage: &Stage) -> Result<()> {
    assert_eq!(inactive(stage.front(), &stage.units)?, [""; 0]);
    it_answers_as_described(stage)?;
    // Control: a stopped instance must be seen.
    stage.front().run(&[
        "systemctl",
        "stop",
        "randoms-spread-port@8083.socket",
        "randoms-spread@8083.service",
    ])?;
    assert_eq!(inactive(stage.front(), &stage.units)?.len(), 2);
    stage.front().run(&[
        "systemctl",
        "start",
        "randoms-spread-port@8083.socket",
        "randoms-spread@8083.service",
    ])?;
    wait_active(stage.front(), &stage.units)?;
    Ok(())
}

/// Of the numbers a tally counts.
pub(crate) fn sum(tally: &str) -> Result<u64> {
    let values: std::collections::BTreeMap<String, u64> =
        serde_json::from_str(tally).map_err(|_| Error::Unreadable {
            what: "a tally".to_owned(),
            text: tally.to_owned(),
        })?;
    Ok(values.values().sum())
}

/// 4,000 requests one after the other: 1,000 ± 1 for each of the four instances.
pub(crate) fn requests_are_spread_evenly(stage: &Stage) -> Result<()> {
    let report = sequence(stage, 4000)?;
    assert_eq!(report.failures(), 0, "{report}");
    assert_eq!(uneven(&report, 1000), [""; 0], "{:?}", report.served_by);
    stage.note(Row::fact(
        "4,000 sequential requests over 4 instances",
        "1,000 ± 1 each",
        format!("{:?}", report.served_by),
    ));
    // Control: without one instance the rest has to take its share.
    stage.front().run(&[
        "systemctl",
        "stop",
        "randoms-spread-port@8085.socket",
        "randoms-spread@8085.service",
    ])?;
    assert!(
        !uneven(&sequence(stage, 400)?, 100).is_empty(),
        "a missing instance was not noticed"
    );
    stage.front().run(&[
        "systemctl",
        "start",
        "randoms-spread-port@8085.socket",
        "randoms-spread@8085.service",
    ])?;
    wait_active(stage.front(), &stage.units)?;
    Ok(())
}

/// So many requests, one after the other.
fn sequence(stage: &Stage, requests: u64) -> Result<Report> {
    let requests = requests.to_string();
    let one_by_one = ["--connections", "1", "--post", "0", "--rate", "100000"];
    let all = ["--requests", &requests, "--limit", &requests];
    stage
        .load_on("/api/randoms", &[one_by_one.as_slice(), &all].concat())?
        .finish()
}

/// Instances whose share is not `each`, give or take one.
fn uneven(report: &Report, each: u64) -> Vec<String> {
    let count = |instance| report.served_by.get(instance).copied().unwrap_or(0);
    SPREAD
        .iter()
        .map(|instance| (instance, count(*instance)))
        .filter(|(_, count)| count.abs_diff(each) > 1)
        .map(|(instance, count)| format!("{instance} answered {count}"))
        .collect()
}

/// What is as described is left alone.
pub(crate) fn second_run_changes_nothing(stage: &Stage) -> Result<()> {
    let again = stage.play("site.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.said());
    // Whoever comes next, from whatever machine, need not wait for the lease to grow old.
    let lease = stage.front().run(&["cat", "/run/genconf/randoms.lease"])?;
    assert!(lease.contains(r#""is_over": true"#), "{lease}");
    // Control: a unit that a person edited is put right, and counted.
    stage
        .front()
        .shell("echo '# edited' >> /etc/systemd/system/randoms-spread@.service")?;
    let mended = stage.play("site.yml", &[])?.success()?;
    assert_ne!(mended.count("node1", "changed")?, 0, "{}", mended.said());
    stage.note(Row::fact(
        "second run of site.yml",
        "changed=0",
        "changed=0".to_owned(),
    ));
    Ok(())
}

/// Every native unit is inside its sandbox.
pub(crate) fn units_are_hardly_exposed(stage: &Stage) -> Result<()> {
    for unit in [
        "randoms-single@8080",
        "randoms-shared-8081@1",
        "randoms-spread@8082",
    ] {
        let level = exposure(stage, &format!("{unit}.service"))?;
        assert!(level <= 0.5, "{unit} is exposed by {level}");
    }
    // Control: an unguarded service is told from a guarded one.
    assert!(exposure(stage, "ssh.service")? > 5.0);
    let edge = exposure(stage, "randoms-edge.service")?;
    let spread = exposure(stage, "randoms-spread@8082.service")?;
    stage.note(Row::fact(
        "exposure (systemd-analyze security)",
        "≤ 0.5",
        format!("instances {spread}, nginx {edge}"),
    ));
    Ok(())
}

fn exposure(stage: &Stage, unit: &str) -> Result<f64> {
    let said = stage
        .front()
        .run(&["systemd-analyze", "security", "--no-pager", unit])?;
    said.lines()
        .last()
        .and_then(|line| line.split(": ").nth(1))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|level| level.parse().ok())
        .ok_or_else(|| Error::Unreadable {
            what: format!("the exposure of {unit}"),
            text: said,
        })
}

/// `systemctl stop randoms.target` stops all, `start` brings all back.
pub(crate) fn target_stops_and_starts_all(stage: &Stage) -> Result<()> {
    let host = stage.front();
    host.run(&["systemctl", "stop", "randoms.target"])?;
    wait_inactive(host, &stage.units)?;
    host.run(&["systemctl", "start", "randoms.target"])?;
    wait_active(host, &stage.units)?;
    it_answers_as_described(stage)
}

/// After a reboot everything is back without a hand.
pub(crate) fn reboot_brings_all_back(stage: &Stage) -> Result<()> {
    let took = stage.front().reboot()?;
    wait_active(stage.front(), &stage.units)?;
    it_answers_as_described(stage)?;
    stage.note(Row::fact(
        "reboot of a host",
        "back by itself",
        format!("serving {:.1} s after the command", took.as_secs_f64()),
    ));
    Ok(())
}
