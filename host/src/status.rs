//! The state of each instance of this host.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use model::{Endpoint, HealthCheck};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::clock;
use crate::deploy;
use crate::execution::Context;
use crate::files::{self, Modification};
use crate::health_check::Checker;
use crate::observation::Observation;
use crate::plan::{self, Move};
use crate::systemd::{Activity, Systemd, UnitState};
use crate::unfinished::{Purpose, Unfinished};

/// Time between the two samples of CPU time.
const SAMPLE: Duration = Duration::from_millis(200);
/// Time limit of a health check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// One instance, proxy, unmanaged unit, or modified file.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) host: String,
    pub(crate) pool: String,
    pub(crate) instance: String,
    pub(crate) state: String,
    pub(crate) pid: u32,
    /// In seconds.
    pub(crate) uptime: u64,
    pub(crate) restarts: u32,
    /// In bytes.
    pub(crate) memory: u64,
    /// In percent of one CPU.
    pub(crate) cpu: f64,
    pub(crate) release: String,
    /// `ok`, or why it is not healthy.
    pub(crate) health: String,
    /// Whether it is as described.
    pub(crate) healthy: bool,
}

/// A unit to report.
struct Subject {
    pool: String,
    unit: String,
    check: Option<(Endpoint, HealthCheck)>,
    is_managed: bool,
}

/// The rows of this host.
pub(crate) async fn rows<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
) -> Result<Vec<Row>, String> {
    let observation = context
        .machine
        .observe(context.host, context.systemd)
        .await?;
    let subjects = subjects(context, &observation);
    let pids = subjects.iter().map(|s| observation.unit(&s.unit).main_pid);
    let pids: Vec<u32> = pids.collect();
    let before: Vec<u64> = pids
        .iter()
        .map(|pid| cpu_ticks(&context.machine.proc, *pid))
        .collect();
    let results = check_all(context, &subjects).await;
    sleep(SAMPLE).await;
    let mut rows = Vec::new();
    for (((subject, health), pid), ticks) in subjects.iter().zip(results).zip(pids).zip(before) {
        let used = cpu_ticks(&context.machine.proc, pid).saturating_sub(ticks);
        let state = observation.unit(&subject.unit);
        let row = row(context, &observation, subject, &state);
        let is_active = row.state == "active";
        rows.push(Row {
            cpu: cpu_percent(used),
            healthy: subject.is_managed && is_active && health == "ok",
            health,
            ..row
        });
    }
    rows.extend(closed(context, &observation));
    rows.extend(modified(context)?);
    rows.extend(pending(context)?);
    rows.extend(rolled_back(context).await?);
    rows.extend(pending_changes(context, &observation));
    rows.extend(unfinished_run(context)?);
    Ok(rows)
}

fn subjects<S, C>(context: Context<'_, S, C>, observation: &Observation) -> Vec<Subject> {
    let host = context.host;
    let instances = host.instances().iter().map(|instance| Subject {
        pool: instance.pool.clone(),
        unit: instance.unit.clone(),
        check: Some((instance.endpoint.clone(), instance.check.clone())),
        is_managed: true,
    });
    let proxies = host.proxies.iter().map(|proxy| Subject {
        pool: proxy.name.clone(),
        unit: proxy.unit.clone(),
        check: Some((proxy.status_endpoint.clone(), proxy.status_check.clone())),
        is_managed: true,
    });
    let unmanaged = observation.unmanaged.iter().map(|unit| Subject {
        pool: "-".to_owned(),
        unit: unit.clone(),
        check: None,
        is_managed: false,
    });
    instances.chain(proxies).chain(unmanaged).collect()
}

/// The results of all checks, in the order of `subjects`. They run at the same time.
async fn check_all<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    subjects: &[Subject],
) -> Vec<String> {
    let checks = subjects.iter().map(|subject| async {
        let Some((endpoint, check)) = &subject.check else {
            return String::new();
        };
        match context.checker.check(endpoint, check, CHECK_TIMEOUT).await {
            Ok(()) => "ok".to_owned(),
            Err(failure) => failure.to_string(),
        }
    });
    futures_util::future::join_all(checks).await
}

fn row<S, C>(
    context: Context<'_, S, C>,
    observation: &Observation,
    subject: &Subject,
    state: &UnitState,
) -> Row {
    let host = context.host;
    let app = host
        .instance(&subject.unit)
        .map(|instance| instance.app.clone());
    let release = app.map(|app| match observation.running_release(&subject.unit) {
        Some(release) => release.to_owned(),
        None => observation.releases(&app).current.unwrap_or_default(),
    });
    let is_running = state.main_pid != 0;
    let uptime_us = clock::monotonic_us().saturating_sub(state.active_since_us);
    let memory = state.memory.filter(|memory| *memory > 0);
    Row {
        host: host.host.clone(),
        pool: subject.pool.clone(),
        instance: subject.unit.trim_end_matches(".service").to_owned(),
        state: if subject.is_managed {
            state.activity.to_string()
        } else {
            "unmanaged".to_owned()
        },
        pid: state.main_pid,
        uptime: if is_running { uptime_us / 1_000_000 } else { 0 },
        restarts: state.restarts,
        memory: memory.unwrap_or_else(|| resident_bytes(&context.machine.proc, state.main_pid)),
        release: release.unwrap_or_default(),
        ..Row::default()
    }
}

fn other<S, C>(context: Context<'_, S, C>, instance: &str, state: &str, health: &str) -> Row {
    Row {
        host: context.host.host.clone(),
        pool: "-".to_owned(),
        instance: instance.to_owned(),
        state: state.to_owned(),
        health: health.to_owned(),
        ..Row::default()
    }
}

