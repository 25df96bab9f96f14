//! Ends a run, or undoes it if it does not end in time.
//!
//! The timer that undoes a run is started before the host changes, and needs no connection: a deploy can
//! interrupt the network of its host.

use std::time::Duration;

use super::watch::start_watch;
use crate::execution::{Context, Failure};
use crate::health_check::Checker;
use crate::plan::Move;
use crate::systemd::{Systemd, Transient, Verb};
use crate::unfinished::{Purpose, Unfinished};

/// Undoes what the run has recorded by then after this time.
pub(crate) async fn arm<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    after: Duration,
) -> Result<(), Failure> {
    let project = &context.host.project;
    disarm(context).await;
    let timer = Transient {
        unit: unit(project),
        options: vec![
            // Removed also after a failure: a loaded unit cannot be started again.
            "--collect".to_owned(),
            format!("--on-active={}s", after.as_secs_f64()),
            "--timer-property=AccuracySec=1s".to_owned(),
        ],
        command: vec![
            context.host.paths.program.display().to_string(),
            "undo".to_owned(),
            project.clone(),
        ],
    };
    let started = context.systemd.start_transient(&timer).await;
    started.map_err(|e| Failure::new(format!("cannot start the rollback timer of {project}: {e}")))
}

/// Stops the timer, and an undo that waits for its turn. Only for who has the turn.
pub(crate) async fn disarm<S: Systemd, C: Checker>(context: Context<'_, S, C>) {
    for suffix in ["timer", "service"] {
        let unit = format!("{}.{suffix}", unit(&context.host.project));
        // A timer that has fired, or that a reboot has removed, cannot be stopped.
        let _ = context.systemd.run(Verb::Stop, &[unit]).await;
    }
}

/// Ends a run on this host. From then on the host watches the release without the run for the time
/// `watch`.
pub(crate) async fn confirm<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    moves: &[Move],
    watch: Duration,
) -> Result<(), Failure> {
    disarm(context).await;
    let runtime = context.machine.root.resolve(&context.host.paths.runtime);
    let unfinished = Unfinished::new(&runtime, Purpose::Unfinished);
    unfinished.remove().map_err(Failure::new)?;
    start_watch(context, moves, watch).await
}

/// Fails unless every instance that the run has started still runs.
pub(crate) async fn verify<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    moves: &[Move],
) -> Result<(), Failure> {
    let touched = moves.iter().flat_map(|change| &change.touched);
    let units: Vec<String> = touched.clone().map(|(unit, _)| unit.clone()).collect();
    let states = context.systemd.states(&units).await.map_err(Failure::new)?;
    for (unit, invocation) in touched {
        let state = states.get(unit).cloned().unwrap_or_default();
        if state.is_active() && state.invocation == *invocation {
            continue;
        }
        let ending = state.ending();
        let message = format!("{unit}: exited after it was healthy: {ending}");
        return Err(Failure {
            instance: Some(unit.clone()),
            message,
        });
    }
    Ok(())
}

/// Name of the timer and its service. No pool and no proxy has this name: theirs have no dots.
fn unit(project: &str) -> String {
    format!("{project}.undo")
}
