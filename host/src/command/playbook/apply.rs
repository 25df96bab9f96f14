//! Applies a part of the desired state.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;

use super::super::site::Site;
use super::configuration::{Applied, Staged};
use super::request::{Artifacts, Mode, Part, Reply};
use super::{install, release_lock, renew, restore};
use crate::deploy::{self, Options, release_of};
use crate::execution::Executor;
use crate::files::{self, File};
use crate::lock::{Run, Turn};
use crate::plan::{self, Step};
use crate::systemd::{Systemd as _, UnitState};

/// The request to apply a part of the desired state.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Apply {
    pub(super) run: Run,
    #[serde(default)]
    pub(super) mode: Mode,
    pub(super) part: Part,
    /// SHA-256 of the configuration of the run.
    #[serde(default)]
    pub(super) configuration: String,
    #[serde(default)]
    pub(super) artifacts: Artifacts,
}

impl Apply {
    pub(super) async fn execute(&self, project: &str) -> Result<Reply, String> {
        apply(project, self).await
    }
}

async fn apply(project: &str, apply: &Apply) -> Result<Reply, String> {
    let staged = Staged::read(&super::lock::runtime(project), &apply.run)?;
    let site = match &staged {
        Some(staged) => staged.site()?,
        None => Site::installed(project)?,
    };
    if apply.mode == Mode::Check {
        return check(&site, apply).await;
    }
    if staged.is_none() {
        require_applied(&site, apply)?;
    }
    let turn = site.turn().await?;
    renew(&turn, &site, &apply.run)?;
    match apply.part {
        Part::Instances => instances(&site, apply, staged.as_ref()).await,
        Part::Files => keep_files(&site),
        Part::Proxies => proxies(&site).await,
        Part::Removal => removal(&site, apply, staged.as_ref(), &turn).await,
    }
}

/// Installs the files and starts the instances. If anything fails, the previous files are restored.
async fn instances(site: &Site, apply: &Apply, staged: Option<&Staged>) -> Result<Reply, String> {
    let mut reply = Reply::default();
    let mut result = match staged {
        Some(staged) => {
            install::install(site, &staged.configuration).map(|files| reply.log = files)
        }
        None => Ok(()),
    };
    if result.is_ok() {
        result = converge(site, &apply.artifacts, &mut reply).await;
    }
    if let Err(reason) = result {
        let restored = restore::restore(site).await.unwrap_or_else(|error| error);
        return Err(format!("{reason}\n{restored}").trim_end().to_owned());
    }
    reply.changed = !reply.log.is_empty();
    Ok(reply)
}

async fn converge(site: &Site, artifacts: &Artifacts, reply: &mut Reply) -> Result<(), String> {
    let context = site.context();
    let mut observation = site.machine.observe(&site.host, context.systemd).await?;
    if observation.units.values().any(|state| state.needs_reload) || !reply.log.is_empty() {
        context
            .systemd
            .reload_manager()
            .await
            .map_err(|error| error.to_string())?;
        observation = site.machine.observe(&site.host, context.systemd).await?;
    }
    let steps = plan::instances(&site.host, &observation, &releases(artifacts))?;
    let outcome = deploy::run(context, &steps, Options::default()).await;
    let outcome = outcome.map_err(|failure| failure.to_string())?;
    reply.log.extend(outcome.log);
    Ok(())
}

/// The releases of artifacts by app.
pub(super) fn releases(artifacts: &Artifacts) -> BTreeMap<String, String> {
    let exists = artifacts
        .iter()
        .filter(|(_, artifact)| !artifact.sha256.is_empty());
    exists
        .map(|(app, artifact)| (app.clone(), release_of(&artifact.sha256).to_owned()))
        .collect()
}

/// Fails unless the configuration of the run is installed: a host that was booted since its upload has
/// none.
fn require_applied(site: &Site, apply: &Apply) -> Result<(), String> {
    let state = site.machine.root.resolve(&site.host.paths.state);
    let applied = Applied::read(&state).map(|applied| applied.configuration);
    if apply.configuration.is_empty() || applied.as_ref() == Some(&apply.configuration) {
        return Ok(());
    }
    let host = &site.host.host;
    Err(format!(
        "{host} has lost the uploaded files, as by a reboot; run site.yml again"
    ))
}

/// Keeps the files of the run. From here on proxies of all hosts use what they describe, and nothing
/// restores the previous ones.
fn keep_files(site: &Site) -> Result<Reply, String> {
    let root = &site.machine.root;
    let previous =
        files::Previous::read(root, &site.host.paths.state).map_err(|e| e.to_string())?;
    previous.forget().map_err(|error| error.to_string())?;
    Ok(Reply::default())
}

async fn proxies(site: &Site) -> Result<Reply, String> {
    let context = site.context();
    let observation = site.machine.observe(&site.host, context.systemd).await?;
    let steps = plan::proxies(&site.host, &observation);
    let mut executor = Executor::new(context).map_err(|failure| failure.to_string())?;
    let result = executor.run(&steps).await;
    let reply = Reply {
        changed: !executor.log.is_empty(),
        log: executor.log,
        warnings: executor.warnings,
        ..Reply::default()
    };
    Ok(match result {
        Ok(()) => reply,
        Err(failure) => Reply {
            error: failure.to_string(),
            ..reply
        },
    })
}

