//! A controller that dies in the middle of a deploy.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use lab::{Error, Result, command};

use crate::deploy::{current, variant};
use crate::row::Row;
use crate::stage::{Stage, is_full, wait_active};

/// Tasks of deploy.yml during which the controller dies; the others only look.
const STEPS: [&str; 4] = [
    "Restart instances on the new release",
    "Upload missing artifacts",
    "Check every restarted instance",
    "Lock the host and check for missing",
];

/// The hosts keep serving, and the next run finishes.
pub(crate) fn a_killed_controller_loses_nothing(stage: &Stage) -> Result<()> {
    let steps = if is_full() { STEPS.len() } else { 1 };
    for step in &STEPS[..steps] {
        killed_during(stage, step)?;
    }
    Ok(())
}

fn killed_during(stage: &Stage, step: &str) -> Result<()> {
    let before = current(stage)?;
    stage.put_artifact(&variant(stage, step))?;
    let load = stage.load()?;
    deploy_until(stage, step)?;
    let recovered = stage.play("deploy.yml", &[])?;
    let report = load.finish()?;
    recovered.success()?;
    assert_ne!(
        current(stage)?,
        before,
        "the next run did not finish the deploy"
    );
    wait_active(stage.front(), &stage.units)?;
    let again = stage.play("deploy.yml", &[])?.success()?;
    assert_eq!(again.count("node1", "changed")?, 0, "{}", again.said());
    stage.put_artifact(&stage.artifact)?;
    let fault = format!("controller killed at `{step}`");
    stage.note(Row::loaded(&fault, "0 failed, next run recovers", &report));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

/// Starts a deploy and kills the controller with all its children once it
/// announces the task `step`.
fn deploy_until(stage: &Stage, step: &str) -> Result<()> {
    let mut playbook = stage
        .lab
        .controller()
        .playbook(&stage.bundle.ansible(), "deploy.yml");
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
    let announced = lines
        .map_while(std::result::Result::ok)
        .any(|line| line.contains(step));
    command::words(&format!("kill -KILL -- -{}", child.id()))?;
    let _ = child.wait();
    assert!(announced, "deploy.yml has no task `{step}`");
    Ok(())
}
