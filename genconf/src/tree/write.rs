//! Writing a tree: all of it, or nothing of it.
//!
//! Every changed file is first written in full to a staging
//! folder in the bundle. A full disk or a forbidden folder is met there, with
//! the old bundle untouched. Then each file is renamed into place, which is
//! atomic (rename(2)); the manifest comes last. Should a rename fail, what
//! was moved is moved back. After a kill in between, files are old or new but
//! never in parts, and the next run completes them.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{Change, MANIFEST, Manifest, State, Tree};

/// Applies `changes`, which [`super::compare`] found for `tree`, to `folder`.
/// Entries of the manifest outside `only` stay as they are.
pub fn write(tree: &Tree, changes: &[Change], folder: &Path, only: &[String]) -> io::Result<()> {
    let mut manifest = Manifest::of(tree);
    manifest.keep(&Manifest::read(folder)?, |path| !path.is_below(only));
    let bytes = manifest.bytes();
    if changes.is_empty() && fs::read(folder.join(MANIFEST)).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(|e| told(&e, "create", folder))?;
    // Held to the end: two runs in one folder take turns.
    let _lock = locked(folder)?;
    let stage = Stage::new(folder)?;
    let mut moves = staged(tree, changes, &stage, folder)?;
    let staged_manifest = stage.path.join("manifest");
    fill(&staged_manifest, &bytes, Program::No)?;
    moves.push(Move {
        from: Some(staged_manifest),
        to: folder.join(MANIFEST),
    });
    Transaction::new(&stage).run(&moves)?;
    remove_empty_folders(changes, folder);
    Ok(())
}

fn locked(folder: &Path) -> io::Result<File> {
    let lock = || {
        let file = File::open(folder)?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|e: io::Error| told(&e, "lock", folder))
}

/// The folder that files are made ready in; it goes when this does.
struct Stage {
    path: PathBuf,
}

impl Stage {
    /// An empty one, whatever a killed run left.
    fn new(folder: &Path) -> io::Result<Self> {
        let path = folder.join(".genconf.stage");
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).map_err(|e| told(&e, "write in", folder))?;
        Ok(Self { path })
    }
}

impl Drop for Stage {
    /// What cannot be removed now is removed by the next run.
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A file to be put in place; without `from`, one to be taken away.
struct Move {
    from: Option<PathBuf>,
    to: PathBuf,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Program {
    Yes,
    No,
}

fn staged(tree: &Tree, changes: &[Change], stage: &Stage, folder: &Path) -> io::Result<Vec<Move>> {
    let mut moves = Vec::with_capacity(changes.len() + 1);
    for (number, change) in changes.iter().enumerate() {
        let to = change.path.under(folder);
        let Some(artifact) = tree.get(&change.path) else {
            moves.push(Move { from: None, to });
            continue;
        };
        let from = stage.path.join(number.to_string());
        let program = if artifact.program {
            Program::Yes
        } else {
            Program::No
        };
        fill(&from, &artifact.bytes, program)?;
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(|e| told(&e, "create", parent))?;
        }
        moves.push(Move {
            from: Some(from),
            to,
        });
    }
    Ok(moves)
}

fn fill(path: &Path, bytes: &[u8], program: Program) -> io::Result<()> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        let mode = if program == Program::Yes {
            0o755
        } else {
            0o644
        };
        file.set_permissions(Permissions::from_mode(mode))
    };
    write().map_err(|e| told(&e, "write", path))
}

/// Moves that can be taken back.
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
                return Err(told(&error, "write", &item.to));
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

    /// As far as the disk lets us: the first error is the one that is told.
    fn undo(&self) {
        for undo in self.done.iter().rev() {
            let _ = match &undo.saved {
                Some(saved) => fs::rename(saved, &undo.at),
                None => fs::remove_file(&undo.at),
            };
        }
    }
}

/// Takes away the folders that orphans leave empty; one that is not stays.
fn remove_empty_folders(changes: &[Change], folder: &Path) {
    for change in changes.iter().filter(|c| c.state == State::Orphan) {
        let path = change.path.under(folder);
        let parents = path.ancestors().skip(1).take_while(|p| *p != folder);
        for parent in parents {
            if fs::remove_dir(parent).is_err() {
                break;
            }
        }
    }
}

fn told(error: &io::Error, verb: &str, path: &Path) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot {verb} {}: {error}", path.display()),
    )
}
