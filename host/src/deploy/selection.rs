//! Which releases an app moves to, and artifacts that become releases.

use std::collections::BTreeMap;
use std::path::Path;

use model::{App, ArtifactKind};

use super::release_of;
use crate::container;
use crate::execution::{Context, Failure};
use crate::plan::Move;
use crate::release::Error;

/// The releases of a rollback.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Selection {
    /// By app; `None` for an app that has no such release.
    Releases(BTreeMap<String, Option<String>>),
    /// No app has a release to return to, for this reason.
    Nothing(String),
}

/// Apps whose artifacts are not on this host. `artifacts`: SHA-256 by app, empty if the file does not
/// exist on the controller. With `only_first`, apps without a release.
pub(crate) fn lacking<S, C>(
    context: Context<'_, S, C>,
    artifacts: &BTreeMap<String, String>,
    which: Which,
) -> Result<Vec<String>, Failure> {
    let mut lacking = Vec::new();
    for app in &context.host.apps {
        let store = context.machine.store(&app.directory);
        let Some(sha256) = artifacts.get(&app.name) else {
            continue;
        };
        let current = store.current().map_err(Failure::new)?;
        if which == Which::FirstReleases && current.is_some() {
            continue;
        }
        if sha256.is_empty() {
            let build = app.artifact.build.as_deref().unwrap_or("your build");
            let message = format!("the artifact of {} does not exist; run: {build}", app.name);
            return Err(Failure::new(message));
        }
        if !store.has(release_of(sha256)).map_err(Failure::new)? {
            lacking.push(app.name.clone());
        }
    }
    Ok(lacking)
}

/// The current release of each app that has one.
pub(crate) fn current_releases<S, C>(
    context: Context<'_, S, C>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut releases = BTreeMap::new();
    for app in &context.host.apps {
        let store = context.machine.store(&app.directory);
        if let Some(current) = store.current().map_err(Failure::new)? {
            releases.insert(app.name.clone(), current);
        }
    }
    Ok(releases)
}

/// Which artifacts a host needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Which {
    /// Those of a deploy.
    All,
    /// Those of apps that have no release yet.
    FirstReleases,
}

/// Makes a release of an uploaded artifact.
pub(crate) fn admit<S, C>(
    context: Context<'_, S, C>,
    app: &str,
    sha256: &str,
    uploaded: &Path,
) -> Result<String, Failure> {
    let host = context.host;
    let known = host.app(app);
    let app = known.ok_or_else(|| Failure::new(format!("no app is named {app}")))?;
    let store = context.machine.store(&app.directory);
    store.receive(sha256, uploaded).map_err(Failure::new)?;
    let release = store.admit(&app.artifact, sha256).map_err(Failure::new)?;
    if let ArtifactKind::Image(image) = &app.artifact.kind {
        // Now, so that no instance waits for it while it is down.
        let executable = &app.artifact.executable;
        let loaded = container::load(&app.directory, &release, executable, image);
        if let Err(error) = loaded {
            store.forget(&release).map_err(Failure::new)?;
            let message = format!("{}: release {release} of {}: {error}", host.host, app.name);
            return Err(Failure::new(message));
        }
    }
    Ok(release)
}

/// The release of each app for a rollback: the one that starts with `release`, or the previous one.
/// `apps`: only these, unless it is empty. `unfinished`: what an earlier run has not finished.
pub(crate) fn select<S, C>(
    context: Context<'_, S, C>,
    release: Option<&str>,
    apps: &[String],
    unfinished: &[Move],
) -> Result<Selection, Failure> {
    let is_wanted = |app: &&App| apps.is_empty() || apps.contains(&app.name);
    let wanted: Vec<&App> = context.host.apps.iter().filter(is_wanted).collect();
    let mut selected = BTreeMap::new();
    for app in &wanted {
        let found = select_one(context, app, release, unfinished);
        selected.insert(app.name.clone(), found.map_err(Failure::new)?);
    }
    let has_none = selected.values().all(Option::is_none);
    if has_none && (apps.is_empty() || !wanted.is_empty()) {
        let host = &context.host.host;
        return Ok(Selection::Nothing(match release {
            Some(release) => format!("{host}: no release starts with {release}"),
            None => format!("{host}: no earlier release"),
        }));
    }
    Ok(Selection::Releases(selected))
}

fn select_one<S, C>(
    context: Context<'_, S, C>,
    app: &App,
    release: Option<&str>,
    unfinished: &[Move],
) -> Result<Option<String>, Error> {
    let store = context.machine.store(&app.directory);
    if let Some(prefix) = release {
        return store.find(prefix);
    }
    let proven = store.proven()?;
    let interrupted = unfinished
        .iter()
        .find(|m| m.app == app.name && Some(&m.release) == proven.as_ref());
    store.previous(interrupted.and_then(|m| m.previous.as_deref()))
}
