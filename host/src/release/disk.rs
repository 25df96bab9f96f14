//! File operations that a power failure leaves either complete or not started.

use std::fmt;
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// An operation on a file that failed.
#[derive(Debug)]
pub(crate) struct IoError {
    /// The file or directory.
    pub(crate) path: PathBuf,
    /// Why it failed.
    pub(crate) source: io::Error,
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.source)
    }
}

impl std::error::Error for IoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Adds the path to an I/O error.
pub(crate) trait At<T> {
    /// The same result, with the path of the file in its error.
    fn at(self, path: &Path) -> Result<T, IoError>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, path: &Path) -> Result<T, IoError> {
        self.map_err(|error| IoError {
            path: path.to_owned(),
            source: error.into(),
        })
    }
}

/// `None` if the file does not exist. Any other error is returned: the file may exist.
pub(crate) fn if_exists<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Creates a directory that all users can enter, and its parents. Does not depend on the umask.
pub(crate) fn create_directory(path: &Path) -> Result<(), IoError> {
    match fs::create_dir(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return open_directory(path, error);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_directory(parent(path))?;
            fs::create_dir(path).at(path)?;
        }
        Err(error) => return Err(error).at(path),
    }
    set_mode(path, 0o755)?;
    sync(parent(path))
}

/// Restores the mode of an existing directory: a process that was killed may not have set it.
fn open_directory(path: &Path, already_exists: io::Error) -> Result<(), IoError> {
    let metadata = fs::metadata(path).at(path)?;
    if !metadata.is_dir() {
        return Err(already_exists).at(path);
    }
    if metadata.permissions().mode() & 0o755 == 0o755 {
        return Ok(());
    }
    set_mode(path, 0o755)
}

/// Sets the permission bits of a file that is not a symbolic link.
pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<(), IoError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).at(path)
}

/// Flushes a file or a directory to the disk (fsync(2)).
pub(crate) fn sync(path: &Path) -> Result<(), IoError> {
    #[cfg(test)]
    log::add(format!("sync {}", log::name(path)));
    File::open(path).and_then(|file| file.sync_all()).at(path)
}

/// Flushes all files of a file system to the disk (syncfs(2)), given one of its directories.
pub(crate) fn sync_file_system(directory: &Path) -> Result<(), IoError> {
    let opened = File::open(directory).at(directory)?;
    #[cfg(test)]
    log::add(format!("syncfs {}", log::name(directory)));
    rustix::fs::syncfs(opened).at(directory)
}

/// Renames a file or a directory, and flushes the directories with its old and its new name.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), IoError> {
    fs::rename(from, to).at(from)?;
    #[cfg(test)]
    log::add(format!("rename {} {}", log::name(from), log::name(to)));
    sync(parent(to))?;
    if parent(from) != parent(to) {
        sync(parent(from))?;
    }
    Ok(())
}

/// Replaces a file atomically. Its mode is 0644.
pub(crate) fn write(path: &Path, content: &str) -> Result<(), IoError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}"));
    let mut file = File::create(&new).at(&new)?;
    file.write_all(content.as_bytes()).at(&new)?;
    set_mode(&new, 0o644)?;
    sync(&new)?;
    rename(&new, path)
}

/// Removes a file, or a directory with its content, if it exists. Links are not followed.
pub(crate) fn remove(path: &Path) -> Result<(), IoError> {
    let Some(metadata) = if_exists(fs::symlink_metadata(path)).at(path)? else {
        return Ok(());
    };
    let removed = if metadata.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.at(path)
}

/// The directory that contains `path`, which is absolute.
fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// Calls that flush or rename, in their order, for tests: their effect is visible after a power failure
/// only.
#[cfg(test)]
pub(crate) mod log {
    use std::cell::RefCell;
    use std::path::Path;

    thread_local! {
        static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn add(call: String) {
        CALLS.with_borrow_mut(|calls| calls.push(call));
    }

    pub(super) fn name(path: &Path) -> String {
        path.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// The calls of this thread since the last call of this function.
    pub(crate) fn take() -> Vec<String> {
        CALLS.with_borrow_mut(std::mem::take)
    }
}

#[cfg(test)]
mod tests;
