//! A tree beside the folder it belongs in.

use std::io;
use std::path::Path;

use super::manifest::digest;
use super::{Artifact, BundlePath, Manifest, Tree};

/// How a file on disk differs from the one in the tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It is not there.
    Missing,
    /// It is what genconf wrote last, and the tree has something newer.
    Stale,
    /// A person changed it, or wrote it: it is not what genconf wrote last.
    Edited,
    /// genconf wrote it and describes it no more.
    Orphan,
}

/// One difference.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// The file.
    pub path: BundlePath,
    /// How it differs.
    pub state: State,
    /// What is on disk; empty when it is missing.
    pub old: Vec<u8>,
    /// What the tree has; empty for an orphan.
    pub new: Vec<u8>,
}

/// Every difference between `tree` and `folder`, by path. Of the files that
/// the manifest lists, those outside `only` are left alone.
pub fn compare(tree: &Tree, folder: &Path, only: &[String]) -> io::Result<Vec<Change>> {
    let manifest = Manifest::read(folder)?;
    let mut changes = Vec::new();
    for (path, artifact) in tree.iter() {
        changes.extend(difference(path, artifact, folder, &manifest)?);
    }
    for path in manifest
        .paths()
        .filter(|p| p.is_below(only) && tree.get(p).is_none())
    {
        changes.extend(orphan(path, folder, &manifest)?);
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

fn difference(
    path: &BundlePath,
    artifact: &Artifact,
    folder: &Path,
    manifest: &Manifest,
) -> io::Result<Option<Change>> {
    let old = content(&path.under(folder))?;
    let state = match &old {
        None => State::Missing,
        Some(old) if *old == artifact.bytes => return Ok(None),
        Some(old) if manifest.digest(path) == Some(&digest(old)) => State::Stale,
        Some(_) => State::Edited,
    };
    Ok(Some(Change {
        path: path.clone(),
        state,
        old: old.unwrap_or_default(),
        new: artifact.bytes.clone(),
    }))
}

fn orphan(path: BundlePath, folder: &Path, manifest: &Manifest) -> io::Result<Option<Change>> {
    let Some(old) = content(&path.under(folder))? else {
        return Ok(None);
    };
    let written = manifest.digest(&path) == Some(&digest(&old));
    Ok(Some(Change {
        path,
        state: if written {
            State::Orphan
        } else {
            State::Edited
        },
        old,
        new: Vec::new(),
    }))
}

/// The bytes of a regular file; `None` when nothing is there.
fn content(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(io::Error::new(
            e.kind(),
            format!("cannot read {}: {e}", path.display()),
        )),
    }
}
