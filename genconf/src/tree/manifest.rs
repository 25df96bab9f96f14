//! What genconf wrote, by digest: `.genconf.json`.
//!
//! It tells a file that a person changed since from one that genconf may
//! replace, and what to remove once it is no longer described.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{BundlePath, Tree};

/// Name of the manifest in a bundle.
pub const MANIFEST: &str = ".genconf.json";

/// Paths and digests of the files that genconf wrote.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Manifest {
    /// SHA-256 in hexadecimal by path.
    files: BTreeMap<String, String>,
    /// File name of the topology that the bundle was rendered from; empty when it had none.
    #[serde(default)]
    topology: String,
}

impl Manifest {
    /// The manifest of `folder`; an empty one when there is none.
    pub fn read(folder: &Path) -> io::Result<Self> {
        match std::fs::read(folder.join(MANIFEST)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| {
                let said = format!(
                    "{MANIFEST} is not a manifest ({e}); restore it, or remove it and use --force"
                );
                io::Error::new(io::ErrorKind::InvalidData, said)
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(e),
        }
    }

    /// What the manifest is once `tree` is written and `kept` is left alone.
    #[must_use]
    pub fn of(tree: &Tree) -> Self {
        let digest = |(path, artifact): (&BundlePath, &super::Artifact)| {
            (path.as_str().to_owned(), digest(&artifact.bytes))
        };
        Self {
            files: tree.iter().map(digest).collect(),
            topology: tree.topology.clone(),
        }
    }

    /// The topology of this bundle, if it is another one than `name`.
    #[must_use]
    pub fn other_topology(&self, name: &str) -> Option<&str> {
        let both_known = !self.topology.is_empty() && !name.is_empty();
        (both_known && self.topology != name).then_some(self.topology.as_str())
    }

    /// The digest of `path` as last written.
    #[must_use]
    pub fn digest(&self, path: &BundlePath) -> Option<&str> {
        self.files.get(path.as_str()).map(String::as_str)
    }

    /// Paths that are listed, save those that could leave the bundle.
    pub fn paths(&self) -> impl Iterator<Item = BundlePath> {
        self.files.keys().filter_map(|path| BundlePath::new(path))
    }

    /// Takes over the entries of `other` that `keep` wants.
    pub fn keep(&mut self, other: &Self, keep: impl Fn(&BundlePath) -> bool) {
        for path in other.paths().filter(|path| keep(path)) {
            if let Some(digest) = other.digest(&path) {
                self.files
                    .insert(path.as_str().to_owned(), digest.to_owned());
            }
        }
    }

    /// Its bytes on disk.
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
            // A String takes any text.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
