//! An app that opens its own port and knows nothing of systemd: what its restarts
//! cost, and what a deploy and a probe do for it.

use lab::load::Report;
use lab::{Loading, Result};

use crate::prober::wait_known;
use crate::row::{IN_FLIGHT, Row};
use crate::stage::{CONNECTIONS, Stage, is_full, main_pid, wait_replaced, wait_taken_back};
use crate::system::restart_everywhere;

/// Instances, each of which may take what it has in hand with it.
const INSTANCES: u32 = 2;

/// A member of a gzip file without content (RFC 1952): behind an archive, the same files by another
/// digest.
const NOTHING: [u8; 20] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

fn load(stage: &Stage) -> Result<Loading> {
    let options = ["--expect", "any", "--rate", "400", "--requests", "1600"];
    stage.load_at(stage.system.door, &options[..if is_full() { 2 } else { 6 }])
}

/// One after the other, each asked for its health before the next.
pub(crate) fn deploying_loses_no_get(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let link = ["readlink", "/opt/express/web/current"];
    let before = host.run(&link)?;
    stage.put_artifact(&[&stage.artifact[..], &NOTHING[..]].concat())?;
    let load = load(stage)?;
    let play = stage.play("deploy.yml", &[])?;
    let report = load.finish()?;
    play.success()?;
    assert_ne!(host.run(&link)?, before, "the release did not change");
    within_flight(stage, "deploy of an app with a port of its own", &report);
    Ok(())
}

/// The host still guards what the run brought: what is down is mended first, and only when it answers
/// the others go back.
pub(crate) fn what_dies_under_guard_is_taken_back_around_the_others(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let link = ["readlink", "/opt/express/web/current"];
    let before = host.run(&link)?;
    stage.put_artifact(&[&stage.artifact[..], &NOTHING[..], &NOTHING[..]].concat())?;
    stage.play("deploy.yml", &[])?.success()?;
    assert_ne!(host.run(&link)?, before, "the release did not change");
    let load = load(stage)?;
    host.run(&[
        "systemctl",
        "kill",
        "--signal=SIGKILL",
        "express-web@3001.service",
    ])?;
    let took = wait_taken_back(stage)?;
    let report = load.finish()?;
    assert_eq!(host.run(&link)?, before);
    let fault = format!(
        "kill -9 under guard, ports of their own: the release is taken back after {:.1} s",
        took.as_secs_f64()
    );
    within_flight(stage, &fault, &report);
    stage.put_artifact(&stage.artifact)?;
    Ok(())
}

/// The same without a new release: what `pm2 reload` was.
pub(crate) fn restarting_one_by_one_loses_no_get(stage: &Stage) -> Result<()> {
    let host = stage.front();
    let unit = "express-web@3001.service";
    let before = main_pid(host, unit)?;
    let load = load(stage)?;
    let said = host.run(&["genconf-host", "restart", "express", "web"])?;
    let report = load.finish()?;
    let told = [
        "restarted express-web@3001.service",
        "restarted express-web@3002.service",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), told);
    assert_ne!(main_pid(host, unit)?, before, "it is the same process");
    let fault = "restart one after the other (genconf-host restart), ports of their own";
    within_flight(stage, fault, &report);
    Ok(())
}

/// SIGSTOP: two questions of the probe find it.
pub(crate) fn a_hung_app_is_replaced_by_its_probe(stage: &Stage) -> Result<()> {
    let (host, unit) = (stage.front(), "express-web@3001.service");
    // One that has not been asked yet would be given its time to start.
    wait_known(host, unit)?;
    let load = load(stage)?;
    let pid = main_pid(host, unit)?;
    host.run(&["kill", "-STOP", &pid.to_string()])?;
    let took = wait_replaced(host, unit, pid)?;
    let report = load.finish()?;
    let told = host.shell(
        "journalctl --sync; journalctl -u express-web-probe -o cat -g 'failed the health check 2 times, restarted'",
    )?;
    assert!(told.contains(unit), "{told}");
    let fault = format!(
        "hang (SIGSTOP) of an app without a watchdog, replaced after {:.1} s",
        took.as_secs_f64()
    );
    within_flight(stage, &fault, &report);
    Ok(())
}

/// Control, and the reason to take the socket: ports that close together refuse.
pub(crate) fn restarting_all_at_once_is_counted(stage: &Stage) -> Result<()> {
    let load = load(stage)?;
    restart_everywhere(stage)?;
    let report = load.finish()?;
    stage.note(Row::loaded(
        "restart of all at once, ports of their own",
        "not lossless: use deploy.yml, or `socket: true`",
        &report,
    ));
    assert!(report.get.failures() > 0, "{report}");
    Ok(())
}

fn within_flight(stage: &Stage, fault: &str, report: &Report) {
    stage.note(Row::loaded(fault, IN_FLIGHT, report));
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    assert!(
        report.post.failures() <= u64::from(INSTANCES * CONNECTIONS),
        "{report}\n{:?}",
        report.events
    );
}
