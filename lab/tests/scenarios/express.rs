//! An Express app that binds its own port and does not use `sd_notify`: restarts, deploys, and
//! health probes.

use lab::load::Report;
use lab::{LoadRun, Result};

use crate::fixture::{CONNECTIONS, Fixture, is_full, main_pid, wait_replaced, wait_rolled_back};
use crate::health_probe::wait_probed_healthy;
use crate::results::{IN_FLIGHT, ResultRow};
use crate::system::restart_everywhere;

/// Number of instances; the in-flight requests of each can fail.
const INSTANCES: u32 = 2;

/// An empty gzip member (RFC 1952): appended to an archive, it changes only the digest.
const EMPTY_GZIP: [u8; 20] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

fn load(fixture: &Fixture) -> Result<LoadRun> {
    let options = ["--expect", "any", "--rate", "400", "--requests", "1600"];
    fixture.load_url(
        fixture.system.url,
        &options[..if is_full() { 2 } else { 6 }],
    )
}

/// Deploys under load; expects no failed GET.
pub(crate) fn deploying_drops_no_get(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let link = ["readlink", "/opt/express/web/current"];
    let before = host.run(&link)?;
    fixture.write_artifact(&[&fixture.artifact[..], &EMPTY_GZIP[..]].concat())?;
    let load = load(fixture)?;
    let run = fixture.run_playbook("deploy.yml", &[])?;
    let report = load.finish()?;
    run.success()?;
    assert_ne!(host.run(&link)?, before, "the release did not change");
    record_in_flight(fixture, "deploy of an app that binds its own port", &report);
    Ok(())
}

/// Kills an instance during post-deploy monitoring; expects a rollback that restarts the failed
/// instance first, and no failed GET.
pub(crate) fn a_crash_after_the_deploy_rolls_the_release_back(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let link = ["readlink", "/opt/express/web/current"];
    let before = host.run(&link)?;
    fixture.write_artifact(&[&fixture.artifact[..], &EMPTY_GZIP[..], &EMPTY_GZIP[..]].concat())?;
    fixture.run_playbook("deploy.yml", &[])?.success()?;
    assert_ne!(host.run(&link)?, before, "the release did not change");
    let load = load(fixture)?;
    host.run(&[
        "systemctl",
        "kill",
        "--signal=SIGKILL",
        "express-web@3001.service",
    ])?;
    let took = wait_rolled_back(fixture)?;
    let report = load.finish()?;
    assert_eq!(host.run(&link)?, before);
    let fault = format!(
        "kill -9 after a deploy, apps bind their own ports: release rolled back after {:.1} s",
        took.as_secs_f64()
    );
    record_in_flight(fixture, &fault, &report);
    fixture.write_artifact(&fixture.artifact)?;
    Ok(())
}

/// Restarts the instances one at a time, as `pm2 reload` does; expects no failed GET.
pub(crate) fn restarting_one_by_one_drops_no_get(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let unit = "express-web@3001.service";
    let before = main_pid(host, unit)?;
    let load = load(fixture)?;
    let output = host.run(&["genconf-host", "restart", "express", "web"])?;
    let report = load.finish()?;
    let expected = [
        "restart express-web@3001.service",
        "restart express-web@3002.service",
    ];
    assert_eq!(output.lines().collect::<Vec<_>>(), expected);
    assert_ne!(main_pid(host, unit)?, before, "it is the same process");
    let fault = "restart one at a time (genconf-host restart), apps bind their own ports";
    record_in_flight(fixture, fault, &report);
    Ok(())
}

/// Suspends an instance with SIGSTOP; expects its health probe to replace it, and no failed GET.
pub(crate) fn a_hung_app_is_replaced_by_its_probe(fixture: &Fixture) -> Result<()> {
    let (host, unit) = (fixture.proxy_host(), "express-web@3001.service");
    // Before its first successful probe, an instance has its start timeout.
    wait_probed_healthy(host, unit)?;
    let load = load(fixture)?;
    let pid = main_pid(host, unit)?;
    host.run(&["kill", "-STOP", &pid.to_string()])?;
    let took = wait_replaced(host, unit, pid)?;
    let report = load.finish()?;
    let output = host.shell(
        "journalctl --sync; journalctl -u express-monitor -o cat -g 'failed the health check 2 times, restarted'",
    )?;
    assert!(output.contains(unit), "{output}");
    let fault = format!(
        "hang (SIGSTOP) of an app without a watchdog, replaced after {:.1} s",
        took.as_secs_f64()
    );
    record_in_flight(fixture, &fault, &report);
    Ok(())
}

/// Control: restarts all instances at once; expects failures without socket activation.
pub(crate) fn restarting_all_at_once_drops_requests(fixture: &Fixture) -> Result<()> {
    let load = load(fixture)?;
    restart_everywhere(fixture)?;
    let report = load.finish()?;
    fixture.record(ResultRow::with_load(
        "restart of all at once, apps bind their own ports",
        "requests fail: use deploy.yml, or `socket_activation: true`",
        &report,
    ));
    assert!(report.get.failures() > 0, "{report}");
    Ok(())
}

/// Records the result; expects no failed GET, and failed POST requests only in flight.
fn record_in_flight(fixture: &Fixture, fault: &str, report: &Report) {
    fixture.record(ResultRow::with_load(fault, IN_FLIGHT, report));
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    assert!(
        report.post.failures() <= u64::from(INSTANCES * CONNECTIONS),
        "{report}\n{:?}",
        report.events
    );
}
