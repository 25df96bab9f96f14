//! Installation of files and removal of others, all or none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::manifest::{Entry, Manifest, ManifestStore, fresh_path, previous_path};
use super::root::DIRECTORY_MODE;
use super::{Error, File, Previous, Root, ownership};

/// New files next to those that they replace. Dropped without a commit, it removes them.
#[derive(Debug)]
pub(crate) struct Transaction {
    store: ManifestStore,
    /// Files to install.
    installed: Vec<PathBuf>,
    /// Files to remove.
    removed: Vec<PathBuf>,
    /// Of earlier transactions that were neither restored nor forgotten.
    earlier: Manifest,
    /// Directories that it created, each after its parent.
    directories: Vec<PathBuf>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Nothing is replaced.
    Staged,
    /// The manifest lists the files: what is left is restored or forgotten by it.
    Committing,
}

impl Transaction {
    /// Writes `files` next to their destinations, with their modes, and creates missing directories (mode
    /// 0755). Nothing is replaced. `state` is `model::Paths::state`. On an error nothing has changed.
    pub(crate) fn stage(
        root: &Root,
        state: &Path,
        files: &[File],
        removals: &[PathBuf],
    ) -> Result<Self, Error> {
        let installed: Vec<PathBuf> = files.iter().map(|f| f.path.clone()).collect();
        refuse_duplicates(installed.iter().chain(removals))?;
        files.iter().try_for_each(|f| refuse_foreign(root, f))?;
        let store = ManifestStore::new(root, state);
        store.finish_forgetting()?;
        let earlier = store.read()?;
        Error::collect(store.remove_fresh(&earlier))?;
        let directories = missing_directories(root, &installed)?;
        let transaction = Self {
            store,
            installed,
            removed: removals.to_vec(),
            earlier,
            directories,
            phase: Phase::Staged,
        };
        transaction.write(files)?;
        Ok(transaction)
    }

    /// The staged file that will replace `path`, for a check of its syntax.
    pub(crate) fn candidate(&self, path: &Path) -> PathBuf {
        self.store.root().resolve(&fresh_path(path))
    }

    /// Replaces and removes the files, and keeps the previous ones until [`Previous::restore`] or
    /// [`Previous::forget`]. On an error the previous files are restored: those from before the earlier
    /// transaction, if one was neither restored nor forgotten; its units remain as by
    /// [`Previous::restore_existing`].
    pub(crate) fn commit(mut self) -> Result<(), Error> {
        if self.installed.is_empty() && self.removed.is_empty() {
            return Ok(());
        }
        let manifest = self.merged_manifest()?;
        self.store.write(&manifest)?;
        self.phase = Phase::Committing;
        let Err(cause) = self.replace(&manifest) else {
            return Ok(());
        };
        let previous = Previous::new(self.store.clone(), manifest);
        let restored = if self.earlier.files.is_empty() {
            previous.restore()
        } else {
            previous.restore_existing()
        };
        Err(match restored {
            Ok(()) => cause,
            Err(error) => Error::NotRestored {
                cause: Box::new(cause),
                error: Box::new(error),
            },
        })
    }

    fn write(&self, files: &[File]) -> Result<(), Error> {
        if files.is_empty() {
            return Ok(());
        }
        let root = self.store.root();
        // Before the first new file: after a kill, they are removed by this list.
        self.store.write(&self.staged_manifest())?;
        for directory in &self.directories {
            root.create_directory(directory, DIRECTORY_MODE)?;
        }
        files
            .iter()
            .try_for_each(|f| root.create(&fresh_path(&f.path), &f.content, f.mode))
    }

    fn replace(&self, manifest: &Manifest) -> Result<(), Error> {
        let root = self.store.root();
        let changed = self.installed.iter().chain(&self.removed);
        for entry in changed.filter_map(|path| manifest.entry(path)) {
            self.keep(entry)?;
        }
        self.store.sync(manifest)?;
        for path in &self.installed {
            root.rename(&fresh_path(path), path)?;
        }
        self.removed.iter().try_for_each(|path| root.remove(path))?;
        self.store.sync(manifest)
    }

    /// Links the file that served before the first of the transactions that are not finished.
    fn keep(&self, entry: &Entry) -> Result<(), Error> {
        let root = self.store.root();
        let path = &entry.path;
        let previous = previous_path(path);
        if self.earlier.entry(path).is_none() {
            // Not of a transaction, or its manifest was lost.
            root.remove(&previous)?;
        }
        if !entry.existed || root.exists(&previous)? || !root.exists(path)? {
            return Ok(());
        }
        root.link(path, &previous)
    }

    fn staged_manifest(&self) -> Manifest {
        let mut manifest = self.earlier.clone();
        manifest.staged.clone_from(&self.installed);
        manifest.directories.extend(self.directories.clone());
        manifest
    }

    fn merged_manifest(&self) -> Result<Manifest, Error> {
        let mut manifest = self.staged_manifest();
        manifest.staged.clear();
        for path in self.installed.iter().chain(&self.removed) {
            if self.earlier.entry(path).is_none() {
                manifest.files.push(Entry {
                    path: path.clone(),
                    existed: self.store.root().exists(path)?,
                });
            }
        }
        Ok(manifest)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.phase == Phase::Committing || self.installed.is_empty() {
            return;
        }
        let staged = self.staged_manifest();
        let mut errors = self.store.remove_fresh(&staged);
        errors.extend(self.store.remove_directories(&staged));
        // What could not be removed remains in the manifest, and is removed by the next transaction.
        if errors.is_empty() && self.earlier.files.is_empty() {
            let _ = self.store.remove(&staged);
        }
    }
}

fn missing_directories(root: &Root, files: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut missing = Vec::new();
    for parent in files.iter().filter_map(|path| path.parent()) {
        for directory in root.missing_directories(parent)? {
            if !missing.contains(&directory) {
                missing.push(directory);
            }
        }
    }
    Ok(missing)
}

fn refuse_duplicates<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for path in paths {
        if !seen.insert(path) {
            return Err(Error::Duplicate { path: path.clone() });
        }
    }
    Ok(())
}

/// In a directory that all projects of a host share, two can have files of one name.
fn refuse_foreign(root: &Root, file: &File) -> Result<(), Error> {
    if !ownership::is_shared(&file.path) || !root.exists(&file.path)? {
        return Ok(());
    }
    let present = root.read(&file.path)?.unwrap_or_default();
    let owner = ownership::owner(&present);
    if owner.is_some() && owner == ownership::owner(&file.content) {
        return Ok(());
    }
    Err(Error::Foreign {
        path: file.path.clone(),
        owner: owner.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests;
