//! Directory of the releases of one app, and the links that select one.
//!
//! ```text
//! releases/DIGEST/   one release; DIGEST is the first 12 hexadecimal digits of the artifact's SHA-256
//! current            link to the release that units start
//! proven             link to the release that last passed its checks; differs from `current` only
//!                    during a roll, or after an interrupted one
//! history            digests of releases that passed, oldest first: candidates for a rollback
//! incoming/          uploads, and releases that are being added or deleted
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use super::disk::{self, At as _, if_exists};
use super::error::Error;
use super::hash::is_digest;

/// Releases in the history.
const KEPT: usize = 5;

/// The releases of one app. Changes require the turn of this host.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    directory: PathBuf,
}

impl Store {
    /// The releases in the directory of an app. Nothing is created before [`Store::receive`].
    pub(crate) fn new(app_directory: &Path) -> Self {
        Self {
            directory: app_directory.to_owned(),
        }
    }

    /// The release that units start.
    pub(crate) fn current(&self) -> Result<Option<String>, Error> {
        self.read_link("current")
    }

    /// The release that last passed its checks.
    pub(crate) fn proven(&self) -> Result<Option<String>, Error> {
        self.read_link("proven")
    }

    /// Releases that passed their checks and still exist, oldest first.
    pub(crate) fn history(&self) -> Result<Vec<String>, Error> {
        let path = self.path("history");
        let text = if_exists(fs::read_to_string(&path)).at(&path)?;
        let mut history = Vec::new();
        for digest in text.unwrap_or_default().split_whitespace() {
            if self.has(digest)? {
                history.push(digest.to_owned());
            }
        }
        Ok(history)
    }

    /// The release that a rollback without an argument selects: the one that passed before `current`.
    ///
    /// An unfinished deploy from the release `left` is undone instead; an unfinished rollback from `left`
    /// is finished. A roll that was interrupted on this host started from `proven`.
    pub(crate) fn previous(&self, left: Option<&str>) -> Result<Option<String>, Error> {
        let (history, current, proven) = (self.history()?, self.current()?, self.proven()?);
        let left = if proven == current {
            left
        } else {
            proven.as_deref().or(left)
        };
        let position = |digest: &str| history.iter().position(|known| known == digest);
        let current_position = current.as_deref().and_then(position);
        if let Some(left) = left
            && current.as_deref() != Some(left)
            && self.has(left)?
        {
            // A release that is not in the history yet is the newest.
            let end = position(left).unwrap_or(history.len());
            let is_rollback = current_position.is_some_and(|position| position < end);
            return Ok(if is_rollback {
                current
            } else {
                Some(left.to_owned())
            });
        }
        let older = &history[..current_position.unwrap_or(history.len())];
        Ok(older.last().cloned())
    }

    /// All releases, in the order of their digests.
    pub(crate) fn releases(&self) -> Result<Vec<String>, Error> {
        let directory = self.path("releases");
        let Some(entries) = if_exists(fs::read_dir(&directory)).at(&directory)? else {
            return Ok(Vec::new());
        };
        let mut releases = Vec::new();
        for entry in entries {
            let name = entry.at(&directory)?.file_name();
            releases.extend(name.to_str().filter(|n| is_digest(n)).map(str::to_owned));
        }
        releases.sort();
        Ok(releases)
    }

    /// Whether a release exists.
    pub(crate) fn has(&self, digest: &str) -> Result<bool, Error> {
        if !is_digest(digest) {
            return Ok(false);
        }
        let path = self.release(digest);
        let metadata = if_exists(fs::symlink_metadata(&path)).at(&path)?;
        Ok(metadata.is_some_and(|metadata| metadata.is_dir()))
    }

    /// The release whose digest starts with `prefix`. Several are an error.
    pub(crate) fn find(&self, prefix: &str) -> Result<Option<String>, Error> {
        let mut found = self.releases()?;
        found.retain(|digest| digest.starts_with(prefix));
        if found.len() > 1 {
            return Err(Error::Rejected(format!(
                "more than one release starts with {prefix}: {}",
                found.join(", ")
            )));
        }
        Ok(found.pop())
    }

