//! A host in a temporary directory.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::files::faults::Fault;

/// Directory of the state of the project, without the root.
pub(super) const STATE: &str = "/var/lib/genconf/randoms";

/// The banner of the project `randoms`.
pub(super) const OWN: &str = "# Written by genconf for randoms. Change the topology.\n";

/// Mode and content of each file, and mode of each directory, by path.
pub(super) type Tree = BTreeMap<PathBuf, (u32, Option<String>)>;

/// A root in a temporary directory.
pub(super) struct Host {
    _directory: TempDir,
    pub(super) root: Root,
}

impl Host {
    /// Empty.
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::at(directory.path());
        Self {
            _directory: directory,
            root,
        }
    }

    /// Writes a file with this content and mode 0644.
    pub(super) fn put(&self, path: &str, content: &str) -> PathBuf {
        let resolved = self.root.resolve(Path::new(path));
        let parent = resolved.parent().unwrap();
        fs::create_dir_all(parent).unwrap();
        // Other tests of this process change its umask.
        for directory in parent
            .ancestors()
            .take_while(|d| *d != self.root.resolve(Path::new("/")))
        {
            fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(&resolved, content).unwrap();
        fs::set_permissions(&resolved, Permissions::from_mode(0o644)).unwrap();
        PathBuf::from(path)
    }

    /// Content of a file.
    pub(super) fn text(&self, path: &Path) -> Option<String> {
        let content = self.root.read(path).unwrap()?;
        Some(String::from_utf8(content).unwrap())
    }

    /// All of the files outside of /var.
    pub(super) fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        self.walk(Path::new("/"), &mut tree);
        tree.retain(|path, _| !path.starts_with("/var"));
        tree
    }

    /// Names of the files in the directory of the state.
    pub(super) fn state(&self) -> Vec<PathBuf> {
        self.root.entries(Path::new(STATE)).unwrap()
    }

    /// Stages and commits.
    pub(super) fn install(&self, files: &[File], removals: &[PathBuf]) -> Result<(), Error> {
        self.stage(files, removals)?.commit()
    }

    /// Stages.
    pub(super) fn stage(&self, files: &[File], removals: &[PathBuf]) -> Result<Transaction, Error> {
        Transaction::stage(&self.root, Path::new(STATE), files, removals)
    }

    /// What is kept.
    pub(super) fn previous(&self) -> Result<Previous, Error> {
        Previous::read(&self.root, Path::new(STATE))
    }

    /// Calls `run` while operations fail. Returns whether one did, and the result.
    pub(super) fn with_fault(
        &self,
        fault: Fault,
        run: impl Fn(&Self) -> Result<(), Error>,
    ) -> (bool, Result<(), Error>) {
        self.root.faults.set(fault);
        let result = run(self);
        let is_hit = self.root.faults.is_hit();
        self.root.faults.set(Fault::None);
        (is_hit, result)
    }

    fn walk(&self, directory: &Path, tree: &mut Tree) {
        for path in self.root.entries(directory).unwrap() {
            let metadata = self.root.metadata(&path).unwrap().unwrap();
            let content = metadata.is_file().then(|| self.text(&path).unwrap());
            let mode = metadata.permissions().mode() & 0o7777;
            if metadata.is_dir() {
                self.walk(&path, tree);
            }
            tree.insert(path, (mode, content));
        }
    }
}

/// A file with mode 0644.
pub(super) fn file(path: &str, content: &str) -> File {
    File {
        path: PathBuf::from(path),
        content: content.as_bytes().to_vec(),
        mode: 0o644,
    }
}

/// Calls `check` with 0, 1, 2, … until it returns false: the number of an operation that fails.
pub(super) fn for_each_operation(check: impl Fn(usize) -> bool) {
    let operations = (0..1000).take_while(|number| check(*number)).count();
    assert!((3..1000).contains(&operations), "{operations} operations");
}

mod interruption;
