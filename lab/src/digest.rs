//! Short digests, for names.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The first `bytes` bytes of the SHA-256 of `text`, in hexadecimal.
#[must_use]
pub fn hex(text: &str, bytes: usize) -> String {
    let mut name = String::new();
    for byte in Sha256::digest(text.as_bytes()).iter().take(bytes) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}
