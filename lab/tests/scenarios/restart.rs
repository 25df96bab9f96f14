//! Restarts by hand, under load: nothing is lost.

use std::time::Duration;

use lab::load::Report;
use lab::wait::{self, Seen};
use lab::{Host, Loading, Result};

use crate::reply::Expect;
use crate::row::Row;
use crate::runner::joined;
use crate::stage::{RECOVERY, Stage, is_full, main_pid, wait_active};

const NOTHING: &str = "0 GET, 0 POST";

/// For how long a proxy is stopped: longer than it keeps idle connections, and shorter than the 2 s
/// for which an instance that stops leaves them open.
const STALL: Duration = Duration::from_millis(600);

/// Many clients that each pause between two requests, so that connections to the instances are idle
/// when the proxy is stopped.
const PACED: &[&str] = &["--connections", "64", "--rate", "1500"];

/// Where a drop-in gives the instances of the pool another grace.
const GRACE_DROPIN: &str = "/run/systemd/system/randoms-spread@.service.d";

/// Brings a drop-in into effect, or its removal.
const RELOAD_INSTANCES: &str =
    "systemctl daemon-reload && systemctl restart 'randoms-spread@*.service'";

/// How often the control may try to lose a request.
const TRIALS: u32 = 5;

fn rounds() -> u32 {
    if is_full() { 10 } else { 2 }
}

/// One instance, again and again.
pub(crate) fn restarting_one_loses_nothing(stage: &Stage) -> Result<()> {
    restarted(stage, "restart of one instance", |host| {
        host.run(&["systemctl", "restart", "randoms-spread@8083"])
            .map(drop)
    })
}

/// All instances of a pool at the same moment.
pub(crate) fn restarting_all_loses_nothing(stage: &Stage) -> Result<()> {
    restarted(stage, "restart of all instances at once", |host| {
        host.run(&["systemctl", "restart", "randoms-spread@*"])
            .map(drop)
    })
}

