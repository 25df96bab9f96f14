//! Processes that die without a word.

use lab::Result;
use lab::load::Report;

use crate::row::{IN_FLIGHT, Row};
use crate::stage::{CONNECTIONS, Stage, is_full, main_pid, wait_active, wait_replaced};

fn rounds() -> u32 {
    if is_full() { 10 } else { 3 }
}

/// One instance of a pool.
pub(crate) fn killing_an_instance_loses_no_get(stage: &Stage) -> Result<()> {
    killed(
        stage,
        ("/api/randoms", "randoms-spread@8084.service"),
        "kill -9 of an instance",
    )
}

/// One worker of several behind one port.
pub(crate) fn killing_a_worker_loses_no_get(stage: &Stage) -> Result<()> {
    killed(
        stage,
        ("/cluster/api/randoms", "randoms-shared-8081@1.service"),
        "kill -9 of a cluster worker",
    )
}

fn killed(stage: &Stage, (path, unit): (&str, &str), fault: &str) -> Result<()> {
    let load = stage.load_on(path, &[])?;
    for _ in 0..rounds() {
        let pid = main_pid(stage.front(), unit)?;
        stage.front().run(&["kill", "-KILL", &pid.to_string()])?;
        wait_replaced(stage.front(), unit, pid)?;
    }
    let report = load.finish()?;
    wait_active(stage.front(), &stage.units)?;
    stage.note(Row::loaded(
        &format!("{fault}, {} times", rounds()),
        IN_FLIGHT,
        &report,
    ));
    within_flight(&report, rounds());
    Ok(())
}

/// At most what all connections had in flight at each kill.
fn within_flight(report: &Report, kills: u32) {
    assert_eq!(report.get.failures(), 0, "{report}\n{:?}", report.events);
    let in_flight = u64::from(kills * CONNECTIONS);
    assert!(
        report.post.failures() <= in_flight,
        "{report}\n{:?}",
        report.events
    );
}
