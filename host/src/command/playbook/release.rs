//! Changes releases.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::super::site::Site;
use super::lock::require_no_pending;
use super::request::{Artifacts, Mode, Reply, Request, SelectedRelease, Timing};
use super::{apply, renew};
use crate::deploy::{self, Options, Selection};
use crate::execution::History;
use crate::lock::{DeployLock, Run};
use crate::plan::{self, Move, Step};

pub(super) async fn answer(site: &Site, request: Request) -> Result<Reply, String> {
    match request {
        Request::Deploy {
            run,
            mode,
            artifacts,
            timing,
        } => {
            let change = Change {
                run,
                mode,
                timing,
                history: History::Record,
            };
            change.execute(site, &apply::releases(&artifacts)).await
        }
        Request::Rollback {
            run,
            mode,
            releases,
            timing,
        } => {
            let change = Change {
                run,
                mode,
                timing,
                history: History::Keep,
            };
            change.execute(site, &releases).await
        }
        Request::Select {
            run,
            mode,
            release,
            apps,
        } => select(site, &Selecting { run, mode }, &release, &apps).await,
        Request::Undo { run } => undo(site, &run).await,
        Request::Verify { run } => verify(site, &run).await,
        Request::Confirm { run, watch_s } => confirm(site, &run, seconds(watch_s)?).await,
        _ => Err("the request is not about releases".to_owned()),
    }
}

/// Uploaded artifacts of a run.
pub(super) struct Admission {
    pub(super) run: Run,
    pub(super) artifacts: Artifacts,
}

impl Admission {
    /// Makes releases of uploaded files, by app.
    pub(super) async fn execute(
        &self,
        site: &Site,
        uploaded: &BTreeMap<String, PathBuf>,
    ) -> Result<Reply, String> {
        let turn = site.turn().await?;
        renew(&turn, site, &self.run)?;
        for (app, file) in uploaded {
            let sha256 = self
                .artifacts
                .get(app)
                .map_or("", |artifact| &artifact.sha256);
            deploy::admit(site.context(), app, sha256, file).map_err(|f| f.to_string())?;
        }
        Ok(Reply {
            changed: true,
            ..Reply::default()
        })
    }
}

struct Change {
    run: Run,
    mode: Mode,
    timing: Timing,
    history: History,
}

impl Change {
    async fn execute(
        self,
        site: &Site,
        releases: &BTreeMap<String, String>,
    ) -> Result<Reply, String> {
        if self.mode == Mode::Check {
            return self.check(site, releases).await;
        }
        let context = site.context();
        let turn = site.turn().await?;
        renew(&turn, site, &self.run)?;
        // A timer of an earlier run would undo this one.
        deploy::disarm(context).await;
        let unfinished = site
            .unfinished(None)
            .read()
            .map_err(|error| error.to_string())?;
        // The changes of an interrupted run stay recorded until this one has made its own.
        let unfinished = unfinished.unwrap_or_default();
        let own = site.unfinished(Some(&self.run));
        own.write(&unfinished).map_err(|error| error.to_string())?;
        if self.timing.confirm_s > 0.0 {
            let after = seconds(self.timing.confirm_s)?;
            deploy::arm(context, after)
                .await
                .map_err(|failure| failure.to_string())?;
        }
        let options = Options {
            observe: seconds(self.timing.observe_s)?,
            run: Some(self.run),
            unfinished,
            history: self.history,
        };
        let outcome = deploy::change(context, releases, options).await;
        let outcome = outcome.map_err(|failure| failure.to_string())?;
        own.write(&outcome.moves)
            .map_err(|error| error.to_string())?;
        Ok(Reply {
            changed: outcome.is_change(),
            log: outcome.log,
            moves: outcome.moves,
            ..Reply::default()
        })
    }

    async fn check(
        &self,
        site: &Site,
        releases: &BTreeMap<String, String>,
    ) -> Result<Reply, String> {
        let context = site.context();
        let observation = site.machine.observe(&site.host, context.systemd).await?;
        let mut log = Vec::new();
        let mut present = releases.clone();
        // An artifact that is not uploaded yet would change every instance of its app.
        present.retain(|app, release| {
            let is_present = observation.releases(app).present.contains(release);
            if !is_present && site.host.app(app).is_some() {
                log.push(format!("{app}: release {release}"));
            }
            is_present
        });
        let moves =
            deploy::moves(context, &observation, &present, &[]).map_err(|f| f.to_string())?;
        let steps = plan::moves_to(&site.host, &observation, &moves);
        log.extend(steps.iter().filter(|s| s.is_change()).map(Step::to_string));
        Ok(Reply {
            changed: !log.is_empty(),
            log,
            ..Reply::default()
        })
    }
}

