//! Watches a release after its run has ended, and undoes it if an instance exits.
//!
//! A release can be healthy and exit seconds later. The run does not wait for that: a transient service
//! of this host watches the release without a connection. After it has undone a release, the service is
//! in state failed, which `status` reports.

use std::time::Duration;

use tokio::time::{Instant as Time, sleep};

use super::undo::undo;
use crate::clock;
use crate::execution::{Context, Failure};
use crate::health_check::Checker;
use crate::lock::Turn;
use crate::plan::Move;
use crate::systemd::{States, Systemd, Transient, UnitState, Verb};
use crate::unfinished::{Purpose, Unfinished};

/// Time between two looks at the instances.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The service that watches. No pool and no proxy has this name: theirs have no dots.
pub(crate) fn unit(project: &str) -> String {
    format!("{project}.guard.service")
}

/// Watches the releases that a run has changed. An earlier watch ends with that. Only for who has the
/// turn: then no watch is undoing anything.
pub(super) async fn start_watch<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    moves: &[Move],
    time: Duration,
) -> Result<(), Failure> {
    let project = &context.host.project;
    let unit = unit(project);
    // Without a release to return to, systemd's restarts are all that helps.
    let has_origin = |change: &&Move| change.previous.is_some() && change.is_change();
    let watched: Vec<Move> = moves.iter().filter(has_origin).cloned().collect();
    let is_needed = !watched.is_empty() && !time.is_zero();
    if is_needed {
        // A service that does not run cannot be stopped.
        let _ = context
            .systemd
            .run(Verb::Stop, std::slice::from_ref(&unit))
            .await;
    }
    let _ = context.systemd.reset_failed(&unit).await;
    if !is_needed {
        return Ok(());
    }
    let file = file(context);
    file.write(&watched).map_err(Failure::new)?;
    let service = Transient {
        unit,
        options: Vec::new(),
        command: vec![
            context.host.paths.program.display().to_string(),
            "watch-release".to_owned(),
            project.clone(),
            time.as_secs_f64().to_string(),
        ],
    };
    if let Err(error) = context.systemd.start_transient(&service).await {
        file.remove().map_err(Failure::new)?;
        let message = format!("cannot start the post-deploy monitoring of {project}: {error}");
        return Err(Failure::new(message));
    }
    Ok(())
}

/// Watches for this time. Fails if it has undone a release.
pub(crate) async fn watch_release<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    time: Duration,
) -> Result<(), Failure> {
    let (until, since_us) = (Time::now() + time, clock::monotonic_us());
    while Time::now() < until {
        let watched = watched(context)?;
        if watched.is_empty() {
            break;
        }
        if !exited(context, &watched).await?.is_empty() {
            undo_watched(context, since_us).await?;
        }
        sleep(POLL_INTERVAL).await;
    }
    file(context).remove().map_err(Failure::new)
}

/// Undoes the releases, unless another program has changed them while this one waited for its turn.
async fn undo_watched<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    since_us: u64,
) -> Result<(), Failure> {
    let runtime = context.machine.root.resolve(&context.host.paths.runtime);
    // As long as it takes: nothing else undoes them.
    let turn = Turn::take(&runtime, Duration::MAX).await;
    let _turn = turn.map_err(Failure::new)?;
    let watched = watched(context)?;
    let exited = exited(context, &watched).await?;
    if exited.is_empty() {
        return Ok(());
    }
    let mut lines = Vec::new();
    for (unit, release, state) in exited {
        let logged = context.systemd.exit_message(&unit, since_us, "").await;
        let ending = logged.unwrap_or_else(|| state.ending());
        lines.push(format!(
            "release {release} is rolled back, {unit} exited: {ending}"
        ));
    }
    lines.push(undo(context, &watched).await?);
    file(context).remove().map_err(Failure::new)?;
    Err(Failure::new(lines.join("\n")))
}

/// The changes that are watched, without those that another run has changed since.
fn watched<S, C>(context: Context<'_, S, C>) -> Result<Vec<Move>, Failure> {
    let moves = file(context)
        .read()
        .map_err(Failure::new)?
        .unwrap_or_default();
    let mut watched = Vec::new();
    for change in moves {
        let Some(app) = context.host.app(&change.app) else {
            continue;
        };
        let store = context.machine.store(&app.directory);
        if store.proven().map_err(Failure::new)?.as_ref() == Some(&change.release) {
            watched.push(change);
        }
    }
    Ok(watched)
}

/// Instances that exited: unit, release, and state.
async fn exited<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    watched: &[Move],
) -> Result<Vec<(String, String, UnitState)>, Failure> {
    let touched = watched
        .iter()
        .flat_map(|m| m.touched.iter().map(move |t| (m, t)));
    let units: Vec<String> = touched.clone().map(|(_, (unit, _))| unit.clone()).collect();
    let states: States = context.systemd.states(&units).await.map_err(Failure::new)?;
    let mut exited = Vec::new();
    for (change, (unit, invocation)) in touched {
        let state = states.get(unit).cloned().unwrap_or_default();
        if has_exited(&state, invocation) {
            exited.push((unit.clone(), change.release.clone(), state));
        }
    }
    Ok(exited)
}

/// Whether the run that was healthy, or one after it, ended without a request. Then systemd starts the next one,
/// and counts it. A failed unit is none: a manual stop that takes too long leaves one.
fn has_exited(state: &UnitState, invocation: &str) -> bool {
    let is_up = state.is_active() && state.invocation == invocation;
    state.awaits_restart() || (state.restarts > 0 && !is_up)
}

fn file<S, C>(context: Context<'_, S, C>) -> Unfinished {
    let runtime = context.machine.root.resolve(&context.host.paths.runtime);
    Unfinished::new(&runtime, Purpose::Watched)
}
