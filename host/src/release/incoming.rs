//! Uploads of artifacts, and the releases made of them.

use std::fs;
use std::io;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};

use model::{Artifact, ArtifactKind};
use rustix::process::{getegid, geteuid};

use super::archive;
use super::disk::{self, At as _};
use super::error::Error;
use super::hash::{digest_of, sha256_of};
use super::space::check_space;
use super::store::Store;

impl Store {
    /// Path of an upload: on the file system of the releases.
    pub(crate) fn incoming(&self, sha256: &str) -> PathBuf {
        self.path("incoming").join(sha256)
    }

    /// Moves an uploaded file to [`Store::incoming`]. Its owner becomes the effective user.
    ///
    /// Deletes other uploads first, which interrupted runs left: the caller has the deploy lock.
    pub(crate) fn receive(&self, sha256: &str, file: &Path) -> Result<(), Error> {
        digest_of(sha256)?;
        if !fs::symlink_metadata(file).at(file)?.is_file() {
            let reason = format!("{}: not a regular file", file.display());
            return Err(Error::Rejected(reason));
        }
        let directory = self.path("incoming");
        disk::create_directory(&directory)?;
        for entry in fs::read_dir(&directory).at(&directory)? {
            disk::remove(&entry.at(&directory)?.path())?;
        }
        let upload = self.incoming(sha256);
        move_file(file, &upload)
            .and_then(|()| own(&upload))
            .inspect_err(|_| discard(&[&upload]))
    }

    /// Makes a release of an upload, whose SHA-256 is verified. Returns its digest. If this fails,
    /// the upload is deleted.
    pub(crate) fn admit(&self, artifact: &Artifact, sha256: &str) -> Result<String, Error> {
        let digest = digest_of(sha256)?.to_owned();
        let upload = self.incoming(sha256);
        if self.has(&digest)? {
            disk::remove(&upload)?;
            return Ok(digest);
        }
        let new = self.incoming(&format!("{digest}.new"));
        prepare(artifact, &upload, &new)
            .and_then(|()| disk::create_directory(&self.path("releases")).map_err(Error::from))
            .and_then(|()| Ok(disk::rename(&new, &self.release(&digest))?))
            .inspect_err(|_| discard(&[&new, &upload]))?;
        Ok(digest)
    }
}

/// Moves a file, also from another file system.
fn move_file(file: &Path, to: &Path) -> Result<(), Error> {
    match disk::rename(file, to) {
        Err(error) if error.source.kind() == io::ErrorKind::CrossesDevices => {}
        moved => return Ok(moved?),
    }
    let length = fs::metadata(file).at(file)?.len();
    check_space(to.parent().unwrap_or(to), length)?;
    fs::copy(file, to).at(to)?;
    Ok(disk::remove(file)?)
}

/// Denies access to the user who uploaded the file, until it is verified.
fn own(upload: &Path) -> Result<(), Error> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    lchown(upload, Some(user), Some(group)).at(upload)?;
    Ok(disk::set_mode(upload, 0o600)?)
}

/// Verifies an upload, whose name is its SHA-256, and moves its content to the directory `new`.
fn prepare(artifact: &Artifact, upload: &Path, new: &Path) -> Result<(), Error> {
    let is_archive = artifact.kind == ArtifactKind::Archive;
    if is_archive {
        let length = fs::metadata(upload).at(upload)?.len();
        // An estimate: how much is in an archive is known after it is unpacked.
        check_space(upload.parent().unwrap_or(upload), length.saturating_mul(2))?;
    }
    let found = sha256_of(upload).at(upload)?;
    let expected = upload.file_name().unwrap_or_default().to_string_lossy();
    if found != expected {
        return Err(Error::Rejected(format!(
            "{}: digest mismatch: expected {expected}, found {found}",
            upload.display()
        )));
    }
    disk::remove(new)?;
    disk::create_directory(new)?;
    if is_archive {
        archive::unpack(upload, new, &artifact.executable)?;
        disk::remove(upload)?;
        // There may be thousands of files: one call instead of one for each.
        return Ok(disk::sync_file_system(new)?);
    }
    // With DynamicUser=, any user may be the one that executes it.
    disk::set_mode(upload, 0o755)?;
    disk::sync(upload)?;
    Ok(disk::rename(upload, &new.join(&artifact.executable))?)
}

/// Deletes what a failed operation left. The operation's own error is the one to report, and the next
/// upload deletes what remains.
fn discard(paths: &[&Path]) {
    for path in paths {
        let _ = disk::remove(path);
    }
}

#[cfg(test)]
mod tests;
