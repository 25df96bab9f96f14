//! Operations on files below a root directory.

use std::fs::{self, DirBuilder, Metadata, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::error::{Error, Operation};

/// Mode of directories that genconf creates: units run as other users.
pub(super) const DIRECTORY_MODE: u32 = 0o755;

/// In tests, files are not synced: that takes most of their time, and none cuts the power.
const SYNCS: bool = !cfg!(test);

/// Errors for a path that does not exist: it, or one of its parents, or a parent is a file.
const MISSING: [io::ErrorKind; 2] = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];

/// The directory that stands for `/`. Paths in arguments, data, and errors are absolute without it.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    directory: PathBuf,
    #[cfg(test)]
    pub(super) faults: super::faults::Faults,
}

impl Root {
    /// The root of this host.
    pub(crate) fn system() -> Self {
        Self::at(Path::new("/"))
    }

    /// Another directory.
    pub(crate) fn at(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            #[cfg(test)]
            faults: super::faults::Faults::default(),
        }
    }

    /// Where `path` is.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        self.directory.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Content of a file; `None` if it does not exist.
    pub(crate) fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Error> {
        self.query(path, |path| fs::read(path))
    }

    /// Metadata of a file or directory, or of a link itself; `None` if it does not exist.
    pub(crate) fn metadata(&self, path: &Path) -> Result<Option<Metadata>, Error> {
        self.query(path, |path| fs::symlink_metadata(path))
    }

    /// Metadata of a file or directory, or of what a link points to; `None` if it does not exist.
    pub(crate) fn target_metadata(&self, path: &Path) -> Result<Option<Metadata>, Error> {
        self.query(path, |path| fs::metadata(path))
    }

    /// Whether a file, directory, or link exists.
    pub(crate) fn exists(&self, path: &Path) -> Result<bool, Error> {
        Ok(self.metadata(path)?.is_some())
    }

    /// Whether it is a directory, or a link to one.
    pub(crate) fn is_directory(&self, path: &Path) -> Result<bool, Error> {
        Ok(self.target_metadata(path)?.is_some_and(|m| m.is_dir()))
    }

    /// Entries of a directory, sorted; empty if it does not exist.
    pub(crate) fn entries(&self, directory: &Path) -> Result<Vec<PathBuf>, Error> {
        let names = self.query(directory, |path| {
            fs::read_dir(path)?
                .map(|entry| entry.map(|e| e.file_name()))
                .collect::<io::Result<Vec<_>>>()
        })?;
        let names = names.unwrap_or_default().into_iter();
        let mut paths: Vec<PathBuf> = names.map(|name| directory.join(name)).collect();
        paths.sort();
        Ok(paths)
    }

    /// Creates a file with this mode and syncs it; replaces one that exists, not atomically.
    pub(super) fn create(&self, path: &Path, content: &[u8], mode: u32) -> Result<(), Error> {
        self.remove(path)?;
        let mut file = self.change(Operation::Create, path, |path| {
            // Until it has its mode, which does not depend on the umask(2), no other user may read it.
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(0o600).open(path)
        })?;
        self.change(Operation::Write, path, |_| {
            file.write_all(content)?;
            file.set_permissions(Permissions::from_mode(mode))?;
            sync(&file)
        })
    }

    /// Creates the hard link `link` to `path`.
    pub(super) fn link(&self, path: &Path, link: &Path) -> Result<(), Error> {
        let from = self.resolve(path);
        self.change(Operation::Link, link, |link| fs::hard_link(from, link))
    }

    /// Renames a file, over one that exists.
    pub(super) fn rename(&self, path: &Path, to: &Path) -> Result<(), Error> {
        let from = self.resolve(path);
        self.change(Operation::Rename, to, |to| fs::rename(from, to))
    }

    /// Removes a file if it exists.
    pub(super) fn remove(&self, path: &Path) -> Result<(), Error> {
        self.change(Operation::Remove, path, |path| {
            ignore(&MISSING, fs::remove_file(path))
        })
    }

    /// Directories to create so that `directory` exists, from the top.
    pub(super) fn missing_directories(&self, directory: &Path) -> Result<Vec<PathBuf>, Error> {
        let mut missing = Vec::new();
        for ancestor in directory.ancestors() {
            if self.is_directory(ancestor)? {
                break;
            }
            missing.push(ancestor.to_owned());
        }
        missing.reverse();
        Ok(missing)
    }

    /// Creates a directory with this mode.
    pub(super) fn create_directory(&self, path: &Path, mode: u32) -> Result<(), Error> {
        self.change(Operation::CreateDirectory, path, |path| {
            DirBuilder::new().mode(mode).create(path)
        })?;
        self.set_mode(path, mode)
    }

    /// Removes a directory if it exists and is empty.
    pub(super) fn remove_empty_directory(&self, path: &Path) -> Result<(), Error> {
        self.change(Operation::RemoveDirectory, path, |path| {
            let result = ignore(&MISSING, fs::remove_dir(path));
            ignore(&[io::ErrorKind::DirectoryNotEmpty], result)
        })
    }

    /// Sets the mode of a file or directory.
    pub(super) fn set_mode(&self, path: &Path, mode: u32) -> Result<(), Error> {
        self.change(Operation::SetMode, path, |path| {
            fs::set_permissions(path, Permissions::from_mode(mode))
        })
    }

    /// Syncs the entries of a directory if it exists, fsync(2).
    pub(super) fn sync(&self, directory: &Path) -> Result<(), Error> {
        self.change(Operation::Sync, directory, |path| {
            let result = fs::File::open(path).and_then(|directory| sync(&directory));
            ignore(&MISSING, result)
        })
    }

    fn query<T>(
        &self,
        path: &Path,
        query: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<Option<T>, Error> {
        match query(&self.resolve(path)) {
            Ok(found) => Ok(Some(found)),
            Err(error) if MISSING.contains(&error.kind()) => Ok(None),
            Err(error) => Err(Error::Io {
                operation: Operation::Read,
                path: path.to_owned(),
                error,
            }),
        }
    }

    fn change<T>(
        &self,
        operation: Operation,
        path: &Path,
        change: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<T, Error> {
        #[cfg(test)]
        let result = self.faults.check(operation);
        #[cfg(not(test))]
        let result = Ok(());
        result
            .and_then(|()| change(&self.resolve(path)))
            .map_err(|error| Error::Io {
                operation,
                path: path.to_owned(),
                error,
            })
    }
}

fn sync(file: &fs::File) -> io::Result<()> {
    if SYNCS { file.sync_all() } else { Ok(()) }
}

/// `Ok` for errors of these kinds.
fn ignore(kinds: &[io::ErrorKind], result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if kinds.contains(&error.kind()) => Ok(()),
        result => result,
    }
}
