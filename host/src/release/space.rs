//! Free space of a file system.

use std::path::Path;

use super::disk::At as _;
use super::error::Error;

/// Space that a deploy leaves free for everything else on the file system, in bytes.
const RESERVE: u64 = 64 * 1024 * 1024;

/// Returns [`Error::NoSpace`] unless `bytes` can be written in `directory` and 64 MiB remain free.
pub(crate) fn check_space(directory: &Path, bytes: u64) -> Result<(), Error> {
    let status = rustix::fs::statvfs(directory).at(directory)?;
    // Without the blocks that only root may use.
    let free = status.f_bavail.saturating_mul(status.f_frsize);
    let needed = bytes.saturating_add(RESERVE);
    if free > needed {
        return Ok(());
    }
    Err(Error::NoSpace {
        directory: directory.to_owned(),
        free,
        needed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_space_is_an_error_with_both_sizes_and_the_path() {
        let root = tempfile::tempdir().unwrap();
        assert!(check_space(root.path(), 1).is_ok());
        let message = check_space(root.path(), 1 << 60).unwrap_err().to_string();
        let start = format!(
            "{}: not enough free space: expected {} MiB, found ",
            root.path().display(),
            (1_u64 << 40) + 64
        );
        assert!(message.starts_with(&start), "{message}");
        assert!(check_space(root.path(), u64::MAX).is_err());
    }

    #[test]
    fn the_reserve_is_not_available() {
        let root = tempfile::tempdir().unwrap();
        let Err(Error::NoSpace { free, .. }) = check_space(root.path(), u64::MAX) else {
            panic!("expected Error::NoSpace");
        };
        // Half of the reserve: others write to this file system during the test.
        assert!(check_space(root.path(), free - RESERVE / 2).is_err());
    }

    #[test]
    fn a_directory_that_does_not_exist_is_an_error_with_its_path() {
        let message = check_space(Path::new("/nonexistent"), 1).unwrap_err();
        assert!(message.to_string().starts_with("/nonexistent: "));
    }
}
