//! A host that does not answer while a release is brought to all of them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use lab::{Error, Host, Result};

use crate::deploy::variant;
use crate::row::Row;
use crate::stage::{Stage, is_full};

const CURRENT: &str = "/opt/randoms/randoms/current";

/// Patient enough for what hangs on the lost host's connections. The long form has many to send.
fn options() -> [&'static str; 4] {
    let rate = if is_full() { "1000" } else { "500" };
    ["--timeout", "100", "--rate", rate]
}

/// A deploy with a host down touches none, says which, and how to go on without it.
pub(crate) fn a_deploy_without_one_host_touches_none(stage: &Stage) -> Result<()> {
    let (near, far) = (stage.lab.host("node1")?, stage.lab.host("node2")?);
    let before = release(near)?;
    stage.put_artifact(&variant(stage, "outage"))?;
    let load = stage.load_on("/api/randoms", &options())?;
    far.cut_network()?;
    let refused = stage.play("deploy.yml", &[])?;
    let untouched = release(near)?;
    let without = stage.play("deploy.yml", &["--limit", "all,!node2"])?;
    let reached = release(near)?;
    far.restore_network()?;
    let later = stage.play("deploy.yml", &[])?;
    let report = load.finish()?;
    assert_ne!(refused.code(), Some(0), "{}", refused.said());
    let advice = "node2 is unreachable; skip it with --limit 'all,!node2'";
    assert!(refused.said().contains(advice), "{}", refused.said());
    assert_eq!(untouched, before, "a host was touched");
    without.success()?;
    assert_ne!(reached, before, "the other host was not reached");
    later.success()?;
    assert_eq!(release(far)?, reached, "the host did not catch up");
    told(stage, "deploy with a host down", &report);
    Ok(())
}

/// A host that is lost in the middle of its roll, or before it, takes the whole run back.
pub(crate) fn a_host_lost_in_its_roll_takes_the_run_back(stage: &Stage) -> Result<()> {
    lost_at(stage, 3, "a host is lost in the middle of its roll")?;
    if is_full() {
        lost_at(stage, 2, "a host is lost before its roll")?;
    }
    Ok(())
}

/// Loses the second app host at the roll of the so-manieth host; the proxy's is the first.
fn lost_at(stage: &Stage, place: u32, fault: &str) -> Result<()> {
    let (near, far) = (stage.lab.host("node1")?, stage.lab.host("node2")?);
    let before = release(near)?;
    stage.put_artifact(&variant(stage, fault))?;
    let load = stage.load_on("/api/randoms", &options())?;
    let mut deploy = deploy(stage)?;
    let (mut announced, mut said) = (0, String::new());
    for line in lines_of(&mut deploy) {
        // What follows is read as well: a playbook that cannot say what it does ends.
        if line.contains("Restart instances on the new release") {
            announced += 1;
            if announced == place {
                far.cut_network()?;
            }
        }
        said += &line;
        said.push('\n');
    }
    assert!(announced >= place, "deploy.yml ended too soon: {said}");
    let ended = deploy
        .wait()
        .map_err(Error::io("waiting for ansible-playbook"))?;
    let back = release(near)?;
    far.restore_network()?;
    let recovered = stage.play("deploy.yml", &[])?;
    let report = load.finish()?;
    assert!(!ended.success(), "a lost host went unnoticed: {said}");
    assert_eq!(back, before, "the first host was not taken back: {said}");
    recovered.success()?;
    assert_ne!(release(near)?, before);
    assert_eq!(release(far)?, release(near)?, "the hosts differ");
    stage.put_artifact(&stage.artifact)?;
    told(stage, fault, &report);
    Ok(())
}

fn told(stage: &Stage, fault: &str, report: &lab::load::Report) {
    stage.note(Row::loaded(fault, "0 GET", report));
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
}

fn release(host: &Host) -> Result<String> {
    host.run(&["readlink", CURRENT])
}

fn deploy(stage: &Stage) -> Result<Child> {
    let mut playbook = stage
        .lab
        .controller()
        .playbook(&stage.bundle.ansible(), "deploy.yml");
    playbook
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(Error::io("starting ansible-playbook"))
}

/// What it says, line by line.
fn lines_of(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = child.stdout.take().map(BufReader::new);
    lines
        .into_iter()
        .flat_map(BufRead::lines)
        .map_while(std::result::Result::ok)
}
