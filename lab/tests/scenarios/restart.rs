//! Restarts by hand, under load: nothing is lost.

use lab::{Host, Result};

use crate::install::UNITS;
use crate::row::Row;
use crate::stage::{Stage, is_full, wait_active, wait_inactive};

const NOTHING: &str = "0 GET, 0 POST";

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
        host.run(&["systemctl", "restart", "randoms-spread@*.service"])
            .map(drop)
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

/// Every pool and the proxy at the same moment.
pub(crate) fn restarting_the_target_loses_nothing(stage: &Stage) -> Result<()> {
    restarted(stage, "restart of randoms.target", |host| {
        host.run(&["systemctl", "restart", "randoms.target"])?;
        wait_active(host, &UNITS).map(drop)
    })
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
    wait_inactive(
        stage.front(),
        &["randoms-spread@8082.socket", "randoms-spread@8082.service"],
    )?;
    stage
        .front()
        .run(&["systemctl", "start", "randoms-spread.target"])?;
    wait_active(stage.front(), &UNITS)?;
    let report = load.finish()?;
    assert!(
        report.get.failures() > 0 && report.post.failures() > 0,
        "{report}"
    );
    Ok(())
}

fn restarted(stage: &Stage, fault: &str, act: impl Fn(&Host) -> Result<()>) -> Result<()> {
    let load = stage.load()?;
    for _ in 0..rounds() {
        act(stage.front())?;
    }
    let report = load.finish()?;
    wait_active(stage.front(), &UNITS)?;
    let fault = format!("{fault}, {} times", rounds());
    stage.note(Row::loaded(&fault, NOTHING, &report));
    assert_eq!(report.failures(), 0, "{report}\n{:?}", report.events);
    Ok(())
}
