//! A controller that is killed during a deploy.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use lab::{Error, Result, command};

use crate::deploy::{current, variant};
use crate::fixture::{Fixture, is_full, wait_active};
use crate::results::ResultRow;

/// Tasks of deploy.yml in which the controller is killed; the other tasks change nothing.
const STEPS: [&str; 4] = [
    "Restart instances on the new release",
    "Upload missing artifacts",
    "Check every restarted instance",
    "Ask the host what it lacks, and lock it",
];

/// Kills the controller in each task; expects no dropped requests, and a successful next run.
pub(crate) fn a_killed_controller_drops_no_requests(fixture: &Fixture) -> Result<()> {
    let steps = if is_full() { STEPS.len() } else { 1 };
    for step in &STEPS[..steps] {
        killed_during(fixture, step)?;
    }
    Ok(())
}

fn killed_during(fixture: &Fixture, step: &str) -> Result<()> {
    let before = current(fixture)?;
    fixture.write_artifact(&variant(fixture, step))?;
    let load = fixture.load()?;
    deploy_until(fixture, step)?;
    let recovered = fixture.run_playbook("deploy.yml", &[])?;
    let report = load.finish()?;
    recovered.success()?;
    assert_ne!(
        current(fixture)?,
        before,
        "the next run did not finish the deploy"
    );
    wait_active(fixture.proxy_host(), &fixture.units)?;
    let again = fixture.run_playbook("deploy.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.output());
    fixture.write_artifact(&fixture.artifact)?;
    let fault = format!("controller killed at `{step}`");
    fixture.record(ResultRow::with_load(
        &fault,
        "0 failed, next run recovers",
        &report,
    ));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

/// Starts a deploy and kills the controller with its children once it prints the task `step`.
fn deploy_until(fixture: &Fixture, step: &str) -> Result<()> {
    let mut playbook = fixture
        .lab
        .controller()
        .playbook_command(&fixture.project, "deploy.yml");
    let mut child = playbook
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(Error::io("starting ansible-playbook"))?;
    let lines = child
        .stdout
        .take()
        .map(BufReader::new)
        .into_iter()
        .flat_map(BufRead::lines);
    let printed = lines
        .map_while(std::result::Result::ok)
        .any(|line| line.contains(step));
    command::run_line(&format!("kill -KILL -- -{}", child.id()))?;
    let _ = child.wait();
    assert!(printed, "deploy.yml has no task `{step}`");
    Ok(())
}
