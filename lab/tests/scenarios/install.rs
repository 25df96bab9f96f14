//! The first installation of hosts with the rendered playbooks over SSH, and its result.

use lab::load::Report;
use lab::{Error, Host, Result};

use crate::fixture::{Fixture, inactive, wait_active, wait_inactive};
use crate::results::ResultRow;
use crate::system::urls_respond_as_expected;

/// The instances of the pool behind `/api/randoms`.
pub(crate) const SPREAD: [&str; 4] = ["spread@8082", "spread@8083", "spread@8084", "spread@8085"];

/// Applies the topology.
pub(crate) fn apply(fixture: &Fixture) -> Result<()> {
    fixture.run_playbook("site.yml", &[])?.success().map(drop)
}

/// The same on hosts whose users have umask 077, as CIS benchmarks recommend.
pub(crate) fn check_and_apply_with_umask_077(fixture: &Fixture) -> Result<()> {
    for host in fixture.lab.hosts() {
        // Debian's bash reads it for commands over SSH.
        host.shell("echo 'umask 077' > /root/.bashrc")?;
        let umask = fixture.lab.controller().ssh(host, "umask")?.success()?;
        assert_eq!(umask.trim(), "0077");
    }
    check_and_apply(fixture)
}

/// Applies the topology after a dry run.
pub(crate) fn check_and_apply(fixture: &Fixture) -> Result<()> {
    fixture
        .run_playbook("site.yml", &["--check", "--diff"])?
        .success()?;
    apply(fixture)
}

/// No fault: expects all units active and all URLs to respond.
pub(crate) fn all_units_are_active(fixture: &Fixture) -> Result<()> {
    assert_eq!(inactive(fixture.proxy_host(), &fixture.units)?, [""; 0]);
    urls_respond_as_expected(fixture)?;
    // Control: a stopped instance is found.
    fixture.proxy_host().run(&[
        "systemctl",
        "stop",
        "randoms-spread-port@8083.socket",
        "randoms-spread@8083.service",
    ])?;
    assert_eq!(inactive(fixture.proxy_host(), &fixture.units)?.len(), 2);
    fixture.proxy_host().run(&[
        "systemctl",
        "start",
        "randoms-spread-port@8083.socket",
        "randoms-spread@8083.service",
    ])?;
    wait_active(fixture.proxy_host(), &fixture.units)?;
    Ok(())
}

/// Sum of the values of a tally.
pub(crate) fn sum(tally: &str) -> Result<u64> {
    let values: std::collections::BTreeMap<String, u64> =
        serde_json::from_str(tally).map_err(|_| Error::Invalid {
            what: "invalid tally".to_owned(),
            text: tally.to_owned(),
        })?;
    Ok(values.values().sum())
}

/// Sends 4,000 sequential requests; expects 1,000 ± 1 at each of the four instances.
pub(crate) fn requests_are_spread_evenly(fixture: &Fixture) -> Result<()> {
    let report = sequence(fixture, 4000)?;
    assert_eq!(report.failures(), 0, "{report}");
    assert_eq!(uneven(&report, 1000), [""; 0], "{:?}", report.by_instance);
    fixture.record(ResultRow::without_load(
        "4,000 sequential requests over 4 instances",
        "1,000 ± 1 each",
        format!("{:?}", report.by_instance),
    ));
    // Control: without one instance the distribution is uneven.
    fixture.proxy_host().run(&[
        "systemctl",
        "stop",
        "randoms-spread-port@8085.socket",
        "randoms-spread@8085.service",
    ])?;
    assert!(
        !uneven(&sequence(fixture, 400)?, 100).is_empty(),
        "a missing instance was not detected"
    );
    fixture.proxy_host().run(&[
        "systemctl",
        "start",
        "randoms-spread-port@8085.socket",
        "randoms-spread@8085.service",
    ])?;
    wait_active(fixture.proxy_host(), &fixture.units)?;
    Ok(())
}

