//! The record of installed files, `/etc/PROJECT/files.json`: SHA-256 digests by path.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{Error, File, Root};

/// How a file differs from what genconf installed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Modification {
    /// It does not exist.
    Missing,
    /// It has another content.
    Modified,
}

impl Modification {
    /// For people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Modified => "modified",
        }
    }
}

/// The record of `files`, to install with them.
pub(crate) fn record_of(project: &str, files: &[File]) -> Result<File, Error> {
    let path = record_path(project);
    let digests: BTreeMap<&Path, String> = files
        .iter()
        .map(|file| (file.path.as_path(), digest(&file.content)))
        .collect();
    let mut content = match serde_json::to_vec_pretty(&digests) {
        Ok(content) => content,
        Err(error) => return Err(Error::Json { path, error }),
    };
    content.push(b'\n');
    Ok(File {
        path,
        content,
        // Digests of secrets are in it.
        mode: 0o600,
    })
}

/// Files of the record that are missing or have another content. Empty without a record.
pub(crate) fn modified(
    root: &Root,
    project: &str,
) -> Result<BTreeMap<PathBuf, Modification>, Error> {
    let path = record_path(project);
    let Some(content) = root.read(&path)? else {
        return Ok(BTreeMap::new());
    };
    let recorded: BTreeMap<PathBuf, String> = match serde_json::from_slice(&content) {
        Ok(recorded) => recorded,
        Err(error) => return Err(Error::Json { path, error }),
    };
    let mut modified = BTreeMap::new();
    for (path, expected) in recorded {
        match root.read(&path)? {
            None => modified.insert(path, Modification::Missing),
            Some(content) if digest(&content) != expected => {
                modified.insert(path, Modification::Modified)
            }
            Some(_) => None,
        };
    }
    Ok(modified)
}

fn record_path(project: &str) -> PathBuf {
    Path::new("/etc").join(project).join("files.json")
}

fn digest(content: &[u8]) -> String {
    format!("{:x}", Sha256::digest(content))
}

#[cfg(test)]
mod tests;
