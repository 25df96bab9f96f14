//! The manifest `.genconf.json`: digests of the files that genconf wrote.
//!
//! It identifies files that were modified since, and files to remove because they are no longer
//! rendered.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{OutputPath, Tree};

/// File name of the manifest in the output directory.
pub const MANIFEST: &str = ".genconf.json";

/// Paths and digests of the files that genconf wrote.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Manifest {
    /// SHA-256 in hexadecimal by path.
    files: BTreeMap<String, String>,
    /// File name of the topology; empty if it was read from standard input.
    #[serde(default)]
    topology: String,
}

impl Manifest {
    /// Reads the manifest of `directory`; an empty one if it does not exist.
    pub fn read(directory: &Path) -> io::Result<Self> {
        match std::fs::read(directory.join(MANIFEST)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| {
                let message = format!(
                    "cannot parse {MANIFEST}: {e}; restore it, or remove it and use --force"
                );
                io::Error::new(io::ErrorKind::InvalidData, message)
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(e),
        }
    }

    /// The manifest of the files in `tree`.
    #[must_use]
    pub fn of(tree: &Tree) -> Self {
        let digest = |(path, file): (&OutputPath, &super::RenderedFile)| {
            (path.as_str().to_owned(), digest(&file.bytes))
        };
        Self {
            files: tree.iter().map(digest).collect(),
            topology: tree.topology.clone(),
        }
    }

    /// File name of the topology in the manifest, if it differs from `name`.
    #[must_use]
    pub fn other_topology(&self, name: &str) -> Option<&str> {
        let both_known = !self.topology.is_empty() && !name.is_empty();
        (both_known && self.topology != name).then_some(self.topology.as_str())
    }

    /// Digest of `path` when genconf wrote it.
    #[must_use]
    pub fn digest(&self, path: &OutputPath) -> Option<&str> {
        self.files.get(path.as_str()).map(String::as_str)
    }

    /// Listed paths, except those outside the output directory.
    pub fn paths(&self) -> impl Iterator<Item = OutputPath> {
        self.files.keys().filter_map(|path| OutputPath::new(path))
    }

    /// Copies the entries of `other` for which `keep` returns true.
    pub fn keep(&mut self, other: &Self, keep: impl Fn(&OutputPath) -> bool) {
        for path in other.paths().filter(|path| keep(path)) {
            if let Some(digest) = other.digest(&path) {
                self.files
                    .insert(path.as_str().to_owned(), digest.to_owned());
            }
        }
    }

    /// Contents of the file.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let json = serde_json::json!({ "files": self.files, "topology": self.topology });
        format!("{json:#}\n").into_bytes()
    }
}

/// SHA-256 in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
