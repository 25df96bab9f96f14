//! Writes rendered files: all of them, or none.
//!
//! Changed files are first written to a staging directory in the output directory, so that a full
//! disk or a missing permission leaves the old files unchanged. Then each file is renamed into place,
//! which is atomic (rename(2)), and the manifest last. If a rename fails, the previous renames are
//! reverted. If the process is killed in between, each file is complete, old or new, and the next run
//! writes the rest.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{Change, MANIFEST, Manifest, State, Tree};

/// Name of the staging directory.
const STAGE: &str = ".genconf.stage";

/// Applies `changes`, the result of [`super::compare`] for `tree`, to `directory`. Manifest entries
/// outside `only` are kept.
pub fn write(tree: &Tree, changes: &[Change], directory: &Path, only: &[String]) -> io::Result<()> {
    let mut manifest = Manifest::of(tree);
    manifest.keep(&Manifest::read(directory)?, |path| !path.is_below(only));
    let bytes = manifest.bytes();
    let is_current = fs::read(directory.join(MANIFEST)).is_ok_and(|old| old == bytes);
    if changes.is_empty() && is_current && !directory.join(STAGE).exists() {
        return Ok(());
    }
    fs::create_dir_all(directory).map_err(|e| with_context(&e, "create", directory))?;
    // Serializes concurrent runs in one directory.
    let _lock = lock_directory(directory)?;
    let stage = Stage::new(directory)?;
    let mut moves = stage_files(tree, changes, &stage, directory)?;
    let staged_manifest = stage.path.join("manifest");
    write_file(&staged_manifest, &bytes, Mode::Regular)?;
    moves.push(Move {
        from: Some(staged_manifest),
        to: directory.join(MANIFEST),
    });
    Transaction::new(&stage).run(&moves)?;
    remove_empty_directories(changes, directory);
    Ok(())
}

fn lock_directory(directory: &Path) -> io::Result<File> {
    let lock = || {
        let file = File::open(directory)?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|e: io::Error| with_context(&e, "lock", directory))
}

/// The staging directory. Dropping it removes the directory.
struct Stage {
    path: PathBuf,
}

impl Stage {
    /// Creates an empty staging directory and removes one that a killed run left.
    fn new(directory: &Path) -> io::Result<Self> {
        let path = directory.join(STAGE);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).map_err(|e| with_context(&e, "write in", directory))?;
        Ok(Self { path })
    }
}

impl Drop for Stage {
    /// If removing it fails, the next run removes it.
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A file to rename into place, or to remove if `from` is `None`.
struct Move {
    from: Option<PathBuf>,
    to: PathBuf,
}

#[derive(Clone, Copy)]
enum Mode {
    Executable,
    Regular,
}

fn stage_files(
    tree: &Tree,
    changes: &[Change],
    stage: &Stage,
    directory: &Path,
) -> io::Result<Vec<Move>> {
    let mut moves = Vec::with_capacity(changes.len() + 1);
    for (number, change) in changes.iter().enumerate() {
        let to = change.path.under(directory);
        let Some(file) = tree.get(&change.path) else {
            moves.push(Move { from: None, to });
            continue;
        };
        let from = stage.path.join(number.to_string());
        let mode = if file.executable {
            Mode::Executable
        } else {
            Mode::Regular
        };
        write_file(&from, &file.bytes, mode)?;
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(|e| with_context(&e, "create", parent))?;
        }
        moves.push(Move {
            from: Some(from),
            to,
        });
    }
    Ok(moves)
}

fn write_file(path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        let bits = match mode {
            Mode::Executable => 0o755,
            Mode::Regular => 0o644,
        };
        file.set_permissions(Permissions::from_mode(bits))
    };
    write().map_err(|e| with_context(&e, "write", path))
}

/// Renames that can be reverted.
struct Transaction<'s> {
    stage: &'s Stage,
    done: Vec<Undo>,
}

struct Undo {
    at: PathBuf,
    saved: Option<PathBuf>,
}

impl<'s> Transaction<'s> {
    fn new(stage: &'s Stage) -> Self {
        Self {
            stage,
            done: Vec::new(),
        }
    }

    fn run(mut self, moves: &[Move]) -> io::Result<()> {
        for item in moves {
            if let Err(error) = self.apply(item) {
                self.undo();
                return Err(with_context(&error, "write", &item.to));
            }
        }
        Ok(())
    }

    fn apply(&mut self, item: &Move) -> io::Result<()> {
        let saved = self.stage.path.join(format!("old-{}", self.done.len()));
        let saved = match fs::hard_link(&item.to, &saved) {
            Ok(()) => Some(saved),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(_) => fs::copy(&item.to, &saved).map(|_| Some(saved))?,
        };
        match &item.from {
            Some(from) => fs::rename(from, &item.to)?,
            None => fs::remove_file(&item.to)?,
        }
        self.done.push(Undo {
            at: item.to.clone(),
            saved,
        });
        Ok(())
    }

    /// Reverts as many renames as possible. Errors are ignored; the first one is reported.
    fn undo(&self) {
        for undo in self.done.iter().rev() {
            let _ = match &undo.saved {
                Some(saved) => fs::rename(saved, &undo.at),
                None => fs::remove_file(&undo.at),
            };
        }
    }
}

/// Removes directories that are empty after their orphaned files were removed.
fn remove_empty_directories(changes: &[Change], directory: &Path) {
    for change in changes.iter().filter(|c| c.state == State::Orphaned) {
        let path = change.path.under(directory);
        let parents = path.ancestors().skip(1).take_while(|p| *p != directory);
        for parent in parents {
            if fs::remove_dir(parent).is_err() {
                break;
            }
        }
    }
}

fn with_context(error: &io::Error, verb: &str, path: &Path) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot {verb} {}: {error}", path.display()),
    )
}