/// Sockets, timers, and services to enable that are not active.
fn closed<S, C>(context: Context<'_, S, C>, observation: &Observation) -> Vec<Row> {
    let host = context.host;
    let pools = host
        .instances()
        .iter()
        .filter_map(|i| Some((i.socket.clone()?, i.pool.clone())));
    let proxies = host
        .proxies
        .iter()
        .map(|p| (p.socket.clone(), p.name.clone()));
    let triggers = host
        .triggers
        .iter()
        .map(|unit| (unit.clone(), "-".to_owned()));
    let units: std::collections::BTreeMap<_, _> = pools.chain(proxies).chain(triggers).collect();
    let inactive = units
        .into_iter()
        .filter(|(unit, _)| !observation.unit(unit).is_active());
    inactive
        .map(|(unit, pool)| {
            let state = observation.unit(&unit).activity.to_string();
            Row {
                pool,
                ..other(context, &unit, &state, "")
            }
        })
        .collect()
}

fn modified<S, C>(context: Context<'_, S, C>) -> Result<Vec<Row>, String> {
    let modified = files::modified(&context.machine.root, &context.host.project);
    let modified = modified.map_err(|error| error.to_string())?;
    let row = |(path, state): (std::path::PathBuf, Modification)| {
        other(context, &path.display().to_string(), state.word(), "")
    };
    Ok(modified.into_iter().map(row).collect())
}

/// Files that a run has installed and not applied: an instance that starts now would use them.
fn pending<S, C>(context: Context<'_, S, C>) -> Result<Vec<Row>, String> {
    let previous = files::Previous::read(&context.machine.root, &context.host.paths.state);
    if !previous.map_err(|error| error.to_string())?.is_pending() {
        return Ok(Vec::new());
    }
    let health = "files of an unfinished run: run site.yml again";
    Ok(vec![other(context, "configuration", "pending", health)])
}

/// What a run of site.yml would change, other than what the rows of instances show.
fn pending_changes<S, C>(context: Context<'_, S, C>, observation: &Observation) -> Vec<Row> {
    let host = context.host;
    let mut steps = match plan::instances(host, observation, &BTreeMap::new()) {
        Ok(steps) => steps,
        Err(reason) => return vec![other(context, "release", "missing", &reason)],
    };
    steps.extend(plan::proxies(host, observation));
    let changes = steps.iter().filter(|step| step.is_change());
    changes
        .map(|step| {
            other(
                context,
                "desired state",
                "pending",
                &format!("{step}: run site.yml"),
            )
        })
        .collect()
}

/// A deploy that has not ended: an instance that starts now may run a release that was not confirmed.
fn unfinished_run<S, C>(context: Context<'_, S, C>) -> Result<Vec<Row>, String> {
    let runtime = context.machine.root.resolve(&context.host.paths.runtime);
    let unfinished = Unfinished::new(&runtime, Purpose::Unfinished);
    let moves = unfinished.read().map_err(|error| error.to_string())?;
    let moves = moves.unwrap_or_default();
    let row = |change: &Move| {
        let health = format!(
            "release {} is not confirmed: run deploy.yml again",
            change.release
        );
        other(context, &change.app, "unfinished", &health)
    };
    Ok(moves.iter().map(row).collect())
}

/// A release that was undone after its deploy had ended, until the next deploy.
async fn rolled_back<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
) -> Result<Vec<Row>, String> {
    let unit = deploy::watch_unit(&context.host.project);
    let states = context.systemd.states(std::slice::from_ref(&unit)).await;
    let state = states
        .map_err(|error| error.to_string())?
        .remove(&unit)
        .unwrap_or_default();
    if state.activity != Activity::Failed {
        return Ok(Vec::new());
    }
    let log = context.systemd.log(&unit, &state.invocation, 10).await;
    // systemd's own messages about the service are among them.
    let reason = log
        .iter()
        .find(|line| line.contains("is rolled back"))
        .or(log.last());
    let name = unit.trim_end_matches(".service");
    let reason = reason.map_or("", String::as_str);
    Ok(vec![other(context, name, "failed", reason)])
}

/// Resident memory, for a host where systemd has no memory accounting.
fn resident_bytes(proc: &Path, pid: u32) -> u64 {
    let pages = || -> Option<u64> {
        let text = std::fs::read_to_string(proc.join(pid.to_string()).join("statm")).ok()?;
        text.split_whitespace().nth(1)?.parse().ok()
    };
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    pages().unwrap_or_default() * page
}

/// User and system time of a process in clock ticks: fields 14 and 15 of `proc_pid_stat(5)`.
fn cpu_ticks(proc: &Path, pid: u32) -> u64 {
    let ticks = || -> Option<u64> {
        let text = std::fs::read_to_string(proc.join(pid.to_string()).join("stat")).ok()?;
        // The name of the program may contain spaces.
        let (_, fields) = text.rsplit_once(')')?;
        let mut fields = fields.split_whitespace().skip(11);
        let user: u64 = fields.next()?.parse().ok()?;
        let system: u64 = fields.next()?.parse().ok()?;
        Some(user + system)
    };
    ticks().unwrap_or_default()
}

fn cpu_percent(ticks: u64) -> f64 {
    let per_second =
        f64::from(u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100));
    let seconds = f64::from(u32::try_from(ticks).unwrap_or(u32::MAX)) / per_second;
    (seconds / SAMPLE.as_secs_f64() * 1000.0).round() / 10.0
}
