//! A new artifact, and the way back.

use std::time::{Duration, Instant};

use lab::load::Report;
use lab::{Loading, Play, Result};

use crate::apart;
use crate::row::Row;
use crate::stage::{Stage, inactive, is_full};

/// A deploy of a ready artifact to four instances of one host takes at most this.
const LIMIT: Duration = Duration::from_secs(10);

/// Requests a second of a busy day: two processors are busy for three quarters of the time. In the
/// short form they are for others, too.
const BUSY: u32 = 3_000;
const LESS_BUSY: u32 = 600;

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

/// In time, under the load of a busy day, and the 99th percentile at most twice the steady one. Only
/// the long form judges that, for which the hosts have the machine to themselves.
pub(crate) fn deploying_four_instances_takes_ten_seconds(stage: &Stage) -> Result<()> {
    stage.put_artifact(&variant(stage, "in time"))?;
    let rate = if is_full() { BUSY } else { LESS_BUSY };
    // As many as a deploy sees at least: its latencies are to be those of the deploy.
    let (each, all) = (rate.to_string(), (rate * 7).to_string());
    let rolled = Rolled::by(
        || apart::load(stage, &["--rate", &each, "--requests", &all]),
        || apart::play(stage, "deploy.yml"),
    )?;
    let fault = format!("deploy of four instances, {rate} requests a second, controller apart");
    rolled.loses_nothing(stage, &fault)?;
    let took = rolled.took;
    assert!(!is_full() || took <= LIMIT, "took {took:?}");
    rolled.slows_little();
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

/// Two apps: a rollback of one leaves the other, and one of no app touches neither.
pub(crate) fn only_the_named_app_goes_back(stage: &Stage) -> Result<()> {
    stage.bundle.render(&with_other(stage.system.topology))?;
    stage.play("site.yml", &[])?.success()?;
    stage.put_artifact(&variant(stage, "of both"))?;
    stage.play("deploy.yml", &[])?.success()?;
    let before = releases(stage)?;
    for playbook in ["rollback.yml", "deploy.yml"] {
        let slip = stage.play(playbook, &["-e", "genconf_app=wbe"])?;
        assert_ne!(slip.code(), Some(0), "{}", slip.said());
        let told = "no app is named wbe; defined apps: other, randoms";
        assert!(slip.said().contains(told), "{}", slip.said());
    }
    assert_eq!(releases(stage)?, before);
    let named = ["-e", "genconf_app=other"];
    stage.play("rollback.yml", &named)?.success()?;
    let after = releases(stage)?;
    assert_ne!(after[0], before[0], "the named app did not go back");
    assert_eq!(after[1], before[1], "the other app went back too");
    stage.note(Row::fact(
        "rollback of one of two apps",
        "the other one stays",
        "so it was; a name that no app has is refused".to_owned(),
    ));
    put_back(stage)
}

/// The system as it was, without what was only here for a scenario.
fn put_back(stage: &Stage) -> Result<()> {
    stage.put_artifact(&stage.artifact)?;
    stage.bundle.render(stage.system.topology)?;
    stage.play("site.yml", &[])?.success()?;
    stage.play("deploy.yml", &[])?.success().map(drop)
}

/// `topology` with an app `other` of the same artifact.
fn with_other(topology: &str) -> String {
    let app = "apps:\n  other: { artifact: ../target/release/randoms }\n";
    let pool = "pools:\n  other: { app: other, ports: [8090] }\n";
    let route = "routes:\n      - { path: /other, pool: other }\n";
    topology
        .replace("apps:\n", app)
        .replace("pools:\n", pool)
        .replace("routes:\n", route)
}

/// What `current` names, of the app `other` and of the one that is described.
fn releases(stage: &Stage) -> Result<[String; 2]> {
    let project = stage.system.project;
    let current = |app: &str| {
        let link = format!("/opt/{project}/{app}/current");
        stage.front().run(&["readlink", &link])
    };
    Ok([current("other")?, current("randoms")?])
}

/// Under all the load there is, nothing is lost or slowed down by much.
fn rolled(stage: &Stage, playbook: &str, fault: &str) -> Result<()> {
    let rolled = Rolled::by(
        || stage.load_at(stage.system.door, &[]),
        || stage.play(playbook, &[]),
    )?;
    rolled.loses_nothing(stage, fault)?;
    rolled.slows_little();
    Ok(())
}

/// A playbook that was run under load.
struct Rolled {
    took: Duration,
    /// The 99th percentile of latencies before it, in milliseconds.
    steady: f64,
    report: Report,
}

impl Rolled {
    fn by(load: impl Fn() -> Result<Loading>, play: impl FnOnce() -> Result<Play>) -> Result<Self> {
        let steady = load()?.finish()?.latency_ms.p99;
        let load = load()?;
        let start = Instant::now();
        let play = play()?;
        let took = start.elapsed();
        let report = load.finish()?;
        play.success()?;
        Ok(Self {
            took,
            steady,
            report,
        })
    }

    /// Of the long form: in the short one others have to do at the same time.
    fn slows_little(&self) {
        let (p99, steady) = (self.report.latency_ms.p99, self.steady);
        assert!(
            !is_full() || p99 <= 2.0 * steady,
            "p99 {p99} ms, {steady} ms before"
        );
    }

    fn loses_nothing(&self, stage: &Stage, fault: &str) -> Result<()> {
        let (report, steady, took) = (&self.report, self.steady, self.took.as_secs_f64());
        let seen = format!("took {took:.1} s; p99 without it {steady:.1} ms");
        stage.note(Row::loaded(fault, "0 GET, 0 POST", report).with(seen));
        assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
        assert_eq!(inactive(stage.front(), &stage.units)?, [""; 0]);
        assert!(self.took <= 3 * LIMIT, "took {took} s");
        Ok(())
    }
}
