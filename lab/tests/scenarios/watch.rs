//! A new build that is put on a host in development.

use std::time::Duration;

use lab::wait::{self, Seen};
use lab::{Host, Result};

use crate::deploy::variant;
use crate::row::Row;
use crate::stage::Stage;

/// From the file that is whole to four instances that run it.
const LIMIT: Duration = Duration::from_secs(30);
const WATCHED: &str = "/opt/working/randoms/watched/randoms";
const PORTS: [&str; 4] = ["8082", "8083", "8084", "8085"];

/// Writing the file in two pieces rolls all instances once, and nothing is lost.
pub(crate) fn a_watched_file_is_rolled_out(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let before = invocations(host)?;
    let load = stage.load_at(stage.system.door, &[])?;
    host.shell(&format!(
        "cp /opt/working/randoms/current/randoms {WATCHED}; echo more >> {WATCHED}"
    ))?;
    let digest = &host.run(&["sha256sum", WATCHED])?[..12];
    let took = wait_proven(host, digest)?;
    let report = load.finish()?;
    let seen = format!("all run it after {:.1} s", took.as_secs_f64());
    stage.note(Row::loaded("a watched file changes", "0 GET, 0 POST", &report).with(seen));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    let after = invocations(host)?;
    assert!(
        before.iter().zip(&after).all(|(old, new)| old != new),
        "not all were replaced: {before:?} {after:?}"
    );
    assert_eq!(rolls(host)?, 1, "one change, one roll");
    assert!(journal(host)?.contains(&format!("{WATCHED} changed")));
    Ok(())
}

/// A deploy puts its artifact elsewhere: each instance is restarted once, not twice.
pub(crate) fn a_deploy_does_not_trigger_the_watch(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let rolled = rolls(host)?;
    stage.put_artifact(&variant(stage, "deployed"))?;
    stage.play("deploy.yml", &[])?.success()?;
    let after = invocations(host)?;
    // Had it been triggered, it would have been before the deploy ended.
    assert_eq!(rolls(host)?, rolled);
    host.shell("systemctl start --wait working-randoms-watch.service || true")?;
    // Control: asked by hand, the watch goes back to what lies in its folder.
    assert_ne!(invocations(host)?, after);
    assert_eq!(rolls(host)?, rolled + 1);
    Ok(())
}

/// A build that does not start is refused, says why, and the next one is seen again.
pub(crate) fn a_bad_build_is_refused_and_the_next_is_seen(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let load = stage.load_at(stage.system.door, &[])?;
    let current = host.run(&["readlink", "/opt/working/randoms/current"])?;
    host.shell(&format!(
        "printf '#!/bin/sh\\nexit 3\\n' > {WATCHED}.new; mv {WATCHED}.new {WATCHED}"
    ))?;
    wait::until("the refusal", LIMIT, || match journal(host) {
        Ok(said) if said.contains("rolled back to release") => Seen::Yes(()),
        said => Seen::NotYet(format!("{said:?}")),
    })?;
    let back = host.run(&["readlink", "/opt/working/randoms/current"])?;
    assert_eq!(back, current);
    host.shell(&format!(
        "cp /opt/working/randoms/current/randoms {WATCHED}.new; echo better >> {WATCHED}.new; mv {WATCHED}.new {WATCHED}"
    ))?;
    let digest = &host.run(&["sha256sum", WATCHED])?[..12];
    wait_proven(host, digest)?;
    let report = load.finish()?;
    stage.note(Row::loaded(
        "a watched file is a bad build",
        "0 GET, 0 POST",
        &report,
    ));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

fn wait_proven(host: &Host, digest: &str) -> Result<Duration> {
    let words = ["readlink", "/opt/working/randoms/proven"];
    let ((), took) = wait::until(&format!("release {digest}"), LIMIT, || {
        match host.run(&words) {
            Ok(proven) if proven.ends_with(digest) => Seen::Yes(()),
            proven => Seen::NotYet(format!("{proven:?}")),
        }
    })?;
    Ok(took)
}

fn invocations(host: &Host) -> Result<Vec<String>> {
    let units = PORTS.map(|port| format!("working-web@{port}.service"));
    let mut words = vec!["systemctl", "show", "--property=InvocationID", "--value"];
    words.extend(units.iter().map(String::as_str));
    let said = host.run(&words)?;
    Ok(said.split_whitespace().map(str::to_owned).collect())
}

/// How often the watch has rolled the instances.
fn rolls(host: &Host) -> Result<usize> {
    let said = journal(host)?;
    Ok(said.lines().filter(|l| l.ends_with(" changed")).count())
}

fn journal(host: &Host) -> Result<String> {
    host.run(&[
        "journalctl",
        "--output=cat",
        "--unit=working-randoms-watch.service",
    ])
}
