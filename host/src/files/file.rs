//! Files as they should be, and how the host differs.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::Error;
use super::root::{DIRECTORY_MODE, Root};

/// Bits of a mode that chmod(2) sets.
const MODE_BITS: u32 = 0o7777;

/// A file as it should be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct File {
    /// Absolute path.
    pub(crate) path: PathBuf,
    /// Content.
    pub(crate) content: Vec<u8>,
    /// Permission bits: `0o644`.
    pub(crate) mode: u32,
}

/// Files whose content or mode differs on the host, or that do not exist there.
pub(crate) fn differing(root: &Root, files: &[File]) -> Result<Vec<File>, Error> {
    let mut differing = Vec::new();
    for file in files {
        if !is_installed(root, file)? {
            differing.push(file.clone());
        }
    }
    Ok(differing)
}

/// Directories that other users cannot list and enter, in the order of `directories`: those that an earlier
/// version created with a umask(2) other than 022. Links and what does not exist are left out.
pub(crate) fn closed_directories(
    root: &Root,
    directories: &[PathBuf],
) -> Result<Vec<PathBuf>, Error> {
    let mut seen = BTreeSet::new();
    let mut closed = Vec::new();
    for directory in directories.iter().filter(|d| seen.insert(*d)) {
        let metadata = root.metadata(directory)?.filter(std::fs::Metadata::is_dir);
        let mode = metadata.map(|m| m.permissions().mode());
        if mode.is_some_and(|mode| mode & DIRECTORY_MODE != DIRECTORY_MODE) {
            closed.push(directory.clone());
        }
    }
    Ok(closed)
}

/// Sets the mode of directories to 0755.
pub(crate) fn repair_directories(root: &Root, directories: &[PathBuf]) -> Result<(), Error> {
    let mut directories = directories.iter();
    directories.try_for_each(|directory| root.set_mode(directory, DIRECTORY_MODE))
}

fn is_installed(root: &Root, file: &File) -> Result<bool, Error> {
    let mode = root.target_metadata(&file.path)?;
    let mode = mode.map(|m| m.permissions().mode() & MODE_BITS);
    Ok(mode == Some(file.mode) && root.read(&file.path)?.as_ref() == Some(&file.content))
}

#[cfg(test)]
mod tests;
