//! The lock of the program that changes this host (flock(2)).

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::time::Instant;

use super::Error;
use crate::release::disk::{At as _, create_directory};

/// Time between two attempts.
const INTERVAL: Duration = Duration::from_millis(50);

/// The right to change this host, until it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Turn {
    directory: PathBuf,
    file: File,
}

impl Turn {
    /// Locks `directory/turn`. Returns [`Error::Held`] if another program holds it for longer than
    /// `patience`, which may be [`Duration::MAX`].
    pub(crate) async fn take(directory: &Path, patience: Duration) -> Result<Self, Error> {
        create_directory(directory)?;
        let path = directory.join("turn");
        // Any user who can open it could lock it.
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .at(&path)?;
        let started = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK) if started.elapsed() < patience => {
                    tokio::time::sleep(INTERVAL).await;
                }
                Err(Errno::WOULDBLOCK) => {
                    return Err(Error::Held(format!(
                        "another run is changing this host: {} is locked",
                        path.display()
                    )));
                }
                Err(error) => return Err(error).at(&path).map_err(Error::from),
            }
        }
        Ok(Self {
            directory: directory.to_owned(),
            file,
        })
    }

    /// The runtime directory of the project.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process has a copy of it until it calls execve(2).
        // An error means that there is no lock to release.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn a_program_waits_until_the_other_one_is_done() {
        let root = tempfile::tempdir().unwrap();
        let first = Turn::take(root.path(), Duration::ZERO).await.unwrap();
        let started = Instant::now();
        let release = async {
            tokio::time::sleep(MINUTE / 2).await;
            drop(first);
        };
        let (second, ()) = tokio::join!(Turn::take(root.path(), MINUTE), release);
        second.unwrap();
        let waited = started.elapsed();
        assert!(
            waited >= MINUTE / 2 && waited <= MINUTE / 2 + INTERVAL,
            "{waited:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_has_waited_long_enough_fails() {
        let root = tempfile::tempdir().unwrap();
        let _first = Turn::take(root.path(), Duration::ZERO).await.unwrap();
        for patience in [Duration::ZERO, MINUTE] {
            let started = Instant::now();
            let error = Turn::take(root.path(), patience).await.unwrap_err();
            let message = error.to_string();
            let path = root.path().join("turn");
            assert!(matches!(error, Error::Held(_)));
            assert!(message.contains("another run is changing"), "{message}");
            assert!(message.contains(path.to_str().unwrap()), "{message}");
            assert!(started.elapsed() >= patience && started.elapsed() < patience + 2 * INTERVAL);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn there_may_be_no_limit() {
        let root = tempfile::tempdir().unwrap();
        let first = Turn::take(root.path(), Duration::MAX).await.unwrap();
        let limited = tokio::time::timeout(MINUTE, Turn::take(root.path(), Duration::MAX)).await;
        assert!(limited.is_err());
        drop(first);
        Turn::take(root.path(), Duration::MAX).await.unwrap();
    }

    #[tokio::test]
    async fn a_copy_of_the_file_in_a_child_process_does_not_keep_the_lock() {
        let root = tempfile::tempdir().unwrap();
        let first = Turn::take(root.path(), Duration::ZERO).await.unwrap();
        // As a child process has it before execve(2).
        let _copy = first.file.try_clone().unwrap();
        drop(first);
        Turn::take(root.path(), Duration::ZERO).await.unwrap();
    }

    #[tokio::test]
    async fn a_command_does_not_inherit_the_file() {
        let root = tempfile::tempdir().unwrap();
        let turn = Turn::take(root.path(), Duration::ZERO).await.unwrap();
        let flags = rustix::io::fcntl_getfd(&turn.file).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }

    #[tokio::test]
    async fn only_the_owner_can_lock_it_and_everyone_can_enter_the_directory() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("genconf/randoms");
        let _turn = Turn::take(&directory, Duration::ZERO).await.unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&directory.join("turn")), 0o600);
        assert_eq!(mode(&directory), 0o755);
        assert_eq!(mode(&root.path().join("genconf")), 0o755);
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_created_is_an_error_with_its_path() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = Turn::take(&file, Duration::ZERO).await.unwrap_err();
        assert!(matches!(error, Error::Io(_)));
        assert!(error.to_string().starts_with(file.to_str().unwrap()));
    }
}
