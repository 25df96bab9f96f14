//! The rendered files, and the only place that writes them.
//!
//! Knows neither templates nor the topology. `render` makes a [`Tree`];
//! commands compare it with a folder ([`compare`]) and write it ([`write()`]).

mod compare;
mod manifest;
mod write;

pub use compare::{Change, State, compare};
pub use manifest::{MANIFEST, Manifest};
pub use write::write;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A path inside a bundle: relative, of plain steps, with `/` between them.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BundlePath(String);

impl BundlePath {
    /// Takes `path` when it stays inside the bundle: no empty, `.` or `..`
    /// step, no backslash, no control character.
    #[must_use]
    pub fn new(path: &str) -> Option<Self> {
        let step = |s: &str| !matches!(s, "" | "." | "..");
        let plain = |c: char| !c.is_control() && c != '\\';
        let inside = path.split('/').all(step) && path.chars().all(plain);
        inside.then(|| Self(path.to_owned()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path below `folder`.
    #[must_use]
    pub fn under(&self, folder: &Path) -> PathBuf {
        folder.join(&self.0)
    }
}

impl fmt::Display for BundlePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A rendered file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Artifact {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it is a program.
    pub program: bool,
}

/// Every rendered file, sorted by path.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tree {
    artifacts: BTreeMap<BundlePath, Artifact>,
    /// File name of the topology it was rendered from; empty when that has none.
    topology: String,
}

impl Tree {
    /// The same tree, known to come from the topology `name`.
    #[must_use]
    pub fn of_topology(mut self, name: String) -> Self {
        self.topology = name;
        self
    }

    /// Adds a file. `Err` gives the path back when it is taken.
    pub fn add(&mut self, path: BundlePath, artifact: Artifact) -> Result<(), BundlePath> {
        if self.artifacts.contains_key(&path) {
            return Err(path);
        }
        self.artifacts.insert(path, artifact);
        Ok(())
    }

    /// The file at `path`.
    #[must_use]
    pub fn get(&self, path: &BundlePath) -> Option<&Artifact> {
        self.artifacts.get(path)
    }

    /// Every file, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&BundlePath, &Artifact)> {
        self.artifacts.iter()
    }

    /// Only the files below one of these folders; all when there is none.
    #[must_use]
    pub fn only(mut self, folders: &[String]) -> Self {
        self.artifacts.retain(|path, _| path.is_below(folders));
        self
    }
}

impl BundlePath {
    /// Whether this is in one of `folders`; every path is when there is none.
    #[must_use]
    pub fn is_below(&self, folders: &[String]) -> bool {
        let first = self.0.split('/').next();
        folders.is_empty() || folders.iter().any(|f| Some(f.as_str()) == first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_the_bundle() {
        for wrong in [
            "",
            "/etc/passwd",
            "..",
            "a/../b",
            "a//b",
            "a/",
            "./a",
            "a\\b",
            "a\nb",
            "a\0",
        ] {
            assert_eq!(BundlePath::new(wrong), None, "{wrong:?}");
        }
        assert!(BundlePath::new("systemd/randoms-spread@.service").is_some());
    }
}
