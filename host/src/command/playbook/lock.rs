//! Locks a host for a run, and reports what it lacks.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::site::{Site, TURN_TIMEOUT};
use super::apply::releases;
use super::configuration::Applied;
use super::request::{Artifacts, Lacks, Mode, Reply};
use super::{install, preflight};
use crate::deploy::{self, Which};
use crate::files;
use crate::lock::{DeployLock, Run, Turn};
use crate::observation::Observation;
use crate::plan::{self, Step};
use crate::release::{check_space, sha256_of};
use crate::systemd::{Activity, Systemd as _};

/// The request to lock a host and to report what it lacks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lock {
    pub(super) run: Run,
    #[serde(default)]
    pub(super) mode: Mode,
    /// SHA-256 of each genconf-host of the controller; empty for any. If this program is none of them,
    /// the host is not locked.
    #[serde(default)]
    pub(super) programs: Vec<String>,
    /// SHA-256 of the configuration to install; empty for a run that installs none.
    #[serde(default)]
    pub(super) configuration: String,
    /// Artifacts of the run.
    #[serde(default)]
    pub(super) artifacts: Artifacts,
}

/// Directory of the locks of a project. A host that is locked for the first time has no spec yet.
pub(super) fn runtime(project: &str) -> PathBuf {
    Path::new("/run/genconf").join(project)
}

impl Lock {
    pub(super) async fn execute(self, project: &str) -> Result<Reply, String> {
        if !self.programs.is_empty() && !self.programs.contains(&own_digest()?) {
            return Ok(Reply {
                lacks: Lacks {
                    program: true,
                    ..Lacks::default()
                },
                ..Reply::default()
            });
        }
        let mut reply = Reply::default();
        if self.mode == Mode::Apply {
            let turn = Turn::take(&runtime(project), TURN_TIMEOUT).await;
            let turn = turn.map_err(|error| error.to_string())?;
            let taken = DeployLock::new(&turn, project).take(&self.run);
            reply
                .warnings
                .extend(taken.map_err(|error| error.to_string())?);
        }
        // A host without a spec of this format gets one: all of it is in the configuration.
        let installed = Site::installed(project);
        if !self.configuration.is_empty() {
            let is_same = installed.as_ref().is_ok_and(|site| self.is_installed(site));
            if !is_same {
                reply.lacks.configuration = true;
                return Ok(reply);
            }
        }
        let site = installed?;
        if self.configuration.is_empty() {
            require_no_pending(&site)?;
        }
        reply.lacks = lacks(&site, &self.artifacts, self.which())?;
        if self.mode == Mode::Apply && !reply.lacks.artifacts.is_empty() {
            prepare_uploads(&site)?;
        }
        reply.lacks.apply = if self.configuration.is_empty() {
            self.needs_deploy(&site, &reply.lacks).await?
        } else {
            !reply.lacks.artifacts.is_empty() || needs_apply(&site).await?
        };
        Ok(reply)
    }

    /// A run that installs files starts apps that have no release; a deploy needs all artifacts.
    fn which(&self) -> Which {
        if self.configuration.is_empty() {
            Which::All
        } else {
            Which::FirstReleases
        }
    }

    /// Whether a deploy of the artifacts would change anything.
    async fn needs_deploy(&self, site: &Site, lacks: &Lacks) -> Result<bool, String> {
        if !lacks.artifacts.is_empty() {
            return Ok(true);
        }
        let context = site.context();
        let observation = site.machine.observe(&site.host, context.systemd).await?;
        let releases = releases(&self.artifacts);
        let moves =
            deploy::moves(context, &observation, &releases, &[]).map_err(|f| f.to_string())?;
        let steps = plan::moves_to(&site.host, &observation, &moves);
        let is_proven = |app: &model::App| {
            let releases = observation.releases(&app.name);
            releases.current == releases.proven
        };
        let is_changed = steps.iter().any(Step::is_change) || !site.host.apps.iter().all(is_proven);
        Ok(is_changed || has_failed_watch(site).await?)
    }

    fn is_installed(&self, site: &Site) -> bool {
        let root = &site.machine.root;
        let state = root.resolve(&site.host.paths.state);
        let is_pending = files::Previous::read(root, &site.host.paths.state)
            .map_or(true, |previous| previous.is_pending());
        Applied::read(&state).is_some_and(|applied| applied.configuration == self.configuration)
            && !is_pending
            && files::modified(root, &site.host.project).is_ok_and(|modified| modified.is_empty())
            && install::has_modes(site)
    }
}

