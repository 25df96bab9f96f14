//! Compares rendered files with those in the output directory.

use std::io;
use std::path::Path;

use super::manifest::digest;
use super::{Manifest, OutputPath, RenderedFile, Tree};

/// How a file on disk differs from the rendered one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// The file does not exist.
    Missing,
    /// The file is unchanged since genconf wrote it, and the rendered file differs.
    Outdated,
    /// The file was modified or created by another program or person.
    Modified,
    /// genconf wrote the file and no longer renders it.
    Orphaned,
}

/// A difference between a file on disk and the rendered one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// Path of the file.
    pub path: OutputPath,
    /// How it differs.
    pub state: State,
    /// Contents on disk; empty if the file is missing.
    pub old: Vec<u8>,
    /// Rendered contents; empty for an orphaned file.
    pub new: Vec<u8>,
}

/// Lists the differences between `tree` and `directory`, sorted by path. Files that the manifest
/// lists outside `only` are ignored.
pub fn compare(tree: &Tree, directory: &Path, only: &[String]) -> io::Result<Vec<Change>> {
    let manifest = Manifest::read(directory)?;
    let mut changes = Vec::new();
    for (path, file) in tree.iter() {
        changes.extend(difference(path, file, directory, &manifest)?);
    }
    for path in manifest
        .paths()
        .filter(|p| p.is_below(only) && tree.get(p).is_none())
    {
        changes.extend(orphan(path, directory, &manifest)?);
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

fn difference(
    path: &OutputPath,
    file: &RenderedFile,
    directory: &Path,
    manifest: &Manifest,
) -> io::Result<Option<Change>> {
    let old = content(&path.under(directory))?;
    let state = match &old {
        None => State::Missing,
        Some(old) if *old == file.bytes => return Ok(None),
        Some(old) if manifest.digest(path) == Some(&digest(old)) => State::Outdated,
        Some(_) => State::Modified,
    };
    Ok(Some(Change {
        path: path.clone(),
        state,
        old: old.unwrap_or_default(),
        new: file.bytes.clone(),
    }))
}

fn orphan(path: OutputPath, directory: &Path, manifest: &Manifest) -> io::Result<Option<Change>> {
    let Some(old) = content(&path.under(directory))? else {
        return Ok(None);
    };
    let is_unmodified = manifest.digest(&path) == Some(&digest(&old));
    Ok(Some(Change {
        path,
        state: if is_unmodified {
            State::Orphaned
        } else {
            State::Modified
        },
        old,
        new: Vec::new(),
    }))
}

/// Contents of a regular file; `None` if it does not exist.
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
