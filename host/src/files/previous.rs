//! The files that transactions replaced, until they are restored or forgotten.

use std::path::{Path, PathBuf};

use super::manifest::{Entry, Manifest, ManifestStore, previous_path};
use super::{Error, Root, UNITS};

/// The files that committed and interrupted transactions replaced. A snapshot: read it again after a transaction.
#[derive(Debug)]
pub(crate) struct Previous {
    store: ManifestStore,
    manifest: Manifest,
}

/// Which of the files that did not exist before are removed.
#[derive(Clone, Copy, PartialEq)]
enum Removal {
    /// All.
    All,
    /// All except units: they can be active, and have to be stopped first.
    ExceptUnits,
}

impl Previous {
    /// Reads the manifest in the directory `state` (`model::Paths::state`).
    pub(crate) fn read(root: &Root, state: &Path) -> Result<Self, Error> {
        let store = ManifestStore::new(root, state);
        let manifest = store.read()?;
        Ok(Self::new(store, manifest))
    }

    pub(super) fn new(store: ManifestStore, manifest: Manifest) -> Self {
        Self { store, manifest }
    }

    /// Whether files were replaced, or may have been.
    pub(crate) fn is_pending(&self) -> bool {
        !self.manifest.files.is_empty()
    }

    /// The files that were or may have been replaced or removed.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let files = self.manifest.files.iter();
        files.map(|entry| entry.path.clone()).collect()
    }

    /// Content of a file before it was replaced, or as it is if it was not; `None` if it did not exist.
    pub(crate) fn content(&self, path: &Path) -> Result<Option<Vec<u8>>, Error> {
        let root = self.store.root();
        match self.manifest.entry(path) {
            Some(Entry { existed: false, .. }) => Ok(None),
            Some(_) => match root.read(&previous_path(path))? {
                Some(content) => Ok(Some(content)),
                None => root.read(path),
            },
            None => root.read(path),
        }
    }

    /// Restores all files, and removes those that did not exist before and then the manifest. Needs no disk
    /// space. Goes on after errors: then the manifest remains, and the next call tries again.
    pub(crate) fn restore(self) -> Result<(), Error> {
        self.store.finish_forgetting()?;
        let mut errors = self.restore_files(Removal::All);
        errors.extend(self.store.remove_directories(&self.manifest));
        Error::collect(errors)?;
        self.store.remove(&self.manifest)
    }

    /// Restores all files, and removes those that did not exist before except units. They remain, with the
    /// manifest, until [`Self::restore`].
    pub(crate) fn restore_existing(&self) -> Result<(), Error> {
        Error::collect(self.restore_files(Removal::ExceptUnits))?;
        self.store.sync(&self.manifest)
    }

    /// Keeps the new files: removes the previous ones, and the manifest. Needs no disk space. Goes on after
    /// errors. An interrupted call has kept all previous files, or the next call or transaction completes it.
    pub(crate) fn forget(self) -> Result<(), Error> {
        self.store.forget()
    }

    fn restore_files(&self, removal: Removal) -> Vec<Error> {
        let files = self.manifest.files.iter();
        let mut errors: Vec<Error> = files
            .filter_map(|entry| self.restore_file(entry, removal).err())
            .collect();
        errors.extend(self.store.remove_fresh(&self.manifest));
        errors
    }

    fn restore_file(&self, entry: &Entry, removal: Removal) -> Result<(), Error> {
        let root = self.store.root();
        let path = &entry.path;
        if !entry.existed {
            let is_unit = path.parent() == Some(Path::new(UNITS));
            return match removal {
                Removal::ExceptUnits if is_unit => Ok(()),
                _ => root.remove(path),
            };
        }
        let previous = previous_path(path);
        if root.exists(&previous)? {
            root.rename(&previous, path)?;
            // rename(2) does nothing if both are links to one file: before the new file was renamed.
            root.remove(&previous)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