/// Fails if a run of site.yml has installed files and not ended: instances would start with them.
pub(super) fn require_no_pending(site: &Site) -> Result<(), String> {
    let previous = files::Previous::read(&site.machine.root, &site.host.paths.state);
    if previous.map_err(|error| error.to_string())?.is_pending() {
        let host = &site.host.host;
        return Err(format!(
            "{host} has files of an unfinished run: run site.yml first"
        ));
    }
    Ok(())
}

/// What a host needs for its spec.
pub(super) fn lacks(site: &Site, artifacts: &Artifacts, which: Which) -> Result<Lacks, String> {
    let mut lacks = Lacks::default();
    for requirement in &site.host.requirements {
        let root = &site.machine.root;
        if requirement
            .any_of
            .iter()
            .any(|path| root.resolve(path).exists())
        {
            continue;
        }
        lacks.packages.extend(requirement.packages.iter().cloned());
        lacks.masked.extend(requirement.masked.iter().cloned());
    }
    let digests: BTreeMap<String, String> = artifacts
        .iter()
        .map(|(app, artifact)| (app.clone(), artifact.sha256.clone()))
        .collect();
    lacks.artifacts =
        deploy::lacking(site.context(), &digests, which).map_err(|f| f.to_string())?;
    lacks.releases = deploy::current_releases(site.context()).map_err(|f| f.to_string())?;
    if which == Which::FirstReleases {
        let is_first = |(app, _): &(String, String)| {
            site.host.app(app).is_some() && !lacks.releases.contains_key(app)
        };
        lacks.first_releases = releases(artifacts).into_iter().filter(is_first).collect();
    }
    for app in &lacks.artifacts {
        let bytes = artifacts.get(app).map_or(0, |artifact| artifact.bytes);
        require_space(site, app, bytes)?;
    }
    preflight::require(&lacks)?;
    Ok(lacks)
}

/// Fails if an artifact of this size does not fit on the disk of its app.
fn require_space(site: &Site, app: &str, bytes: u64) -> Result<(), String> {
    let Some(app) = site.host.app(app) else {
        return Ok(());
    };
    let directory = site.machine.root.resolve(&app.directory);
    // The first deploy creates it.
    let existing = directory.ancestors().find(|path| path.is_dir());
    let directory = existing.unwrap_or(Path::new("/"));
    check_space(directory, bytes).map_err(|error| error.to_string())
}

/// Whether a release was rolled back after its deploy: a deploy ends the report of it.
async fn has_failed_watch(site: &Site) -> Result<bool, String> {
    let unit = deploy::watch_unit(&site.host.project);
    let states = site
        .context()
        .systemd
        .states(std::slice::from_ref(&unit))
        .await;
    let states = states.map_err(|error| error.to_string())?;
    Ok(states
        .get(&unit)
        .is_some_and(|state| state.activity == Activity::Failed))
}

/// Creates the directory of uploads, and removes what interrupted runs have left there. For a run that
/// has the deploy lock.
pub(super) fn prepare_uploads(site: &Site) -> Result<(), String> {
    let directory = site.machine.root.resolve(&site.host.paths.uploads);
    let prepare = || {
        std::fs::create_dir_all(&directory)?;
        std::fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() {
                std::fs::remove_dir_all(path)?;
            } else {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    };
    let prepared: std::io::Result<()> = prepare();
    prepared.map_err(|error| format!("{}: {error}", directory.display()))
}

async fn needs_apply(site: &Site) -> Result<bool, String> {
    let context = site.context();
    let observation = site.machine.observe(&site.host, context.systemd).await?;
    if observation.units.values().any(|state| state.needs_reload) {
        return Ok(true);
    }
    let steps = all_steps(site, &observation)?;
    Ok(steps.iter().any(Step::is_change))
}

/// What an apply of the installed spec would do.
fn all_steps(site: &Site, observation: &Observation) -> Result<Vec<Step>, String> {
    let mut steps = plan::instances(&site.host, observation, &BTreeMap::new())?;
    steps.extend(plan::proxies(&site.host, observation));
    steps.extend(plan::removal(observation, super::apply::orphans(site)?));
    Ok(steps)
}

/// SHA-256 of this program.
fn own_digest() -> Result<String, String> {
    let own = Path::new("/proc/self/exe");
    sha256_of(own).map_err(|error| format!("{}: {error}", own.display()))
}
