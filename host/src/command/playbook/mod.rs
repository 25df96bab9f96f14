//! Executes the steps of playbooks: one JSON request, one JSON reply.

mod apply;
mod configuration;
mod install;
mod lock;
mod preflight;
mod release;
mod request;
mod restore;
mod rotate;
#[cfg(test)]
mod tests;

use std::io::Read as _;

use super::Output;
use super::site::{Site, TURN_TIMEOUT};
use crate::lock::{DeployLock, Run, Turn};
use request::{Reply, Request};

/// Executes a request and prints the reply. A step that failed is a reply too, with exit status 1.
pub(super) async fn execute(project: &str, request: &str) -> Result<Output, String> {
    let text = match request {
        "-" => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| error.to_string())?;
            text
        }
        text => text.to_owned(),
    };
    let reply = match serde_json::from_str(&text) {
        Ok(request) => answer(project, request).await.unwrap_or_else(Reply::failed),
        Err(error) => Reply::failed(format!(
            "genconf-host does not understand this playbook: {error}; run site.yml to update it"
        )),
    };
    let is_success = reply.error.is_empty();
    Output::json(&reply, is_success)
}

async fn answer(project: &str, request: Request) -> Result<Reply, String> {
    match request {
        Request::Lock(lock) => lock.execute(project).await,
        Request::Stage(stage) => stage.execute().await,
        Request::Apply(apply) => apply.execute(project).await,
        Request::Restore { run } => restore::execute(project, &run).await,
        // A host without a spec of this format has no proxy that routes to these hosts yet.
        Request::Rotate { mode, out } => match Site::installed(project) {
            Ok(site) => rotate::rotate(&site, mode, &out).await,
            Err(_) => Ok(Reply::default()),
        },
        Request::Status {} => status(&Site::installed(project)?).await,
        Request::Unlock { run } => unlock(project, &run).await,
        Request::Admit {
            run,
            artifacts,
            uploaded,
        } => {
            let site = configuration::Staged::site_of(project, &run)?;
            let admission = release::Admission { run, artifacts };
            admission.execute(&site, &uploaded).await
        }
        request => release::answer(&Site::installed(project)?, request).await,
    }
}

/// The rows of this host. The playbook decides about those of all hosts.
async fn status(site: &Site) -> Result<Reply, String> {
    Ok(Reply {
        rows: Some(crate::status::rows(site.context()).await?),
        ..Reply::default()
    })
}

/// Unlocks the host if the run still has it.
async fn unlock(project: &str, run: &Run) -> Result<Reply, String> {
    let turn = Turn::take(&lock::runtime(project), TURN_TIMEOUT).await;
    let turn = turn.map_err(|error| error.to_string())?;
    if configuration::Staged::read(&lock::runtime(project), run)?.is_some() {
        configuration::Staged::remove(&lock::runtime(project))?;
    }
    release_lock(&turn, project, run)?;
    Ok(Reply::default())
}

/// Ends the deploy lock of the run if it still has the host.
fn release_lock(turn: &Turn, project: &str, run: &Run) -> Result<(), String> {
    let released = DeployLock::new(turn, project).release(run);
    released.map_err(|error| error.to_string())
}

/// Fails unless the run still has the host.
fn renew(turn: &Turn, site: &Site, run: &Run) -> Result<(), String> {
    let renewed = DeployLock::new(turn, &site.host.project).renew(run);
    renewed.map_err(|error| error.to_string())
}
