//! Rendered files, and writing them to the output directory.
//!
//! `render` builds a [`Tree`]; commands compare it with a directory ([`compare`]) and write it
//! ([`write()`]).

mod compare;
mod manifest;
mod write;

pub use compare::{Change, State, compare};
pub use manifest::{MANIFEST, Manifest};
pub use write::write;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A relative path inside the output directory, with `/` as the separator.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OutputPath(String);

impl OutputPath {
    /// Returns `None` for a path that could leave the output directory: empty, `.` and `..`
    /// components, backslashes, and control characters are rejected.
    #[must_use]
    pub fn new(path: &str) -> Option<Self> {
        let is_component = |s: &str| !matches!(s, "" | "." | "..");
        let is_allowed = |c: char| !c.is_control() && c != '\\';
        let is_inside = path.split('/').all(is_component) && path.chars().all(is_allowed);
        is_inside.then(|| Self(path.to_owned()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path below `directory`.
    #[must_use]
    pub fn under(&self, directory: &Path) -> PathBuf {
        directory.join(&self.0)
    }
}

impl fmt::Display for OutputPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A rendered file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RenderedFile {
    /// Contents.
    pub bytes: Vec<u8>,
    /// Whether to set the executable bits.
    pub executable: bool,
}

/// All rendered files.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tree {
    files: BTreeMap<OutputPath, RenderedFile>,
    /// File name of the topology; empty if it was read from standard input.
    topology: String,
}

impl Tree {
    /// Sets the file name of the topology.
    #[must_use]
    pub fn with_topology(mut self, name: String) -> Self {
        self.topology = name;
        self
    }

    /// Adds a file. Returns the path as an error if the tree already has it.
    pub fn add(&mut self, path: OutputPath, file: RenderedFile) -> Result<(), OutputPath> {
        if self.files.contains_key(&path) {
            return Err(path);
        }
        self.files.insert(path, file);
        Ok(())
    }

    /// The file at `path`.
    #[must_use]
    pub fn get(&self, path: &OutputPath) -> Option<&RenderedFile> {
        self.files.get(path)
    }

    /// All files, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&OutputPath, &RenderedFile)> {
        self.files.iter()
    }

    /// Keeps the files below these top-level directories; all files for an empty list.
    #[must_use]
    pub fn only(mut self, directories: &[String]) -> Self {
        self.files.retain(|path, _| path.is_below(directories));
        self
    }
}

impl OutputPath {
    /// Whether the path is below one of these top-level directories; true for an empty list.
    #[must_use]
    pub fn is_below(&self, directories: &[String]) -> bool {
        let first = self.0.split('/').next();
        directories.is_empty() || directories.iter().any(|d| Some(d.as_str()) == first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_outside_the_output_directory_is_rejected() {
        for invalid in [
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
            assert_eq!(OutputPath::new(invalid), None, "{invalid:?}");
        }
        assert!(OutputPath::new("systemd/randoms-spread@.service").is_some());
    }
}
