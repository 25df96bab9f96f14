//! Deploys of bad releases, which must be rolled back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lab::load::Report;
use lab::{Host, PlaybookRun, Result};

use crate::deploy::{current, variant};
use crate::fixture::{CONNECTIONS, Fixture, wait_active, wait_restarts, wait_rolled_back};
use crate::results::{IN_FLIGHT, ResultRow};
use crate::system::invocation_ids;

const SERVER: &str = include_str!("bad_release.py");

/// A bad release and the expected result of its deploy.
struct BadRelease {
    fault: &'static str,
    bytes: Vec<u8>,
    /// Text in the playbook's error.
    reason: &'static str,
    /// Maximum number of failed POST requests, which the release itself drops.
    failed_posts: u32,
    /// Options of the playbook.
    options: &'static [&'static str],
    /// Maximum time during which `current` names the bad release. It includes the observation
    /// period of the first instance, 3 s by default.
    limit: Duration,
}

impl Default for BadRelease {
    fn default() -> Self {
        Self {
            fault: "",
            bytes: Vec::new(),
            reason: "",
            failed_posts: 0,
            options: &[],
            limit: Duration::from_secs(10),
        }
    }
}

/// Deploys a release that exits before it reports `READY=1`; expects a rollback.
pub(crate) fn a_release_that_exits_is_rolled_back(fixture: &Fixture) -> Result<()> {
    let bad = BadRelease {
        fault: "bad release: exits at once",
        bytes: b"#!/bin/sh\nexit 7\n".to_vec(),
        // From the journal: systemd can restart the unit before its state is queried.
        reason: "exited before it was healthy: Main process exited, code=exited, status=7",
        ..BadRelease::default()
    };
    is_rolled_back(fixture, &bad)
}

/// Deploys a release whose health check fails; expects a rollback.
pub(crate) fn an_unhealthy_release_is_rolled_back(fixture: &Fixture) -> Result<()> {
    let bad = BadRelease {
        fault: "bad release: starts, is unhealthy",
        bytes: server(500, 0).into_bytes(),
        reason: "500",
        ..BadRelease::default()
    };
    is_rolled_back(fixture, &bad)
}

/// Deploys a release that crashes in the observation period; expects a rollback, and no failures
/// except of its in-flight POST requests.
pub(crate) fn a_release_that_crashes_in_the_canary_is_rolled_back(fixture: &Fixture) -> Result<()> {
    let bad = BadRelease {
        fault: "bad release: healthy, crashes after 2 s",
        bytes: server(200, 2).into_bytes(),
        reason: "exited after it was healthy: Main process exited",
        failed_posts: CONNECTIONS,
        ..BadRelease::default()
    };
    is_rolled_back(fixture, &bad)
}

/// Deploys a release that crashes after the default observation period, with a longer one; expects
/// a rollback.
pub(crate) fn a_release_that_crashes_in_a_longer_canary_is_rolled_back(
    fixture: &Fixture,
) -> Result<()> {
    let bad = BadRelease {
        fault: "bad release: healthy, crashes after 8 s (observed for 10 s)",
        bytes: server(200, 8).into_bytes(),
        reason: "exited after it was healthy: Main process exited",
        failed_posts: CONNECTIONS,
        options: &["-e", "genconf_observe_seconds=10"],
        limit: Duration::from_secs(15),
    };
    is_rolled_back(fixture, &bad)
}

/// Deploys a release that crashes after the playbook has succeeded; expects the host to roll it
/// back, and `status.yml` to report the rollback until the next deploy.
pub(crate) fn a_release_that_crashes_after_the_deploy_is_rolled_back(
    fixture: &Fixture,
) -> Result<()> {
    let before = current(fixture)?;
    let load = fixture.load()?;
    fixture.write_artifact(server(200, 12).as_bytes())?;
    let run = fixture.run_playbook("deploy.yml", &[])?;
    fixture.write_artifact(&fixture.artifact)?;
    run.success()?;
    assert_ne!(current(fixture)?, before, "it was never deployed");
    let took = wait_rolled_back(fixture)?;
    assert_eq!(current(fixture)?, before);
    wait_active(fixture.proxy_host(), &fixture.units)?;
    let report = load.finish()?;
    let observed = format!("rolled back {:.1} s after the deploy", took.as_secs_f64());
    let fault = "bad release: healthy, crashes after 12 s, after the deploy";
    let allowed = format!("rolled back by the host, {}", allowed_failures(CONNECTIONS));
    fixture.record(ResultRow::with_load(fault, &allowed, &report).with_observed(observed));
    let status = fixture.run_playbook("status.yml", &[])?;
    assert_ne!(status.code(), Some(0), "{}", status.output());
    assert!(
        status.output().contains("is rolled back"),
        "{}",
        status.output()
    );
    fixture.run_playbook("deploy.yml", &[])?.success()?;
    fixture.run_playbook("status.yml", &[])?.success()?;
    assert_failed_posts(CONNECTIONS, &report);
    Ok(())
}

/// Deploys a binary for another CPU architecture; expects a rollback.
pub(crate) fn a_release_for_another_architecture_is_rolled_back(fixture: &Fixture) -> Result<()> {
    // The start of an ELF file (elf(5)) with e_machine, at offset 18, set to EM_AARCH64.
    let mut bytes = fixture.artifact[..4096].to_vec();
    bytes[18] = 183;
    let bad = BadRelease {
        fault: "bad release: wrong architecture",
        bytes,
        reason: "exited before it was healthy",
        ..BadRelease::default()
    };
    is_rolled_back(fixture, &bad)
}

