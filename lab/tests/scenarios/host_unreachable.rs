//! Deploys with a host that is unreachable.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use lab::{Error, Host, Result};

use crate::deploy::variant;
use crate::fixture::{Fixture, is_full};
use crate::results::ResultRow;

const CURRENT: &str = "/opt/randoms/randoms/current";

/// Load with a timeout that is longer than requests to the lost host wait. A full run has a higher
/// rate, for its number of requests.
fn options() -> [&'static str; 4] {
    let rate = if is_full() { "1000" } else { "500" };
    ["--timeout", "100", "--rate", rate]
}

/// Deploys with one host disconnected; expects a failed run that changes no host and prints how to
/// exclude the host, and success with that option.
pub(crate) fn a_deploy_with_an_unreachable_host_changes_no_host(fixture: &Fixture) -> Result<()> {
    let (reachable, lost) = (fixture.lab.host("node1")?, fixture.lab.host("node2")?);
    let before = release(reachable)?;
    fixture.write_artifact(&variant(fixture, "outage"))?;
    let load = fixture.load_path("/api/randoms", &options())?;
    lost.disconnect_network()?;
    let failed = fixture.run_playbook("deploy.yml", &[])?;
    let unchanged = release(reachable)?;
    let without = fixture.run_playbook("deploy.yml", &["--limit", "all,!node2"])?;
    let deployed = release(reachable)?;
    lost.reconnect_network()?;
    let later = fixture.run_playbook("deploy.yml", &[])?;
    let report = load.finish()?;
    assert_ne!(failed.code(), Some(0), "{}", failed.output());
    let advice = "node2 is unreachable; skip it with --limit 'all,!node2'";
    assert!(failed.output().contains(advice), "{}", failed.output());
    assert_eq!(unchanged, before, "a host was changed");
    without.success()?;
    assert_ne!(deployed, before, "the reachable host was not deployed");
    later.success()?;
    assert_eq!(
        release(lost)?,
        deployed,
        "the lost host was not deployed later"
    );
    record_result(fixture, "deploy with a host down", &report);
    Ok(())
}

/// Disconnects a host during or before its part of a deploy; expects a rollback of all hosts.
pub(crate) fn a_host_lost_during_a_deploy_rolls_back_all_hosts(fixture: &Fixture) -> Result<()> {
    lost_at(fixture, 2, "host lost during its deploy")?;
    if is_full() {
        lost_at(fixture, 1, "host lost before its deploy")?;
    }
    Ok(())
}

/// Disconnects the second app host when the deploy of host number `number` starts. The proxy host has
/// no app, so a deploy leaves it out.
fn lost_at(fixture: &Fixture, number: u32, fault: &str) -> Result<()> {
    let (reachable, lost) = (fixture.lab.host("node1")?, fixture.lab.host("node2")?);
    let before = release(reachable)?;
    fixture.write_artifact(&variant(fixture, fault))?;
    let load = fixture.load_path("/api/randoms", &options())?;
    let mut deploy = deploy(fixture)?;
    let (mut started, mut output) = (0, String::new());
    for line in lines_of(&mut deploy) {
        // Reads to the end: ansible-playbook exits when its output is closed.
        if line.contains("Restart instances on the new release") {
            started += 1;
            if started == number {
                lost.disconnect_network()?;
            }
        }
        output += &line;
        output.push('\n');
    }
    assert!(started >= number, "deploy.yml ended too early: {output}");
    let status = deploy
        .wait()
        .map_err(Error::io("waiting for ansible-playbook"))?;
    let rolled_back = release(reachable)?;
    lost.reconnect_network()?;
    let recovered = fixture.run_playbook("deploy.yml", &[])?;
    let report = load.finish()?;
    assert!(!status.success(), "the run succeeded: {output}");
    assert_eq!(
        rolled_back, before,
        "the first host was not rolled back: {output}"
    );
    recovered.success()?;
    assert_ne!(release(reachable)?, before);
    assert_eq!(release(lost)?, release(reachable)?, "the hosts differ");
    fixture.write_artifact(&fixture.artifact)?;
    record_result(fixture, fault, &report);
    Ok(())
}

fn record_result(fixture: &Fixture, fault: &str, report: &lab::load::Report) {
    fixture.record(ResultRow::with_load(fault, "0 GET", report));
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
}

fn release(host: &Host) -> Result<String> {
    host.run(&["readlink", CURRENT])
}

fn deploy(fixture: &Fixture) -> Result<Child> {
    let mut playbook = fixture
        .lab
        .controller()
        .playbook_command(&fixture.project, "deploy.yml");
    playbook
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(Error::io("starting ansible-playbook"))
}

/// Lines of standard output.
fn lines_of(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = child.stdout.take().map(BufReader::new);
    lines
        .into_iter()
        .flat_map(BufRead::lines)
        .map_while(std::result::Result::ok)
}
