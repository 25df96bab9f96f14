//! Undoes changes of releases.

use model::App;

use crate::execution::{Context, Executor, Failure};
use crate::health_check::Checker;
use crate::host::Instance;
use crate::observation::Observation;
use crate::plan::{self, Move, Step};
use crate::release::Store;
use crate::systemd::{Systemd, Verb};

/// Undoes changes, the last one first, and what an interrupted change has left. Returns what the host
/// runs now, one line for each app.
///
/// Restarts only instances that run the rejected release, or that were started for it. The first one
/// that fails ends it: the others may still serve.
pub(crate) async fn undo<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    moves: &[Move],
) -> Result<String, Failure> {
    let mut lines = Vec::new();
    for change in moves.iter().rev() {
        lines.extend(undo_one(context, change).await?);
    }
    for app in &context.host.apps {
        let store = context.machine.store(&app.directory);
        let (current, proven) = current_and_proven(&store)?;
        if let Some(proven) = proven
            && current.as_ref() != Some(&proven)
        {
            let change = Move {
                app: app.name.clone(),
                release: current.unwrap_or_default(),
                previous: Some(proven),
                ..Move::default()
            };
            lines.push(return_to(context, app, &change).await?);
        }
    }
    Ok(lines.join("\n"))
}

async fn undo_one<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    change: &Move,
) -> Result<Option<String>, Failure> {
    let Some(app) = context.host.app(&change.app) else {
        return Ok(None);
    };
    let store = context.machine.store(&app.directory);
    let (current, proven) = current_and_proven(&store)?;
    let is_proven = proven.as_ref() == Some(&change.release);
    let is_interrupted = proven == change.previous
        && (current.as_ref() == Some(&change.release)
            || is_returning(context, change, current.as_ref()).await?);
    if !is_proven && !is_interrupted {
        // Another run has changed the app since.
        return Ok(None);
    }
    if !change.is_change() {
        let host = &context.host.host;
        return Ok(Some(format!(
            "{host}: {} stays on release {}",
            app.name, change.release
        )));
    }
    return_to(context, app, change).await.map(Some)
}

/// Whether an undo of `change` was interrupted after it had selected the release to return to.
async fn is_returning<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    change: &Move,
    current: Option<&String>,
) -> Result<bool, Failure> {
    let Some(to) = current.filter(|current| change.previous.as_ref() == Some(current)) else {
        return Ok(false);
    };
    let observation = observe(context).await?;
    let left = plan::return_to(context.host, &observation, change, to);
    Ok(!left.is_empty())
}

/// Returns an app to the release before `change`.
async fn return_to<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    app: &App,
    change: &Move,
) -> Result<String, Failure> {
    let store = context.machine.store(&app.directory);
    let Some(to) = change.previous.as_ref() else {
        return withdraw(context, app, change).await;
    };
    if !store.has(to).map_err(Failure::new)? {
        let message = format!(
            "{}: release {to} of {} is missing; its instances stay on {}",
            context.host.host, app.name, change.release
        );
        return Err(Failure::new(message));
    }
    // First: nothing is undone without it.
    let observation = observe(context).await?;
    let mut executor = Executor::new(context)?.without_required_records();
    executor.record_releases(&app.name, &observation)?;
    store.select(to).map_err(Failure::new)?;
    let instances = plan::return_to(context.host, &observation, change, to);
    let mut lines = Vec::new();
    let mut restarted = 0;
    for (instance, index) in instances.iter().zip(1..) {
        let step = Step::Instance {
            unit: instance.unit.clone(),
            verb: Verb::Restart,
        };
        let Err(failure) = executor.run(&[step]).await else {
            restarted += 1;
            continue;
        };
        // Another instance than this one may have failed: one that was restarted before.
        let failed = failure
            .instance
            .as_ref()
            .and_then(|unit| context.host.instance(unit));
        let Some(failed) = failed else {
            return Err(failure);
        };
        lines.push(format!("still failing: {failure}"));
        lines.extend(close_socket(context, failed).await);
        let first = if failed.unit == instance.unit {
            index
        } else {
            index - 1
        };
        let rest: Vec<&str> = instances[first..].iter().map(|i| i.unit.as_str()).collect();
        if !rest.is_empty() {
            lines.push(format!("not restarted: {}", rest.join(" ")));
        }
        break;
    }
    store.prove(to).map_err(Failure::new)?;
    if change.fresh && restarted == instances.len() {
        store.forget(&change.release).map_err(Failure::new)?;
    }
    let host = &context.host.host;
    let summary = format!("{host}: rolled back to release {to}, {restarted} instances restarted");
    lines.insert(0, summary);
    Ok(lines.join("\n"))
}

/// Closes the socket of an instance that does not start: requests would wait in its queue, and proxies
/// send them to other instances if it refuses them.
async fn close_socket<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    instance: &Instance,
) -> Option<String> {
    let socket = instance.socket.as_ref().filter(|_| instance.sharing == 1)?;
    let units = [socket.clone(), instance.unit.clone()];
    Some(match context.systemd.run(Verb::Stop, &units).await {
        Ok(()) => format!("{socket} is closed until site.yml runs again"),
        Err(error) => error.to_string(),
    })
}

/// Stops an app whose first release failed.
async fn withdraw<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    app: &App,
    change: &Move,
) -> Result<String, Failure> {
    let instances = context.host.instances_of(&app.name);
    let sockets = instances.iter().filter_map(|i| i.socket.clone());
    let units = sockets.chain(instances.iter().map(|i| i.unit.clone()));
    for unit in units {
        let units = [unit];
        // A unit that was never loaded cannot be stopped.
        let _ = context.systemd.run(Verb::Stop, &units).await;
        let _ = context.systemd.reset_failed(&units[0]).await;
    }
    if change.fresh {
        let store = context.machine.store(&app.directory);
        store.forget(&change.release).map_err(Failure::new)?;
    }
    let host = &context.host.host;
    Ok(format!(
        "{host}: no earlier release to roll back to; {} is stopped",
        app.name
    ))
}

async fn observe<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
) -> Result<Observation, Failure> {
    let observed = context.machine.observe(context.host, context.systemd).await;
    observed.map_err(Failure::new)
}

fn current_and_proven(store: &Store) -> Result<(Option<String>, Option<String>), Failure> {
    let current = store.current().map_err(Failure::new)?;
    Ok((current, store.proven().map_err(Failure::new)?))
}
