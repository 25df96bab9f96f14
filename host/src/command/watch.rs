//! Deploys a watched file.
//!
//! systemd.path(5) starts this when the file is closed or moved there, and not again while it runs, so
//! it looks for a newer file before it ends.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;

use super::Output;
use super::site::TURN_TIMEOUT;
use crate::deploy::{self, Options, release_of};
use crate::execution::Context;
use crate::health_check::Checker;
use crate::lock::Turn;
use crate::release::sha256_of;
use crate::systemd::Systemd;

/// A file that has not changed for this time is complete: a compiler or a copy may close it repeatedly.
const QUIET_TIME: Duration = Duration::from_millis(300);

/// Deploys the watched file of an app until it is what runs. Fails if it cannot, and no other file was
/// put there in the meantime.
pub(super) async fn settle<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    app: &str,
) -> Result<Output, String> {
    let known = context.host.app(app);
    let watched = known.and_then(|app| app.watched_file.clone());
    let path = watched.ok_or_else(|| format!("{app} has no watched file"))?;
    while let Some(sha256) = complete(&path)
        .await
        .map_err(|e| format!("{}: {e}", path.display()))?
    {
        match deploy(context, app, &path, &sha256).await {
            Ok(None) => break,
            Ok(Some(lines)) => super::print_progress(&lines),
            Err(reason) => {
                let now = complete(&path)
                    .await
                    .map_err(|e| format!("{}: {e}", path.display()))?;
                if now.as_ref() == Some(&sha256) {
                    return Err(reason);
                }
                super::print_progress(&reason);
            }
        }
    }
    Ok(Output::success(""))
}

/// Deploys a file unless it is what runs; returns what was done.
async fn deploy<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    app: &str,
    path: &Path,
    sha256: &str,
) -> Result<Option<String>, String> {
    let runtime = context.machine.root.resolve(&context.host.paths.runtime);
    let turn = Turn::take(&runtime, TURN_TIMEOUT).await;
    let _turn = turn.map_err(|error| error.to_string())?;
    let known = context
        .host
        .app(app)
        .ok_or_else(|| format!("no app is named {app}"))?;
    let store = context.machine.store(&known.directory);
    let current = store.current().map_err(|error| error.to_string())?;
    let proven = store.proven().map_err(|error| error.to_string())?;
    if current == proven && current.as_deref() == Some(release_of(sha256)) {
        return Ok(None);
    }
    // The release takes the file it is given, and a compiler expects its own where it is. Not in the
    // directory of uploads, whose other files are deleted.
    let directory = context.machine.root.resolve(&known.directory);
    let copy = directory.join(".watched");
    std::fs::create_dir_all(&directory).map_err(|e| format!("{}: {e}", directory.display()))?;
    std::fs::copy(path, &copy).map_err(|e| format!("{}: {e}", copy.display()))?;
    let release = deploy::admit(context, app, sha256, &copy).map_err(|f| f.to_string())?;
    let releases = BTreeMap::from([(app.to_owned(), release.clone())]);
    let changed = deploy::change(context, &releases, Options::default()).await;
    let outcome = changed.map_err(|failure| failure.to_string())?;
    let first = format!("{} changed\n{app}: release {release}", path.display());
    Ok(Some([vec![first], outcome.log].concat().join("\n")))
}

/// The SHA-256 of a file that nothing writes to any more; `None` if it does not exist.
async fn complete(path: &Path) -> io::Result<Option<String>> {
    let mut before = None;
    loop {
        let seen = match std::fs::metadata(path) {
            Ok(seen) => (seen.ino(), seen.mtime(), seen.mtime_nsec(), seen.size()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if before == Some(seen) {
            break;
        }
        before = Some(seen);
        sleep(QUIET_TIME).await;
    }
    match sha256_of(path) {
        Ok(sha256) => Ok(Some(sha256)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