/// Deploys a good release while a drop-in, written after the start of the instances, lets none of a
/// pool start again; expects that the deploy fails at the first one and no other one is restarted.
pub(crate) fn a_bad_drop_in_affects_one_instance(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let directory = "/etc/systemd/system/randoms-spread@.service.d";
    let others = "randoms-spread@808[345].service";
    host.shell(&format!(
        "mkdir {directory} && printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' \
         > {directory}/override.conf && systemctl daemon-reload"
    ))?;
    let (before, release) = (invocation_ids(host, others)?, current(fixture)?);
    let load = fixture.load()?;
    fixture.write_artifact(&variant(fixture, "behind a bad drop-in"))?;
    let run = fixture.run_playbook("deploy.yml", &[])?;
    fixture.write_artifact(&fixture.artifact)?;
    let report = load.finish()?;
    let after = invocation_ids(host, others)?;
    host.shell(&format!("rm -r {directory} && systemctl daemon-reload"))?;
    let failed = run.code().is_some_and(|code| code != 0);
    let recovery = fixture.run_playbook("site.yml", &[])?;
    fixture.record(ResultRow::with_load(
        "good release behind a drop-in with a wrong ExecStart",
        &format!("fails, the others keep running, {IN_FLIGHT}"),
        &report,
    ));
    assert!(failed, "it was accepted: {}", run.output());
    assert_eq!(current(fixture)?, release, "{}", run.output());
    assert_eq!(before, after, "{}", run.output());
    recovery.success()?;
    wait_active(host, &fixture.units)?;
    fixture.run_playbook("status.yml", &[])?.success()?;
    assert_failed_posts(CONNECTIONS, &report);
    Ok(())
}

/// Control: installs a release that exits by hand and restarts all instances; expects failures.
pub(crate) fn a_bad_release_without_a_canary_drops_requests(fixture: &Fixture) -> Result<()> {
    let (host, before) = (fixture.proxy_host(), current(fixture)?);
    let app = "/opt/randoms/randoms";
    let restart = "systemctl restart --no-block 'randoms-spread@*.service'";
    let load = fixture.load_path("/api/randoms", &["--requests", "100", "--timeout", "2"])?;
    host.shell(&format!(
        "mkdir {app}/releases/bad && cd {app}/releases/bad && printf '#!/bin/sh\\nexit 7\\n' > randoms \
         && chmod 755 randoms && ln -sfn releases/bad {app}/current && {restart}"
    ))?;
    wait_restarts(host, "randoms-spread@8085.service", 3)?;
    let report = load.finish()?;
    host.shell(&format!(
        "ln -sfn {before} {app}/current && rm -r {app}/releases/bad && {restart}"
    ))?;
    wait_active(host, &fixture.units)?;
    assert!(report.failures() > 0, "{report}");
    Ok(())
}

/// The script with its two parameters.
fn server(health: u16, lifetime: u16) -> String {
    SERVER.replacen(
        "STOPPING =",
        &format!("HEALTH, LIFETIME = {health}, {lifetime}\nSTOPPING ="),
        1,
    )
}

fn is_rolled_back(fixture: &Fixture, bad: &BadRelease) -> Result<()> {
    let before = current(fixture)?;
    let load = fixture.load()?;
    fixture.write_artifact(&bad.bytes)?;
    let (run, active) = deploy(fixture, &before, bad.options)?;
    fixture.write_artifact(&fixture.artifact)?;
    let report = load.finish()?;
    let observed = format!(
        "exit {:?}, on the bad release for {:.1} s",
        run.code(),
        active.as_secs_f64()
    );
    let allowed = format!(
        "rolled back ≤ {} s, {}",
        bad.limit.as_secs(),
        allowed_failures(bad.failed_posts)
    );
    fixture.record(ResultRow::with_load(bad.fault, &allowed, &report).with_observed(observed));
    assert!(
        run.code().is_some_and(|code| code != 0),
        "it was accepted: {}",
        run.output()
    );
    assert_eq!(current(fixture)?, before, "{}", run.output());
    assert!(
        run.output().contains(bad.reason),
        "another reason: {}",
        run.output()
    );
    wait_active(fixture.proxy_host(), &fixture.units)?;
    assert!(!active.is_zero(), "it was never active: {}", run.output());
    assert!(active <= bad.limit, "rolled back after {active:?}");
    assert_failed_posts(bad.failed_posts, &report);
    Ok(())
}

const fn allowed_failures(failed_posts: u32) -> &'static str {
    match failed_posts {
        0 => "0 failed",
        _ => IN_FLIGHT,
    }
}

/// Expects no failed GET and at most `limit` failed POST requests.
fn assert_failed_posts(limit: u32, report: &Report) {
    let text = format!("{report}\n{:?}", report.events);
    assert_eq!(report.get.failures(), 0, "{text}");
    assert!(report.post.failures() <= u64::from(limit), "{text}");
}

/// Deploys, and measures how long `current` names a release other than `before`.
fn deploy(fixture: &Fixture, before: &str, options: &[&str]) -> Result<(PlaybookRun, Duration)> {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let timer = scope.spawn(|| time_active(fixture.proxy_host(), before, &stop));
        let run = fixture.run_playbook("deploy.yml", options);
        stop.store(true, Ordering::Relaxed);
        Ok((run?, timer.join().unwrap_or_default()))
    })
}

/// How long `current` names a release other than `before`, until `stop`.
fn time_active(host: &Host, before: &str, stop: &AtomicBool) -> Duration {
    let link = host.root().join("opt/randoms/randoms/current");
    let mut active = Duration::ZERO;
    let mut last = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(5));
        let now = Instant::now();
        if std::fs::read_link(&link).is_ok_and(|found| found.as_os_str() != before) {
            active += now - last;
        }
        last = now;
    }
    active
}
