//! Files with the state of this program, and files that are replaced on their own.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::Operation;
use super::{Error, File, Root, closed_directories, repair_directories};

/// State that a reboot keeps, readable by root only.
pub(crate) fn write_state(path: &Path, content: &[u8]) -> io::Result<()> {
    write(path, content, Durability::Synced)
}

/// State that a reboot removes, readable by root only.
pub(crate) fn write_runtime(path: &Path, content: &[u8]) -> io::Result<()> {
    write(path, content, Durability::Volatile)
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Durability {
    Synced,
    Volatile,
}

fn write(path: &Path, content: &[u8], durability: Durability) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    if !directory.is_dir() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = directory.join(format!(".{name}.new"));
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(content)?;
    if durability == Durability::Synced {
        file.sync_all()?;
    }
    fs::rename(&fresh, path)?;
    if durability == Durability::Synced {
        fs::File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// Replaces one file, without a transaction.
pub(crate) fn replace(root: &Root, file: &File) -> io::Result<()> {
    let path = root.resolve(&file.path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = path.with_file_name(format!(".{name}.new"));
    fs::write(&fresh, &file.content)?;
    fs::set_permissions(&fresh, Permissions::from_mode(file.mode))?;
    fs::File::open(&fresh)?.sync_all()?;
    fs::rename(&fresh, &path)
}

/// SHA-256 of the contents of files; a missing one differs from an empty one.
pub(crate) fn digest_of_content(root: &Root, paths: &[PathBuf]) -> Result<String, Error> {
    let mut hash = Sha256::new();
    for path in paths {
        match root.read(path)? {
            Some(content) => hash.update(Sha256::digest(&content)),
            None => hash.update(b"missing"),
        }
    }
    Ok(format!("{:x}", hash.finalize()))
}

/// Creates directories that every user may enter, and repairs the modes of those that exist. Returns
/// those that changed.
pub(crate) fn make_directories(
    root: &Root,
    directories: &[PathBuf],
) -> Result<Vec<PathBuf>, Error> {
    let mut changed = Vec::new();
    for directory in directories {
        if !root.is_directory(directory)? {
            let path = root.resolve(directory);
            let created = DirBuilder::new().recursive(true).mode(0o755).create(&path);
            created.map_err(|error| Error::Io {
                operation: Operation::CreateDirectory,
                path: directory.clone(),
                error,
            })?;
            changed.push(directory.clone());
        }
    }
    let closed = closed_directories(root, directories)?;
    repair_directories(root, &closed)?;
    changed.extend(closed);
    changed.sort();
    changed.dedup();
    Ok(changed)
}