/// Removes what is not in the desired state, and unlocks the host: this is the last part.
async fn removal(
    site: &Site,
    apply: &Apply,
    staged: Option<&Staged>,
    turn: &Turn,
) -> Result<Reply, String> {
    let context = site.context();
    let observation = site.machine.observe(&site.host, context.systemd).await?;
    let steps = plan::removal(&observation, orphans(site)?);
    let mut executor = Executor::new(context).map_err(|failure| failure.to_string())?;
    executor
        .run(&steps)
        .await
        .map_err(|failure| failure.to_string())?;
    let units = site.host.units();
    let mut records = site.machine.records(&site.host)?;
    records
        .retain(|unit| units.contains(unit))
        .map_err(|error| error.to_string())?;
    if let Some(staged) = staged {
        let state = site.machine.root.resolve(&site.host.paths.state);
        Applied {
            configuration: staged.digest.clone(),
        }
        .write(&state)?;
        Staged::remove(&site.runtime())?;
    }
    release_lock(turn, &site.host.project, &apply.run)?;
    Ok(Reply {
        changed: !executor.log.is_empty(),
        log: executor.log,
        ..Reply::default()
    })
}

/// Files of this project that the spec does not describe.
pub(super) fn orphans(site: &Site) -> Result<Vec<PathBuf>, String> {
    let host = &site.host;
    let mut described: BTreeSet<PathBuf> =
        host.files.iter().map(|f| f.destination.clone()).collect();
    described.extend(
        host.apps
            .iter()
            .filter_map(|a| Some(a.env_file.as_ref()?.destination.clone())),
    );
    files::orphans(&site.machine.root, &host.project, &described).map_err(|error| error.to_string())
}

async fn check(site: &Site, apply: &Apply) -> Result<Reply, String> {
    let context = site.context();
    let observation = site.machine.observe(&site.host, context.systemd).await?;
    let steps = match apply.part {
        Part::Instances => plan::instances(&site.host, &observation, &releases(&apply.artifacts))?,
        Part::Files => Vec::new(),
        Part::Proxies => plan::proxies(&site.host, &observation),
        Part::Removal => plan::removal(&observation, orphans(site)?),
    };
    let log: Vec<String> = steps
        .iter()
        .filter(|s| s.is_change())
        .map(Step::to_string)
        .collect();
    Ok(Reply {
        changed: !log.is_empty(),
        log,
        ..Reply::default()
    })
}

/// Adds what `files` change to a reply: the plan for the units as they are, and a restart or a reload of
/// what reads a changed file.
pub(super) async fn preview(site: &Site, files: &[File], reply: &mut Reply) -> Result<(), String> {
    let host = &site.host;
    let observation = site.machine.observe(host, site.context().systemd).await?;
    let differing =
        files::differing(&site.machine.root, files).map_err(|error| error.to_string())?;
    let changed: BTreeSet<PathBuf> = differing.into_iter().map(|file| file.path).collect();
    let present = |app: &model::App| !observation.releases(&app.name).present.is_empty();
    let mut lines: Vec<String> = Vec::new();
    if host.apps.iter().all(present) {
        let steps = plan::instances(host, &observation, &BTreeMap::new())?;
        lines.extend(steps.iter().filter(|s| s.is_change()).map(Step::to_string));
    }
    for instance in host.instances() {
        let state = observation.unit(&instance.unit);
        let env_file = host.env_file(&instance.app);
        let is_env_changed = env_file.is_some_and(|file| changed.contains(&file));
        if state.is_active() && (is_env_changed || reads(&state, &instance.unit, &changed)) {
            lines.push(format!("restart {}", instance.unit));
        }
    }
    let steps = plan::proxies(host, &observation);
    lines.extend(steps.iter().filter(|s| s.is_change()).map(Step::to_string));
    for proxy in &host.proxies {
        if changed.contains(&proxy.configuration) && observation.unit(&proxy.unit).is_active() {
            lines.push(format!("reload {}", proxy.unit));
        }
    }
    let steps = plan::removal(&observation, orphans(site)?);
    lines.extend(steps.iter().filter(|s| s.is_change()).map(Step::to_string));
    for line in lines {
        if !reply.log.contains(&line) {
            reply.log.push(line);
        }
    }
    reply.changed = !reply.log.is_empty();
    Ok(())
}

/// Whether a changed file is a unit file or drop-in of a unit.
fn reads(state: &UnitState, unit: &str, changed: &BTreeSet<PathBuf>) -> bool {
    let template = unit
        .split_once('@')
        .map(|(stem, _)| format!("{stem}@.service.d"));
    let directories = [Some(format!("{unit}.d")), template];
    let is_dropin = |path: &PathBuf| {
        let parent = path
            .parent()
            .and_then(|p| p.file_name())
            .and_then(|n| n.to_str());
        directories
            .iter()
            .flatten()
            .any(|d| parent == Some(d.as_str()))
    };
    changed
        .iter()
        .any(|path| state.files.contains(path) || is_dropin(path))
}
