//! A host without room for the new release.

use lab::Result;

use crate::deploy::{current, variant};
use crate::row::Row;
use crate::stage::{Stage, inactive};

/// All but this many KiB are taken: room for a log line, none for a release.
const LEFT: u32 = 300;

/// The deploy fails, no half release stays, and the next one succeeds.
pub(crate) fn a_full_disk_leaves_no_half_release(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let releases = "ls -A /opt/randoms/randoms/releases";
    let (before, had) = (current(stage)?, host.shell(releases)?);
    stage.put_artifact(&variant(stage, "too much"))?;
    // Slow enough for its lines in the access log not to take the room that is asked for below.
    let load = stage.load_on("/api/randoms", &["--rate", "1500"])?;
    host.shell(&format!(
        "fallocate -l $(( $(df --output=avail -k / | tail -1) - {LEFT} ))K /filler"
    ))?;
    let play = stage.play("deploy.yml", &[])?;
    host.run(&["rm", "/filler"])?;
    let report = load.finish()?;
    assert!(
        play.code().is_some_and(|code| code != 0),
        "it was accepted: {}",
        play.said()
    );
    assert_eq!(current(stage)?, before);
    assert_eq!(host.shell(releases)?, had, "a half release stayed");
    assert_eq!(inactive(host, &stage.units)?, [""; 0]);
    stage.play("deploy.yml", &[])?.success()?;
    assert_ne!(current(stage)?, before);
    stage.put_artifact(&stage.artifact)?;
    stage.note(Row::loaded(
        "disk full during a deploy",
        "no half release, 0 failed",
        &report,
    ));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}