/// Sends `requests` sequential requests.
fn sequence(fixture: &Fixture, requests: u64) -> Result<Report> {
    let requests = requests.to_string();
    let one_by_one = ["--connections", "1", "--post", "0", "--rate", "100000"];
    let all = ["--requests", &requests, "--limit", &requests];
    fixture
        .load_path("/api/randoms", &[one_by_one.as_slice(), &all].concat())?
        .finish()
}

/// Instances whose number of requests is not `each` ± 1.
fn uneven(report: &Report, each: u64) -> Vec<String> {
    let count = |instance| report.by_instance.get(instance).copied().unwrap_or(0);
    SPREAD
        .iter()
        .map(|instance| (instance, count(*instance)))
        .filter(|(_, count)| count.abs_diff(each) > 1)
        .map(|(instance, count)| format!("{instance}: {count}"))
        .collect()
}

/// Runs `site.yml` again; expects no changes.
pub(crate) fn second_run_changes_nothing(fixture: &Fixture) -> Result<()> {
    let again = fixture.run_playbook("site.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.output());
    assert_unlocked(fixture.proxy_host())?;
    // Control: a modified unit is restored and counted as changed.
    fixture
        .proxy_host()
        .shell("echo '# edited' >> /etc/systemd/system/randoms-spread@.service")?;
    let restored = fixture.run_playbook("site.yml", &[])?.success()?;
    assert_ne!(
        restored.count("node1", "changed")?,
        0,
        "{}",
        restored.output()
    );
    fixture.record(ResultRow::without_load(
        "second run of site.yml",
        "changed=0",
        "changed=0".to_owned(),
    ));
    Ok(())
}

/// Fails if a run still has the host: a run from another machine would be refused.
pub(crate) fn assert_unlocked(host: &Host) -> Result<()> {
    let lease = host.run(&["cat", "/run/genconf/randoms/lease.json"])?;
    assert!(lease.contains(r#""is_released":true"#), "{lease}");
    Ok(())
}

/// No fault: expects a low exposure of every native unit (`systemd-analyze security`).
pub(crate) fn units_have_low_exposure(fixture: &Fixture) -> Result<()> {
    for unit in [
        "randoms-single@8080",
        "randoms-shared-8081@1",
        "randoms-spread@8082",
    ] {
        let level = exposure(fixture, &format!("{unit}.service"))?;
        assert!(level <= 0.5, "the exposure of {unit} is {level}");
    }
    // Control: a service without a sandbox has a high exposure.
    assert!(exposure(fixture, "ssh.service")? > 5.0);
    let edge = exposure(fixture, "randoms-edge.service")?;
    let spread = exposure(fixture, "randoms-spread@8082.service")?;
    fixture.record(ResultRow::without_load(
        "exposure (systemd-analyze security)",
        "≤ 0.5",
        format!("instances {spread}, nginx {edge}"),
    ));
    Ok(())
}

fn exposure(fixture: &Fixture, unit: &str) -> Result<f64> {
    let output = fixture
        .proxy_host()
        .run(&["systemd-analyze", "security", "--no-pager", unit])?;
    output
        .lines()
        .last()
        .and_then(|line| line.split(": ").nth(1))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|level| level.parse().ok())
        .ok_or_else(|| Error::Invalid {
            what: format!("no exposure of {unit}"),
            text: output,
        })
}

/// Stops and starts `randoms.target`; expects all units inactive, then active.
pub(crate) fn target_stops_and_starts_all(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    host.run(&["systemctl", "stop", "randoms.target"])?;
    wait_inactive(host, &fixture.units)?;
    host.run(&["systemctl", "start", "randoms.target"])?;
    wait_active(host, &fixture.units)?;
    urls_respond_as_expected(fixture)
}

/// Reboots the host; expects all units active afterwards.
pub(crate) fn all_units_start_after_a_reboot(fixture: &Fixture) -> Result<()> {
    let took = fixture.proxy_host().reboot()?;
    wait_active(fixture.proxy_host(), &fixture.units)?;
    urls_respond_as_expected(fixture)?;
    fixture.record(ResultRow::without_load(
        "reboot of a host",
        "starts automatically",
        format!("ready {:.1} s after the command", took.as_secs_f64()),
    ));
    Ok(())
}