    /// Makes units start a release from now on.
    pub(crate) fn select(&self, digest: &str) -> Result<(), Error> {
        self.write_link("current", digest)
    }

    /// Marks the release that all instances run and that passed its checks.
    pub(crate) fn prove(&self, digest: &str) -> Result<(), Error> {
        self.write_link("proven", digest)
    }

    /// Adds a release that passed to the history, and deletes the releases that are no longer kept.
    ///
    /// The release `previous` ran until then: it becomes the second newest.
    pub(crate) fn record(&self, digest: &str, previous: Option<&str>) -> Result<(), Error> {
        let mut passed = self.history_before(previous)?;
        passed.retain(|known| known != digest);
        passed.push(digest.to_owned());
        passed.drain(..passed.len().saturating_sub(KEPT));
        self.write_history(&passed)?;
        let selected = [self.current()?, self.proven()?];
        passed.extend(selected.into_iter().flatten());
        for release in self.releases()? {
            if !passed.contains(&release) {
                self.delete(&release)?;
            }
        }
        Ok(())
    }

    /// Deletes a release that did not pass, with its links and its entry in the history.
    pub(crate) fn forget(&self, digest: &str) -> Result<(), Error> {
        for link in ["current", "proven"] {
            if self.read_link(link)?.as_deref() == Some(digest) {
                disk::remove(&self.path(link))?;
                disk::sync(&self.directory)?;
            }
        }
        let mut history = self.history()?;
        if history.iter().any(|known| known == digest) {
            history.retain(|known| known != digest);
            self.write_history(&history)?;
        }
        self.delete(digest)
    }

    /// Renames the release first: a partly deleted directory in releases/ would count as a release.
    fn delete(&self, digest: &str) -> Result<(), Error> {
        if !self.has(digest)? {
            return Ok(());
        }
        let deleted = self.path("incoming").join(format!("{digest}.deleted"));
        disk::create_directory(&self.path("incoming"))?;
        disk::remove(&deleted)?;
        disk::rename(&self.release(digest), &deleted)?;
        // Not a release any more. The next upload deletes what remains of it.
        let _ = disk::remove(&deleted);
        Ok(())
    }

    /// The history, with `previous` as its newest.
    ///
    /// Releases after `previous` were left by a rollback: they become the oldest, so that the next
    /// rollback does not select them.
    fn history_before(&self, previous: Option<&str>) -> Result<Vec<String>, Error> {
        let mut history = self.history()?;
        let Some(previous) = previous else {
            return Ok(history);
        };
        if !self.has(previous)? {
            return Ok(history);
        }
        let position = history.iter().position(|known| known == previous);
        if let Some(position) = position {
            history.remove(position);
            history.rotate_left(position);
        }
        history.push(previous.to_owned());
        Ok(history)
    }

    /// A file in the directory of the app.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The directory of a release.
    pub(super) fn release(&self, digest: &str) -> PathBuf {
        self.path("releases").join(digest)
    }

    fn read_link(&self, link: &str) -> Result<Option<String>, Error> {
        let path = self.path(link);
        let target = if_exists(fs::read_link(&path)).at(&path)?;
        let name = |target: PathBuf| Some(target.file_name()?.to_string_lossy().into_owned());
        Ok(target.and_then(name))
    }

    /// Replaces a link atomically: it always points to a release.
    fn write_link(&self, link: &str, digest: &str) -> Result<(), Error> {
        if self.read_link(link)?.as_deref() == Some(digest) {
            return Ok(());
        }
        let new = self.path(&format!(".{link}"));
        disk::remove(&new)?;
        std::os::unix::fs::symlink(Path::new("releases").join(digest), &new).at(&new)?;
        Ok(disk::rename(&new, &self.path(link))?)
    }

    fn write_history(&self, digests: &[String]) -> Result<(), Error> {
        let lines: String = digests.iter().flat_map(|d| [d.as_str(), "\n"]).collect();
        Ok(disk::write(&self.path("history"), &lines)?)
    }
}

#[cfg(test)]
mod tests;
