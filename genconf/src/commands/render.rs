//! `genconf render`: writes the files of a topology.

use std::io;
use std::path::Path;

use clap::Args;
use serde_json::Value;

use super::changes;
use super::comparison::{Comparison, FilesArgs};
use super::exit::Exit;
use super::input::Results;
use super::options::{Format, GlobalArgs};
use super::streams::{Streams, printable};
use crate::diagnostic;
use crate::tree::{self, Change, State};

/// Arguments of the command.
#[derive(Args, Clone, Debug)]
pub struct RenderArgs {
    /// The topology and its rendered files
    #[command(flatten)]
    pub files: FilesArgs,
    /// Write no file; list the files that differ, and exit 2 if there are any
    #[arg(long, conflicts_with = "force")]
    pub check: bool,
    /// Write no file; print the differences as `genconf diff` does
    #[arg(long, conflicts_with = "force")]
    pub diff: bool,
    /// Overwrite files that were edited by hand, or that belong to another topology
    #[arg(long)]
    pub force: bool,
}

/// Writes the files, or reports what would be written.
pub fn run(args: &RenderArgs, global: &GlobalArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let results = if args.check || args.diff {
        Results::Follow
    } else {
        Results::WithDiagnostics
    };
    let comparison = match Comparison::new(&args.files, global, results, streams)? {
        Ok(comparison) => comparison,
        Err(exit) => return Ok(exit),
    };
    if args.check || args.diff {
        return report(&comparison.changes, args, global, streams);
    }
    write(&comparison, args, global, streams)
}

/// `--check` lists, `--diff` shows; only `--check` has an exit code for differences.
fn report(
    changes: &[Change],
    args: &RenderArgs,
    global: &GlobalArgs,
    streams: &mut Streams<'_>,
) -> io::Result<Exit> {
    if args.diff {
        changes::print(changes, global.output, streams)?;
    } else {
        changes::list(changes, global.output, streams)?;
    }
    Ok(if args.check && !changes.is_empty() {
        Exit::Differences
    } else {
        Exit::Success
    })
}

fn write(
    comparison: &Comparison,
    args: &RenderArgs,
    global: &GlobalArgs,
    streams: &mut Streams<'_>,
) -> io::Result<Exit> {
    let errors = obstacles(comparison, args)?;
    if global.output == Format::Json {
        let printed = comparison
            .warnings
            .iter()
            .cloned()
            .chain(errors.iter().map(Obstacle::json));
        writeln!(streams.out, "{:#}", Value::Array(printed.collect()))?;
    }
    if !errors.is_empty() {
        return refuse(comparison, &errors, global.output, streams);
    }
    let Comparison {
        input,
        tree,
        changes,
        ..
    } = comparison;
    tree::write(tree, changes, &input.out_dir, &args.files.only)?;
    for change in changes {
        streams.detail(&format!("{} {}", action(change), change.path))?;
    }
    summarize(changes, tree.iter().count(), &input.out_dir, streams)
}

/// What is done with a file that differs.
fn action(change: &Change) -> &'static str {
    match change.state {
        State::Missing => "created",
        State::Outdated | State::Modified => "updated",
        State::Orphaned => "removed",
    }
}

/// A reason to write no file.
struct Obstacle {
    code: &'static str,
    file: String,
    message: String,
    help: &'static str,
}

impl Obstacle {
    fn json(&self) -> Value {
        diagnostic::json::error(self.code, Some(&self.file), &self.message, self.help)
    }
}

/// Files that only `--force` overwrites.
fn obstacles(comparison: &Comparison, args: &RenderArgs) -> io::Result<Vec<Obstacle>> {
    let directory = &comparison.input.out_dir;
    if args.force {
        return Ok(Vec::new());
    }
    let manifest = tree::Manifest::read(directory)?;
    if let Some(other) = manifest.other_topology(&comparison.input.file_name()) {
        return Ok(vec![Obstacle {
            code: "other-topology",
            file: directory.display().to_string(),
            message: format!("{} has the rendered files of {other}", directory.display()),
            help: "use another directory with `--out-dir DIR`, or overwrite them with `--force`",
        }]);
    }
    let edited = comparison
        .changes
        .iter()
        .filter(|c| c.state == State::Modified);
    let obstacle = |change: &Change| Obstacle {
        code: "edited-file",
        file: directory.join(change.path.as_str()).display().to_string(),
        message: format!(
            "{} was edited by hand",
            directory.join(change.path.as_str()).display()
        ),
        help: "set it in the topology, or overwrite the edits with `--force`",
    };
    Ok(edited.map(obstacle).collect())
}

/// Shows the edits that would be lost, and names each obstacle.
fn refuse(
    comparison: &Comparison,
    obstacles: &[Obstacle],
    format: Format,
    streams: &mut Streams<'_>,
) -> io::Result<Exit> {
    if format == Format::Json {
        return Ok(Exit::Failure);
    }
    if format == Format::Line {
        for Obstacle {
            code,
            file,
            message,
            help,
        } in obstacles
        {
            writeln!(streams.err, "{file}:1:1: error[{code}]: {message}; {help}")?;
        }
        return Ok(Exit::Failure);
    }
    let is_edited = |c: &&Change| c.state == State::Modified;
    let edited: Vec<Change> = comparison
        .changes
        .iter()
        .filter(is_edited)
        .cloned()
        .collect();
    changes::print_diff(&edited, streams.out, streams.out_color)?;
    for obstacle in obstacles {
        writeln!(streams.err, "error: {}", printable(&obstacle.message))?;
    }
    let help = obstacles.first().map_or("", |obstacle| obstacle.help);
    writeln!(streams.err, "help: {help}\nnote: no file was written")?;
    Ok(Exit::Failure)
}

fn summarize(
    changes: &[Change],
    files: usize,
    directory: &Path,
    streams: &mut Streams<'_>,
) -> io::Result<Exit> {
    let directory = directory.display();
    let is_removed = |c: &&Change| c.new.is_empty() && c.state != State::Missing;
    let removed = changes.iter().filter(is_removed).count();
    let written = changes.len() - removed;
    let text = match (changes.len(), removed) {
        (0, _) => format!("{directory}: all {files} files are current"),
        (_, 0) => format!("{directory}: wrote {written} of {files} files"),
        _ => format!("{directory}: wrote {written} of {files} files, removed {removed}"),
    };
    streams.note(&text)?;
    Ok(Exit::Success)
}
