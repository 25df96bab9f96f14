//! A host without disk space for a new release.

use lab::Result;

use crate::deploy::{current, variant};
use crate::fixture::{Fixture, inactive};
use crate::results::ResultRow;

/// Free disk space in KiB: enough for log lines, not for a release.
const FREE: u32 = 300;

/// Fills the disk and deploys; expects a failed run without a partial release, and a successful
/// next run.
pub(crate) fn a_full_disk_leaves_no_partial_release(fixture: &Fixture) -> Result<()> {
    let host = fixture.proxy_host();
    let releases = "ls -A /opt/randoms/randoms/releases";
    let (before, had) = (current(fixture)?, host.shell(releases)?);
    fixture.write_artifact(&variant(fixture, "too much"))?;
    // A rate whose access log lines do not use the free space.
    let load = fixture.load_path("/api/randoms", &["--rate", "1500"])?;
    host.shell(&format!(
        "fallocate -l $(( $(df --output=avail -k / | tail -1) - {FREE} ))K /filler"
    ))?;
    let run = fixture.run_playbook("deploy.yml", &[])?;
    host.run(&["rm", "/filler"])?;
    let report = load.finish()?;
    assert!(
        run.code().is_some_and(|code| code != 0),
        "the run succeeded: {}",
        run.output()
    );
    assert_eq!(current(fixture)?, before);
    assert_eq!(host.shell(releases)?, had, "a partial release exists");
    assert_eq!(inactive(host, &fixture.units)?, [""; 0]);
    fixture.run_playbook("deploy.yml", &[])?.success()?;
    assert_ne!(current(fixture)?, before);
    fixture.write_artifact(&fixture.artifact)?;
    fixture.record(ResultRow::with_load(
        "disk full during a deploy",
        "no partial release, 0 failed",
        &report,
    ));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}
