//! SHA-256 of artifacts, and the digests that name releases.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::error::Error;

/// Number of hexadecimal digits in the name of a release.
const DIGEST_LENGTH: usize = 12;

/// The SHA-256 of a file, in lower-case hexadecimal.
pub(crate) fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => hasher.update(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(format!("{:x}", hasher.finalize()))
}

/// The name of the release with this SHA-256: its first 12 digits.
pub(super) fn digest_of(sha256: &str) -> Result<&str, Error> {
    if sha256.len() == 64 && is_hexadecimal(sha256) {
        return Ok(&sha256[..DIGEST_LENGTH]);
    }
    Err(Error::Rejected(format!(
        "invalid SHA-256: expected 64 hexadecimal digits in lower case, found {sha256:?}"
    )))
}

/// Whether `name` has the form of the name of a release.
pub(super) fn is_digest(name: &str) -> bool {
    name.len() == DIGEST_LENGTH && is_hexadecimal(name)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_longer_than_the_buffer_has_the_sha256_of_sha256sum() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "abc".repeat(50_000)).unwrap();
        let program = std::process::Command::new("sha256sum").arg(&file).output();
        let expected = String::from_utf8(program.unwrap().stdout).unwrap();
        assert_eq!(sha256_of(&file).unwrap(), expected[..64]);
        assert!(sha256_of(&root.path().join("missing")).is_err());
    }

    #[test]
    fn a_digest_is_the_start_of_a_valid_sha256() {
        assert_eq!(digest_of(&"a1".repeat(32)).unwrap(), "a1a1a1a1a1a1");
        for wrong in ["", "a1a1", "../../etc/passwd", &"A1".repeat(32)] {
            let message = digest_of(wrong).unwrap_err().to_string();
            assert!(message.contains("expected 64"), "{message}");
        }
        assert!(is_digest("a1a1a1a1a1a1") && !is_digest("") && !is_digest("lost+found12"));
    }
}
