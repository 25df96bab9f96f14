//! A new artifact, and the way back.

use std::time::{Duration, Instant};

use lab::Result;

use crate::row::Row;
use crate::stage::{Stage, inactive};

/// A deploy of a ready artifact to the instances of one host takes at most this.
const LIMIT: Duration = Duration::from_secs(10);

/// The server's bytes with a mark behind them: another digest, the same program.
pub(crate) fn variant(stage: &Stage, mark: &str) -> Vec<u8> {
    let mut bytes = stage.artifact.clone();
    bytes.extend_from_slice(mark.as_bytes());
    bytes
}

/// The release that `current` names on the host.
pub(crate) fn current(stage: &Stage) -> Result<String> {
    stage
        .front()
        .run(&["readlink", "/opt/randoms/randoms/current"])
}

/// Another artifact comes, nothing is lost, and a second run changes nothing.
pub(crate) fn deploying_loses_nothing(stage: &Stage) -> Result<()> {
    let before = current(stage)?;
    stage.put_artifact(&variant(stage, "second"))?;
    rolled(stage, "deploy.yml", "deploy")?;
    assert_ne!(current(stage)?, before, "the release did not change");
    let again = stage.play("deploy.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.said());
    Ok(())
}

/// Back without naming where to.
pub(crate) fn rolling_back_loses_nothing(stage: &Stage) -> Result<()> {
    let newer = current(stage)?;
    rolled(stage, "rollback.yml", "rollback")?;
    assert_ne!(current(stage)?, newer, "the release did not change");
    stage.put_artifact(&stage.artifact)?;
    Ok(())
}

fn rolled(stage: &Stage, playbook: &str, fault: &str) -> Result<()> {
    let steady = stage.load()?.finish()?.latency_ms.p99;
    let load = stage.load()?;
    let start = Instant::now();
    let play = stage.play(playbook, &[])?;
    let took = start.elapsed();
    let report = load.finish()?;
    play.success()?;
    let seen = format!(
        "took {:.1} s; p99 without it {steady:.1} ms",
        took.as_secs_f64()
    );
    stage.note(Row::loaded(fault, "0 GET, 0 POST", &report).with(seen));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    assert_eq!(inactive(stage.front(), &stage.units)?, [""; 0]);
    assert!(took <= 3 * LIMIT, "took {took:?}");
    Ok(())
}