struct Selecting {
    run: Run,
    mode: Mode,
}

async fn select(
    site: &Site,
    selecting: &Selecting,
    release: &str,
    apps: &[String],
) -> Result<Reply, String> {
    let mut reply = Reply::default();
    require_no_pending(site)?;
    if selecting.mode == Mode::Apply {
        let turn = site.turn().await?;
        let taken = DeployLock::new(&turn, &site.host.project).take(&selecting.run);
        reply
            .warnings
            .extend(taken.map_err(|error| error.to_string())?);
    }
    let unfinished = site
        .unfinished(None)
        .read()
        .map_err(|error| error.to_string())?;
    let prefix = Some(release).filter(|release| !release.is_empty());
    let selected = deploy::select(
        site.context(),
        prefix,
        apps,
        &unfinished.unwrap_or_default(),
    );
    let host = &site.host.host;
    match selected.map_err(|failure| failure.to_string())? {
        Selection::Nothing(reason) => {
            reply
                .warnings
                .push(format!("{reason}; this host stays as it is"));
            reply.nothing = Some(reason);
        }
        Selection::Releases(releases) => {
            let mut selected = BTreeMap::new();
            for (app, to) in releases {
                let from = current(site, &app)?;
                if prefix.is_none() && from.is_some() && from == to {
                    let to = to.as_deref().unwrap_or_default();
                    reply.warnings.push(format!(
                        "{host}: an interrupted rollback of {app} to {to} completes first"
                    ));
                }
                selected.insert(app, SelectedRelease { from, to });
            }
            reply.selected = Some(selected);
        }
    }
    Ok(reply)
}

fn current(site: &Site, app: &str) -> Result<Option<String>, String> {
    let Some(app) = site.host.app(app) else {
        return Ok(None);
    };
    let store = site.machine.store(&app.directory);
    store.current().map_err(|error| error.to_string())
}

async fn undo(site: &Site, run: &Run) -> Result<Reply, String> {
    let turn = site.turn_within(site.longest_change()).await?;
    let host = &site.host.host;
    if let Err(held) = renew(&turn, site, run) {
        // What runs now is what that run made of it.
        return Ok(Reply {
            log: vec![format!("{host} was not rolled back: {held}")],
            ..Reply::default()
        });
    }
    let undone = undo_moves(site, run).await;
    // Also after a failure: the next run has to be possible.
    super::release_lock(&turn, &site.host.project, run)?;
    let undone = undone?;
    Ok(Reply {
        changed: !undone.is_empty(),
        log: undone.lines().map(str::to_owned).collect(),
        ..Reply::default()
    })
}

async fn undo_moves(site: &Site, run: &Run) -> Result<String, String> {
    let context = site.context();
    let unfinished = site.unfinished(Some(run));
    let moves = unfinished.read().map_err(|error| error.to_string())?;
    let undone = deploy::undo(context, &moves.unwrap_or_default()).await;
    deploy::disarm(context).await;
    let undone = undone.map_err(|failure| failure.to_string())?;
    unfinished.remove().map_err(|error| error.to_string())?;
    Ok(undone)
}

/// Checks the instances that the run has started. Nothing ends before all hosts have passed.
async fn verify(site: &Site, run: &Run) -> Result<Reply, String> {
    let turn = site.turn().await?;
    renew(&turn, site, run)?;
    let moves = recorded(site, run)?;
    let verified = deploy::verify(site.context(), &moves).await;
    verified.map_err(|failure| failure.to_string())?;
    Ok(Reply::default())
}

async fn confirm(site: &Site, run: &Run, watch: Duration) -> Result<Reply, String> {
    let turn = site.turn().await?;
    renew(&turn, site, run)?;
    let moves = recorded(site, run)?;
    let confirmed = deploy::confirm(site.context(), &moves, watch).await;
    confirmed.map_err(|failure| failure.to_string())?;
    super::release_lock(&turn, &site.host.project, run)?;
    Ok(Reply::default())
}

/// The changes of the run. Without any record, the host was booted since, and started anything.
fn recorded(site: &Site, run: &Run) -> Result<Vec<Move>, String> {
    let moves = site
        .unfinished(Some(run))
        .read()
        .map_err(|error| error.to_string())?;
    moves.ok_or_else(|| {
        format!(
            "{}: nothing is recorded of this run; was the host booted?",
            site.host.host
        )
    })
}

fn seconds(seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds).map_err(|error| format!("{seconds} s: {error}"))
}