/// The same while the proxy's workers are stopped, as on a machine that is busy elsewhere: when
/// they go on, requests wait for them.
pub(crate) fn restarting_all_behind_a_stalled_proxy_loses_nothing(stage: &Stage) -> Result<()> {
    let load = stage.load_on("/api/randoms", PACED)?;
    let report = disturbed(stage, load, restart_stalled)?;
    let fault = format!("restart of all behind a stalled proxy, {} times", rounds());
    stage.note(Row::loaded(&fault, NOTHING, &report));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

/// Control: instances that close idle connections after 150 ms lose requests of a stalled proxy.
pub(crate) fn a_short_grace_is_counted(stage: &Stage) -> Result<()> {
    let host = stage.front();
    host.shell(&format!(
        "mkdir -p {GRACE_DROPIN} && printf '[Service]\nEnvironment=RANDOMS_GRACE=150ms\n' \
         > {GRACE_DROPIN}/grace.conf && {RELOAD_INSTANCES}"
    ))?;
    // Which a worker reads first when it goes on, requests or ends of connections, is up to chance.
    let mut lost = 0;
    for _ in 0..TRIALS {
        let load = stage.load_on("/api/randoms", PACED)?;
        lost += disturbed(stage, load, restart_stalled)?.failures();
        if lost > 0 {
            break;
        }
    }
    host.shell(&format!("rm -r {GRACE_DROPIN} && {RELOAD_INSTANCES}"))?;
    assert!(lost > 0, "none was lost in {TRIALS} trials");
    Ok(())
}

fn restart_stalled(host: &Host) -> Result<()> {
    let master = main_pid(host, "randoms-edge.service")?.to_string();
    let tell = |signal: &str| host.run(&["pkill", "--signal", signal, "--parent", &master]);
    tell("STOP")?;
    std::thread::scope(|scope| {
        let restart = scope.spawn(|| host.run(&["systemctl", "restart", "randoms-spread@*"]));
        std::thread::sleep(STALL);
        tell("CONT")?;
        joined(restart).map(drop)
    })
}

/// One instance after the other.
pub(crate) fn rolling_restart_loses_nothing(stage: &Stage) -> Result<()> {
    restarted(stage, "rolling restart", |host| {
        (8082..=8085).try_for_each(|port| {
            host.run(&["systemctl", "restart", &format!("randoms-spread@{port}")])
                .map(drop)
        })
    })
}

/// Cluster workers on one shared port, all at once.
pub(crate) fn restarting_workers_loses_nothing(stage: &Stage) -> Result<()> {
    let load = stage.load_on("/cluster/api/randoms", &[])?;
    for _ in 0..rounds() {
        stage
            .front()
            .run(&["systemctl", "restart", "randoms-shared-8081@*.service"])?;
    }
    let report = load.finish()?;
    stage.note(Row::loaded(
        "restart of all cluster workers at once",
        NOTHING,
        &report,
    ));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

/// The app's own master replaces its workers one by one, and stays itself.
pub(crate) fn reloading_a_master_loses_nothing(stage: &Stage) -> Result<()> {
    let (host, unit) = (stage.front(), "native-cluster@8000.service");
    let workers = |master: u32| host.run(&["pgrep", "--parent", &master.to_string()]);
    let master = main_pid(host, unit)?;
    let before = workers(master)?;
    let load = stage.load()?;
    host.run(&["systemctl", "reload", unit])?;
    wait::until("all workers replaced", RECOVERY, || match workers(master) {
        Ok(now) if are_others(&before, &now) => Seen::Yes(()),
        now => Seen::NotYet(format!("{now:?} after {before:?}")),
    })?;
    let report = load.finish()?;
    stage.note(Row::loaded(
        "reload of the app's own master",
        NOTHING,
        &report,
    ));
    assert_eq!(main_pid(host, unit)?, master, "the master was replaced");
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

/// As many lines, none of which was there before.
fn are_others(before: &str, now: &str) -> bool {
    before.lines().count() == now.lines().count()
        && now
            .lines()
            .all(|line| before.lines().all(|old| old != line))
}

/// Every pool and the proxy at the same moment.
pub(crate) fn restarting_the_target_loses_nothing(stage: &Stage) -> Result<()> {
    restarted(stage, "restart of randoms.target", |host| {
        host.run(&["systemctl", "restart", "randoms.target"])?;
        wait_active(host, &stage.units).map(drop)
    })
}

/// More often in ten seconds than systemd starts a unit that has a start limit.
pub(crate) fn restarting_the_target_often_leaves_it_whole(stage: &Stage) -> Result<()> {
    let host = stage.front();
    for _ in 0..6 {
        host.run(&["systemctl", "restart", "randoms.target"])?;
    }
    wait_active(host, &stage.units).map(drop)
}

/// The proxy alone.
pub(crate) fn restarting_the_proxy_loses_nothing(stage: &Stage) -> Result<()> {
    restarted(stage, "restart of the proxy", |host| {
        host.run(&["systemctl", "restart", "randoms-edge"])
            .map(drop)
    })
}

/// Control of all scenarios under load: a pool without sockets is counted as lost.
pub(crate) fn a_closed_port_is_counted(stage: &Stage) -> Result<()> {
    let load = stage.load()?;
    stage
        .front()
        .run(&["systemctl", "stop", "randoms-spread.target"])?;
    let url = stage.url("/api/randoms?cant=1000");
    wait::until("refused", RECOVERY, || match stage.ask(&url) {
        Ok(reply) if reply.lacks(&Expect::Tally).is_none() => Seen::NotYet(format!("{reply:?}")),
        _ => Seen::Yes(()),
    })?;
    stage
        .front()
        .run(&["systemctl", "start", "randoms-spread.target"])?;
    wait_active(stage.front(), &stage.units)?;
    let report = load.finish()?;
    assert!(
        report.get.failures() > 0 && report.post.failures() > 0,
        "{report}"
    );
    Ok(())
}

fn restarted(stage: &Stage, fault: &str, act: impl Fn(&Host) -> Result<()>) -> Result<()> {
    let report = disturbed(stage, stage.load()?, act)?;
    let fault = format!("{fault}, {} times", rounds());
    stage.note(Row::loaded(&fault, NOTHING, &report));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}

/// What comes of `act`, again and again under `load`.
fn disturbed(stage: &Stage, load: Loading, act: impl Fn(&Host) -> Result<()>) -> Result<Report> {
    for _ in 0..rounds() {
        act(stage.front())?;
    }
    let report = load.finish()?;
    wait_active(stage.front(), &stage.units)?;
    Ok(report)
}
