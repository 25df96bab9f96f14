//! The list of replaced files in STATE/previous.json, and the names of the files next to them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::root::{DIRECTORY_MODE, Root};
use super::{Error, ownership};

/// Replaced files that can be restored.
const PREVIOUS: &str = "previous.json";

/// Replaced files whose removal has begun. They cannot be restored any more.
const FORGOTTEN: &str = "forgotten.json";

/// A file that was or is to be replaced or removed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// Absolute path.
    pub(super) path: PathBuf,
    /// Whether it existed before.
    pub(super) existed: bool,
}

/// Files of transactions that are not finished.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// Files of transactions whose commit has begun.
    pub(super) files: Vec<Entry>,
    /// Files of a transaction whose commit has not begun: of them only new files next to the present ones exist.
    pub(super) staged: Vec<PathBuf>,
    /// Directories that were created, each after its parent.
    pub(super) directories: Vec<PathBuf>,
}

impl Manifest {
    /// The entry of a path.
    pub(super) fn entry(&self, path: &Path) -> Option<&Entry> {
        self.files.iter().find(|entry| entry.path == path)
    }

    /// All files that can have new files next to them.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let committed = self.files.iter().map(|entry| &entry.path);
        committed.chain(&self.staged).map(PathBuf::as_path)
    }

    /// Directories whose entries change when the files change.
    fn changed_directories(&self) -> BTreeSet<&Path> {
        let created = self.directories.iter().map(PathBuf::as_path);
        self.paths()
            .chain(created)
            .filter_map(Path::parent)
            .collect()
    }
}

/// The manifests in the directory of a project's state.
#[derive(Clone, Debug)]
pub(super) struct ManifestStore {
    root: Root,
    state: PathBuf,
}

impl ManifestStore {
    /// Those in the directory `state`.
    pub(super) fn new(root: &Root, state: &Path) -> Self {
        Self {
            root: root.clone(),
            state: state.to_owned(),
        }
    }

    /// The root of the paths.
    pub(super) fn root(&self) -> &Root {
        &self.root
    }

    /// The manifest; empty if it does not exist.
    pub(super) fn read(&self) -> Result<Manifest, Error> {
        self.parse(PREVIOUS).map(Option::unwrap_or_default)
    }

    /// Replaces the manifest atomically.
    pub(super) fn write(&self, manifest: &Manifest) -> Result<(), Error> {
        let path = self.state.join(PREVIOUS);
        let content = match serde_json::to_vec(manifest) {
            Ok(content) => content,
            Err(error) => return Err(Error::Json { path, error }),
        };
        self.create_directory()?;
        let fresh = fresh_path(&path);
        self.root.create(&fresh, &content, 0o600)?;
        self.root.rename(&fresh, &path)?;
        self.root.sync(&self.state)
    }

    /// Removes the manifest, once the changes of its files are on disk.
    pub(super) fn remove(&self, manifest: &Manifest) -> Result<(), Error> {
        self.remove_file(PREVIOUS, manifest)
    }

    /// Removes the previous files and the manifest. Needs no disk space. Once the manifest has its
    /// other name, nothing can be restored, and [`Self::finish_forgetting`] completes an interrupted call.
    pub(super) fn forget(&self) -> Result<(), Error> {
        self.finish_forgetting()?;
        let path = self.state.join(PREVIOUS);
        self.root.remove(&fresh_path(&path))?;
        if self.root.exists(&path)? {
            self.root.rename(&path, &self.state.join(FORGOTTEN))?;
            self.root.sync(&self.state)?;
        }
        self.finish_forgetting()
    }

    /// Completes an interrupted [`Self::forget`], if there was one.
    pub(super) fn finish_forgetting(&self) -> Result<(), Error> {
        let Some(manifest) = self.parse(FORGOTTEN)? else {
            return Ok(());
        };
        let mut errors = self.remove_fresh(&manifest);
        for Entry { path, .. } in &manifest.files {
            errors.extend(self.root.remove(&previous_path(path)).err());
            errors.extend(self.remove_parent_of_removed(path).err());
        }
        errors.extend(self.remove_directories(&manifest));
        Error::collect(errors)?;
        self.remove_file(FORGOTTEN, &manifest)
    }

    /// Syncs the directories of the files.
    pub(super) fn sync(&self, manifest: &Manifest) -> Result<(), Error> {
        let mut directories = manifest.changed_directories().into_iter();
        directories.try_for_each(|directory| self.root.sync(directory))
    }

    /// Removes the new files that were not renamed. Goes on after errors.
    pub(super) fn remove_fresh(&self, manifest: &Manifest) -> Vec<Error> {
        let fresh = manifest.paths().map(fresh_path);
        fresh
            .filter_map(|path| self.root.remove(&path).err())
            .collect()
    }

    /// Removes those of the created directories that are empty. Goes on after errors.
    pub(super) fn remove_directories(&self, manifest: &Manifest) -> Vec<Error> {
        let directories = manifest.directories.iter().rev();
        directories
            .filter_map(|directory| self.root.remove_empty_directory(directory).err())
            .collect()
    }

    fn remove_parent_of_removed(&self, path: &Path) -> Result<(), Error> {
        if self.root.exists(path)? {
            return Ok(());
        }
        ownership::remove_parent(&self.root, path)
    }

    fn parse(&self, name: &str) -> Result<Option<Manifest>, Error> {
        let path = self.state.join(name);
        let Some(content) = self.root.read(&path)? else {
            return Ok(None);
        };
        match serde_json::from_slice(&content) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(error) => Err(Error::Json { path, error }),
        }
    }

    fn remove_file(&self, name: &str, manifest: &Manifest) -> Result<(), Error> {
        self.sync(manifest)?;
        self.root.remove(&fresh_path(&self.state.join(PREVIOUS)))?;
        self.root.remove(&self.state.join(name))?;
        self.root.sync(&self.state)
    }

    /// Readable for root only: the directory of a project is in the one of genconf.
    fn create_directory(&self) -> Result<(), Error> {
        let missing = self.root.missing_directories(&self.state)?;
        missing.iter().try_for_each(|directory| {
            let is_state = *directory == self.state;
            let mode = if is_state { 0o700 } else { DIRECTORY_MODE };
            self.root.create_directory(directory, mode)
        })
    }
}

/// The new file next to `path`: `.NAME.fresh`.
pub(super) fn fresh_path(path: &Path) -> PathBuf {
    sibling(path, "fresh")
}

/// The previous file next to `path`: `.NAME.previous`.
pub(super) fn previous_path(path: &Path) -> PathBuf {
    sibling(path, "previous")
}

/// Whether a path is that of a new or previous file next to another.
pub(super) fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') && (name.ends_with(".fresh") || name.ends_with(".previous"))
}

/// In the same directory, so that a rename is atomic and relative paths in the file mean the same.
fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{suffix}"))
}
