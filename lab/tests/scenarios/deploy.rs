//! Deploys and rollbacks under load.

use std::time::{Duration, Instant};

use lab::load::Report;
use lab::{LoadRun, PlaybookRun, Result};

use crate::cpu_priority;
use crate::fixture::{Fixture, inactive, is_full};
use crate::results::ResultRow;

/// Limit of a deploy to four instances of one host, without the build.
const LIMIT: Duration = Duration::from_secs(10);

/// Requests per second in a full run: two CPUs are busy for 75 % of the time.
const RATE_FULL: u32 = 3_000;
/// Requests per second in a short run, which shares the CPUs with other groups.
const RATE_SHORT: u32 = 600;

/// The server with `suffix` appended: the same program with another digest.
pub(crate) fn variant(fixture: &Fixture, suffix: &str) -> Vec<u8> {
    let mut bytes = fixture.artifact.clone();
    bytes.extend_from_slice(suffix.as_bytes());
    bytes
}

/// Target of the `current` link on the proxy host.
pub(crate) fn current(fixture: &Fixture) -> Result<String> {
    fixture
        .proxy_host()
        .run(&["readlink", "/opt/randoms/randoms/current"])
}

/// Deploys another artifact; expects no dropped requests, and no changes in a second run.
pub(crate) fn deploying_drops_no_requests(fixture: &Fixture) -> Result<()> {
    let before = current(fixture)?;
    fixture.write_artifact(&variant(fixture, "second"))?;
    run_under_load(fixture, "deploy.yml", "deploy")?;
    assert_ne!(current(fixture)?, before, "the release did not change");
    let again = fixture.run_playbook("deploy.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.output());
    Ok(())
}

/// Deploys under a fixed rate; expects at most 10 s, and a 99th percentile of at most twice that
/// without a deploy. Only a full run checks these limits: there no other hosts use the machine.
pub(crate) fn deploying_four_instances_takes_at_most_ten_seconds(fixture: &Fixture) -> Result<()> {
    fixture.write_artifact(&variant(fixture, "in time"))?;
    let rate = if is_full() { RATE_FULL } else { RATE_SHORT };
    // No more requests than during a deploy, so that the latencies are those of the deploy.
    let (per_second, total) = (rate.to_string(), (rate * 7).to_string());
    let run = MeasuredRun::measure(
        || cpu_priority::load(fixture, &["--rate", &per_second, "--requests", &total]),
        || cpu_priority::run_playbook(fixture, "deploy.yml"),
    )?;
    let fault = format!("deploy of four instances, {rate} requests/s, controller at idle priority");
    run.expect_no_drops(fixture, &fault)?;
    let took = run.took;
    assert!(!is_full() || took <= LIMIT, "took {took:?}");
    run.expect_low_latency();
    Ok(())
}

/// Rolls back to the previous release; expects no dropped requests.
pub(crate) fn rolling_back_drops_no_requests(fixture: &Fixture) -> Result<()> {
    let newer = current(fixture)?;
    run_under_load(fixture, "rollback.yml", "rollback")?;
    assert_ne!(current(fixture)?, newer, "the release did not change");
    fixture.write_artifact(&fixture.artifact)?;
    Ok(())
}

/// Rolls back three hosts of which one has no earlier release, as one that was added since; expects
/// that the other one is rolled back, and an error if no host has an earlier release.
pub(crate) fn a_host_without_an_earlier_release_blocks_no_rollback(
    fixture: &Fixture,
) -> Result<()> {
    let release_of = |name: &str| -> Result<String> {
        fixture
            .lab
            .host(name)?
            .run(&["readlink", "/opt/randoms/randoms/current"])
    };
    // Removes all releases but the current one.
    let forget = |name: &str| -> Result<String> {
        fixture.lab.host(name)?.shell(
            "cd /opt/randoms/randoms && current=$(basename $(readlink current)) && echo $current > history \
             && ls releases | grep -v $current | sed s,^,releases/, | xargs rm -rf",
        )
    };
    let first = release_of("node1")?;
    fixture.write_artifact(&variant(fixture, "before the new host"))?;
    fixture.run_playbook("deploy.yml", &[])?.success()?;
    let second = release_of("node2")?;
    forget("node2")?;
    let run = fixture.run_playbook("rollback.yml", &[])?.success()?;
    assert!(
        run.output()
            .contains("node2: no earlier release; this host stays as it is"),
        "{}",
        run.output()
    );
    assert_eq!(
        [release_of("node1")?, release_of("node2")?],
        [first, second]
    );
    forget("node1")?;
    let run = fixture.run_playbook("rollback.yml", &[])?;
    assert_ne!(run.code(), Some(0), "{}", run.output());
    fixture.write_artifact(&fixture.artifact)?;
    fixture.run_playbook("deploy.yml", &[])?.success()?;
    fixture.record(ResultRow::without_load(
        "rollback with a host without an earlier release",
        "the others are rolled back",
        "node1 is rolled back, node2 stays as it is".to_owned(),
    ));
    Ok(())
}

/// Applies the topology when one host has no release, as a new one, and the artifact of the controller is
/// newer than what the other one runs; expects a report of both releases.
pub(crate) fn the_first_release_of_a_new_host_is_reported(fixture: &Fixture) -> Result<()> {
    let of_others = fixture
        .lab
        .host("node1")?
        .run(&["readlink", "/opt/randoms/randoms/current"])?;
    let new = fixture.lab.host("node2")?;
    new.shell("systemctl stop randoms.target && rm -rf /opt/randoms")?;
    fixture.write_artifact(&variant(fixture, "newer than that of the other host"))?;
    let run = fixture.run_playbook("site.yml", &[])?.success()?;
    let first = new.run(&["readlink", "/opt/randoms/randoms/current"])?;
    assert_ne!(first, of_others);
    let [first, of_others] = [first, of_others].map(|link| link.replace("releases/", ""));
    for part in [
        format!("node2 gets release {first} of randoms"),
        format!(
            "WARNING: other hosts run {of_others}; for one release on all hosts, run deploy.yml"
        ),
    ] {
        assert!(run.output().contains(&part), "{}", run.output());
    }
    fixture.write_artifact(&fixture.artifact)?;
    fixture.run_playbook("deploy.yml", &[])?.success()?;
    fixture.record(ResultRow::without_load(
        "new host, newer artifact on the controller",
        "both releases are reported",
        "reported with a warning".to_owned(),
    ));
    Ok(())
}

/// Rolls back one of two apps; expects the other one unchanged, and an error for an unknown app.
pub(crate) fn a_rollback_affects_only_the_named_app(fixture: &Fixture) -> Result<()> {
    fixture
        .project
        .render(&with_other(fixture.system.topology))?;
    fixture.run_playbook("site.yml", &[])?.success()?;
    fixture.write_artifact(&variant(fixture, "of both"))?;
    fixture.run_playbook("deploy.yml", &[])?.success()?;
    let before = releases(fixture)?;
    for playbook in ["rollback.yml", "deploy.yml"] {
        let typo = fixture.run_playbook(playbook, &["-e", "genconf_app=wbe"])?;
        assert_ne!(typo.code(), Some(0), "{}", typo.output());
        let message = "no app is named wbe; defined apps: other, randoms";
        assert!(typo.output().contains(message), "{}", typo.output());
    }
    assert_eq!(releases(fixture)?, before);
    let named = ["-e", "genconf_app=other"];
    fixture.run_playbook("rollback.yml", &named)?.success()?;
    let after = releases(fixture)?;
    assert_ne!(after[0], before[0], "the named app was not rolled back");
    assert_eq!(after[1], before[1], "the other app was rolled back");
    fixture.record(ResultRow::without_load(
        "rollback of one of two apps",
        "the other app is unchanged",
        "unchanged; an unknown app is an error".to_owned(),
    ));
    restore(fixture)
}

/// Applies the original topology and deploys the original artifact.
fn restore(fixture: &Fixture) -> Result<()> {
    fixture.write_artifact(&fixture.artifact)?;
    fixture.project.render(fixture.system.topology)?;
    fixture.run_playbook("site.yml", &[])?.success()?;
    fixture.run_playbook("deploy.yml", &[])?.success().map(drop)
}

/// `topology` with a second app `other` of the same artifact.
fn with_other(topology: &str) -> String {
    let app = "apps:\n  other: { artifact: ../target/release/randoms }\n";
    let pool = "pools:\n  other: { app: other, ports: [8090] }\n";
    let route = "routes:\n      - { path: /other, pool: other }\n";
    topology
        .replace("apps:\n", app)
        .replace("pools:\n", pool)
        .replace("routes:\n", route)
}

/// Targets of the `current` links of the apps `other` and `randoms`.
fn releases(fixture: &Fixture) -> Result<[String; 2]> {
    let project = fixture.system.project;
    let current = |app: &str| {
        let link = format!("/opt/{project}/{app}/current");
        fixture.proxy_host().run(&["readlink", &link])
    };
    Ok([current("other")?, current("randoms")?])
}

/// Runs a playbook under load; expects no dropped requests and a limited latency.
fn run_under_load(fixture: &Fixture, playbook: &str, fault: &str) -> Result<()> {
    let run = MeasuredRun::measure(
        || fixture.load_url(fixture.system.url, &[]),
        || fixture.run_playbook(playbook, &[]),
    )?;
    run.expect_no_drops(fixture, fault)?;
    run.expect_low_latency();
    Ok(())
}

/// A successful run of a playbook under load.
struct MeasuredRun {
    took: Duration,
    /// The 99th percentile of latencies before the run, in milliseconds.
    baseline: f64,
    report: Report,
}

impl MeasuredRun {
    fn measure(
        load: impl Fn() -> Result<LoadRun>,
        run: impl FnOnce() -> Result<PlaybookRun>,
    ) -> Result<Self> {
        let baseline = load()?.finish()?.latency_ms.p99;
        let load = load()?;
        let start = Instant::now();
        let run = run()?;
        let took = start.elapsed();
        let report = load.finish()?;
        run.success()?;
        Ok(Self {
            took,
            baseline,
            report,
        })
    }

    /// Expects a p99 of at most twice the baseline in a full run; in a short run, other groups use
    /// the CPUs at the same time.
    fn expect_low_latency(&self) {
        let (p99, baseline) = (self.report.latency_ms.p99, self.baseline);
        assert!(
            !is_full() || p99 <= 2.0 * baseline,
            "p99 {p99} ms, {baseline} ms before"
        );
    }

    fn expect_no_drops(&self, fixture: &Fixture, fault: &str) -> Result<()> {
        let (report, baseline, took) = (&self.report, self.baseline, self.took.as_secs_f64());
        let observed = format!("took {took:.1} s; p99 without it {baseline:.1} ms");
        fixture
            .record(ResultRow::with_load(fault, "0 GET, 0 POST", report).with_observed(observed));
        assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
        assert_eq!(inactive(fixture.proxy_host(), &fixture.units)?, [""; 0]);
        assert!(self.took <= 3 * LIMIT, "took {took} s");
        Ok(())
    }
}
