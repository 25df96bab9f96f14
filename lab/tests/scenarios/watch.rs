//! Watch mode: a new build that is copied to a host in development.

use std::time::Duration;

use lab::wait::{self, Poll};
use lab::{Host, Result};

use crate::deploy::variant;
use crate::fixture::Fixture;
use crate::results::ResultRow;

/// Limit from the complete file to four instances that run it.
const LIMIT: Duration = Duration::from_secs(30);
const WATCHED: &str = "/opt/working/randoms/watched/randoms";
const PORTS: [&str; 4] = ["8082", "8083", "8084", "8085"];

/// Writes the watched file in two parts; expects one rolling restart and no dropped requests.
pub(crate) fn a_changed_file_is_deployed(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let before = invocations(host)?;
    let load = fixture.load_url(fixture.system.url, &[])?;
    host.shell(&format!(
        "cp /opt/working/randoms/current/randoms {WATCHED}; echo more >> {WATCHED}"
    ))?;
    let digest = &host.run(&["sha256sum", WATCHED])?[..12];
    let took = wait_proven(host, digest)?;
    let report = load.finish()?;
    let observed = format!("all instances run it after {:.1} s", took.as_secs_f64());
    fixture.record(
        ResultRow::with_load("a watched file changes", "0 GET, 0 POST", &report)
            .with_observed(observed),
    );
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    let after = invocations(host)?;
    assert!(
        before.iter().zip(&after).all(|(old, new)| old != new),
        "not all were replaced: {before:?} {after:?}"
    );
    assert_eq!(rollouts(host)?, 1, "one change, one rollout");
    assert!(journal(host)?.contains(&format!("{WATCHED} changed")));
    Ok(())
}

/// Deploys an artifact; expects that the watch does not restart the instances a second time.
pub(crate) fn a_deploy_does_not_trigger_the_watch(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let before = rollouts(host)?;
    fixture.write_artifact(&variant(fixture, "deployed"))?;
    fixture.run_playbook("deploy.yml", &[])?.success()?;
    let after = invocations(host)?;
    // The watch would have been triggered before the end of the deploy.
    assert_eq!(rollouts(host)?, before);
    host.shell("systemctl start --wait working-randoms-watch.service || true")?;
    // Control: started by hand, the watch deploys the file in its directory.
    assert_ne!(invocations(host)?, after);
    assert_eq!(rollouts(host)?, before + 1);
    Ok(())
}

/// Writes a build that does not start; expects a rollback, and a rollout of the next build.
pub(crate) fn a_bad_build_is_rolled_back_and_the_next_is_deployed(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let load = fixture.load_url(fixture.system.url, &[])?;
    let current = host.run(&["readlink", "/opt/working/randoms/current"])?;
    host.shell(&format!(
        "printf '#!/bin/sh\\nexit 3\\n' > {WATCHED}.new; mv {WATCHED}.new {WATCHED}"
    ))?;
    wait::until("rolled back", LIMIT, || match journal(host) {
        Ok(output) if output.contains("rolled back to release") => Poll::Ready(()),
        output => Poll::Pending(format!("{output:?}")),
    })?;
    let rolled_back = host.run(&["readlink", "/opt/working/randoms/current"])?;
    assert_eq!(rolled_back, current);
    host.shell(&format!(
        "cp /opt/working/randoms/current/randoms {WATCHED}.new; echo better >> {WATCHED}.new; mv {WATCHED}.new {WATCHED}"
    ))?;
    let digest = &host.run(&["sha256sum", WATCHED])?[..12];
    wait_proven(host, digest)?;
    let report = load.finish()?;
    fixture.record(ResultRow::with_load(
        "a watched file is a bad build",
        "0 GET, 0 POST",
        &report,
    ));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

fn wait_proven(host: &Host, digest: &str) -> Result<Duration> {
    let readlink = ["readlink", "/opt/working/randoms/proven"];
    let ((), took) = wait::until(&format!("release {digest}"), LIMIT, || {
        match host.run(&readlink) {
            Ok(proven) if proven.ends_with(digest) => Poll::Ready(()),
            proven => Poll::Pending(format!("{proven:?}")),
        }
    })?;
    Ok(took)
}

fn invocations(host: &Host) -> Result<Vec<String>> {
    let units = PORTS.map(|port| format!("working-web@{port}.service"));
    let mut show = vec!["systemctl", "show", "--property=InvocationID", "--value"];
    show.extend(units.iter().map(String::as_str));
    let output = host.run(&show)?;
    Ok(output.split_whitespace().map(str::to_owned).collect())
}

/// How often the watch has rolled out a build.
fn rollouts(host: &Host) -> Result<usize> {
    let output = journal(host)?;
    Ok(output.lines().filter(|l| l.ends_with(" changed")).count())
}

fn journal(host: &Host) -> Result<String> {
    host.run(&[
        "journalctl",
        "--output=cat",
        "--unit=working-randoms-watch.service",
    ])
}
