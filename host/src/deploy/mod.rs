//! Moves apps to other releases, or leaves them as they are.
//!
//! Each change is recorded before it is visible. A step that is interrupted leaves `current` different
//! from `proven`, or the file of an unfinished run; the next run completes it or undoes it.

mod confirmation;
mod selection;
#[cfg(test)]
pub(crate) mod tests;
mod undo;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::execution::{Context, Executor, Failure, History};
use crate::health_check::Checker;
use crate::host::Host;
use crate::lock::Run;
use crate::observation::Observation;
use crate::plan::{self, Move};
use crate::systemd::Systemd;
use crate::unfinished::{Purpose, Unfinished};

pub(crate) use confirmation::{arm, confirm, disarm, verify};
pub(crate) use selection::{Selection, Which, admit, current_releases, lacking, select};
pub(crate) use undo::undo;
pub(crate) use watch::{unit as watch_unit, watch_release};

/// What a deploy or a rollback has done.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Outcome {
    /// The changes of releases.
    pub(crate) moves: Vec<Move>,
    /// One line for each step that changed something.
    pub(crate) log: Vec<String>,
}

impl Outcome {
    /// Whether anything changed.
    pub(crate) fn is_change(&self) -> bool {
        !self.log.is_empty() || self.moves.iter().any(Move::is_change)
    }
}

/// How a release is changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Time for which the first instance runs before the next one restarts.
    pub(crate) observe: Duration,
    /// The run that changes it.
    pub(crate) run: Option<Run>,
    /// What an earlier run has changed and not finished.
    pub(crate) unfinished: Vec<Move>,
    /// What the releases become in the history: a rollback keeps it.
    pub(crate) history: History,
}

/// The length of the name of a release, a prefix of the SHA-256 of its artifact.
pub(crate) const RELEASE_LENGTH: usize = 12;

/// The release of an artifact with this SHA-256.
pub(crate) fn release_of(sha256: &str) -> &str {
    sha256.get(..RELEASE_LENGTH).unwrap_or(sha256)
}

/// The changes that move each app to its release. Apps without instances here have none.
pub(crate) fn moves<S, C>(
    context: Context<'_, S, C>,
    observation: &Observation,
    releases: &BTreeMap<String, String>,
    unfinished: &[Move],
) -> Result<Vec<Move>, Failure> {
    let host = context.host;
    let mut moves = Vec::new();
    for app in &host.apps {
        let Some(release) = releases.get(&app.name) else {
            continue;
        };
        if !observation.releases(&app.name).present.contains(release) {
            let message = format!(
                "{}: release {release} of {} was removed",
                host.host, app.name
            );
            return Err(Failure::new(message));
        }
        moves.push(Move::new(&app.name, release, observation, unfinished));
    }
    Ok(moves)
}

/// Moves each app to its release: all of them or none. `releases`: by app.
pub(crate) async fn change<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    releases: &BTreeMap<String, String>,
    options: Options,
) -> Result<Outcome, Failure> {
    let observed = context.machine.observe(context.host, context.systemd).await;
    let observation = observed.map_err(Failure::new)?;
    let moves = moves(context, &observation, releases, &options.unfinished)?;
    let steps = plan::moves_to(context.host, &observation, &moves);
    run(context, &steps, options).await
}

/// Executes steps that change releases. If one fails, the changes are undone.
pub(crate) async fn run<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    steps: &[plan::Step],
    options: Options,
) -> Result<Outcome, Failure> {
    let mut executor = Executor::new(context)?
        .observing(options.observe)
        .with_history(options.history);
    let runtime = context.machine.root.resolve(&context.host.paths.runtime);
    let of = |run: &Run| Unfinished::new(&runtime, Purpose::Unfinished).of(run);
    let recorded = options.run.as_ref().map(of);
    if let Some(recorded) = &recorded {
        executor = executor.recording(recorded.clone());
    }
    let mut result = executor.run(steps).await;
    if result.is_ok() {
        result = executor.check().await;
    }
    let Err(failure) = result else {
        return Ok(Outcome {
            moves: executor.moves,
            log: executor.log,
        });
    };
    let undone = undo(context, &executor.moves).await;
    if let (Ok(_), Some(recorded)) = (&undone, &recorded) {
        // It is tried once, also if an instance failed again. The failure of the run is what is reported.
        let _ = recorded.write(&[]);
    }
    let undone = undone.unwrap_or_else(|failure| failure.to_string());
    Err(abandoned(context.host, &executor.moves, failure, &undone))
}

/// The failure of a run, with what the host runs now.
fn abandoned(host: &Host, moves: &[Move], failure: Failure, undone: &str) -> Failure {
    let host = &host.host;
    let what = match moves.last() {
        Some(last) if last.is_change() => format!("{host}: release {}: {failure}", last.release),
        Some(_) => format!(
            "{host}: {failure}\nthe release did not change; later instances were not restarted"
        ),
        None => format!("{host}: {failure}"),
    };
    Failure {
        message: format!("{what}\n{undone}").trim_end().to_owned(),
        ..failure
    }
}
