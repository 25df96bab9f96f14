//! Unpacks archives with tar(1).
//!
//! Modes and owners in the archive do not apply: all users can read the files, and only root can write
//! them (`DynamicUser=`, systemd.exec(5)).

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::fs::{Mode, OFlags, fchmod, open};

use super::disk::{At as _, IoError};
use super::error::Error;
use crate::time_limit::TimeLimit;

/// Of an extraction.
const TAR_LIMIT: TimeLimit = TimeLimit::seconds(600);
/// Names that a message lists at most.
const LISTED: usize = 10;

/// Unpacks `archive` in an empty directory. `main` is the path of the executable in it.
///
/// If this fails, the directory has part of the content.
pub(super) fn unpack(archive: &Path, directory: &Path, main: &str) -> Result<(), Error> {
    extract(archive, directory)
        .and_then(|()| set_modes(directory))
        .and_then(|()| make_executable(directory, main))
        .map_err(|error| match error {
            Error::Rejected(reason) => Error::Rejected(format!("{main} cannot be run: {reason}")),
            other => other,
        })
}

fn extract(archive: &Path, directory: &Path) -> Result<(), Error> {
    let output = TAR_LIMIT
        .command("tar")
        .args(["--extract", "--no-same-owner", "--no-same-permissions"])
        .arg("--file")
        .arg(archive)
        .arg("--directory")
        .arg(directory)
        // Names and messages in UTF-8, and no further options from the environment.
        .env("LC_ALL", "C.UTF-8")
        .env_remove("TAR_OPTIONS")
        .stdin(Stdio::null())
        .output()
        .at(Path::new("tar"))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let exceeded = TAR_LIMIT.exceeded(output.status);
    let reason = exceeded.unwrap_or_else(|| stderr.trim().to_owned());
    let reason = format!("tar could not extract it: {reason}");
    Err(Error::Rejected(reason))
}

/// Sets the modes of the directory and everything in it: 0755 or, for other files than executables,
/// 0644. Links are not followed; special files are an error.
fn set_modes(directory: &Path) -> Result<(), Error> {
    let mut pending = vec![directory.to_owned()];
    while let Some(parent) = pending.pop() {
        // The archive may contain an entry for the directory itself.
        set_mode(&parent, 0o755)?;
        for entry in fs::read_dir(&parent).at(&parent)? {
            let entry = entry.at(&parent)?;
            let path = entry.path();
            let metadata = entry.metadata().at(&path)?;
            if metadata.is_dir() {
                pending.push(path);
            } else if metadata.is_file() {
                let is_executable = metadata.permissions().mode() & 0o111 != 0;
                set_mode(&path, if is_executable { 0o755 } else { 0o644 })?;
            } else if !metadata.is_symlink() {
                let name = relative(&path, directory);
                let reason = format!("{name} is not a file or a directory");
                return Err(Error::Rejected(reason));
            }
        }
    }
    Ok(())
}

/// Sets the mode of a file or directory. A link is an error: chmod(2) would follow it.
fn set_mode(path: &Path, mode: u32) -> Result<(), IoError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::empty()).at(path)?;
    fchmod(file, Mode::from_raw_mode(mode)).at(path)
}

fn make_executable(directory: &Path, main: &str) -> Result<(), Error> {
    let Some(program) = resolve(&directory.join(main))? else {
        return Err(missing(directory, main));
    };
    if !program.starts_with(directory.canonicalize().at(directory)?) {
        return Err(Error::Rejected(format!(
            "{main} is a link to {}, outside of the archive",
            program.display()
        )));
    }
    if !fs::symlink_metadata(&program).at(&program)?.is_file() {
        return Err(missing(directory, main));
    }
    Ok(set_mode(&program, 0o755)?)
}

/// The path without links; `None` if the file does not exist.
fn resolve(path: &Path) -> Result<Option<PathBuf>, IoError> {
    match path.canonicalize() {
        Ok(resolved) => Ok(Some(resolved)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
            _ => Err(error).at(path),
        },
    }
}

/// An error with what is in the archive instead.
fn missing(directory: &Path, main: &str) -> Error {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|e| relative(&e.path(), directory)).collect();
    names.sort();
    names.truncate(LISTED);
    let found = if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    };
    Error::Rejected(format!("{main} is not in the archive; found: {found}"))
}

fn relative(path: &Path, directory: &Path) -> String {
    let relative = path.strip_prefix(directory).unwrap_or(path);
    relative.display().to_string()
}

#[cfg(test)]
mod tests;
