//! `genconf render`: writes the files of a topology.

use std::io;
use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use super::changes;
use super::exit::Exit;
use super::input::{Generation, Input, Results};
use super::options::{Format, GlobalArgs, OutDirArg, TopologyArg};
use super::streams::{Streams, printable};
use crate::diagnostic::{self, nearest};
use crate::tree::{self, Change, State, Tree};

/// Arguments of the command.
#[derive(Args, Clone, Debug)]
pub struct RenderArgs {
    /// The topology
    #[command(flatten)]
    pub topology: TopologyArg,
    /// The output directory
    #[command(flatten)]
    pub out_dir: OutDirArg,
    /// Only these directories, such as `nginx,systemd`
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
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
    let comparison = match compare(args, global, results, streams)? {
        Ok(comparison) => comparison,
        Err(exit) => return Ok(exit),
    };
    if args.check || args.diff {
        return report(&comparison.changes, args, global, streams);
    }
    write(&comparison, args, global, streams)
}

/// Rendered files, and how those on disk differ.
pub(super) struct Comparison {
    input: Input,
    /// Diagnostics of the topology, as JSON.
    warnings: Vec<Value>,
    tree: Tree,
    /// Files that differ.
    pub(super) changes: Vec<Change>,
}

/// Renders, and compares with the output directory.
pub(super) fn compare(
    args: &RenderArgs,
    global: &GlobalArgs,
    results: Results,
    streams: &mut Streams<'_>,
) -> io::Result<Result<Comparison, Exit>> {
    let input = match Input::new(global, Some(&args.topology), Some(&args.out_dir), streams)? {
        Ok(input) => input,
        Err(exit) => return Ok(Err(exit)),
    };
    let Generation {
        source,
        generated,
        diagnostics,
    } = match input.generate(results, streams)? {
        Ok(generation) => generation,
        Err(exit) => return Ok(Err(exit)),
    };
    if let Some(name) = args
        .only
        .iter()
        .find(|n| !has_directory(&generated.tree, n))
    {
        let near = nearest(name, directories(&generated.tree));
        let mut defined: Vec<_> = directories(&generated.tree).collect();
        defined.dedup();
        let help = near.map_or(
            format!("rendered directories: {}", defined.join(", ")),
            |n| format!("did you mean `{n}`?"),
        );
        let message = format!("unknown directory `{name}` in `--only`");
        return Ok(Err(streams.reject_usage(&message, &help)?));
    }
    let tree = generated
        .tree
        .only(&args.only)
        .with_topology(file_name(&input.path));
    let changes = tree::compare(&tree, &input.out_dir, &args.only)?;
    Ok(Ok(Comparison {
        input,
        warnings: diagnostic::json::objects(&diagnostics, &source),
        tree,
        changes,
    }))
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
    tree::write(tree, changes, &input.out_dir, &args.only)?;
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
    /// In the form of a diagnostic.
    fn json(&self) -> Value {
        let place = json!({
            "file": self.file, "line": 1, "column": 1, "end_line": 1, "end_column": 1, "label": "",
        });
        json!({
            "code": self.code, "severity": "error", "message": self.message, "help": self.help,
            "primary": place, "secondary": [],
        })
    }
}

/// Files that only `--force` overwrites.
fn obstacles(comparison: &Comparison, args: &RenderArgs) -> io::Result<Vec<Obstacle>> {
    let directory = &comparison.input.out_dir;
    if args.force {
        return Ok(Vec::new());
    }
    let manifest = tree::Manifest::read(directory)?;
    if let Some(other) = manifest.other_topology(&file_name(&comparison.input.path)) {
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

/// File name of the topology; empty for standard input.
fn file_name(path: &Path) -> String {
    let name = path.file_name().filter(|_| path != Path::new("-"));
    name.unwrap_or_default().to_string_lossy().into_owned()
}

fn has_directory(tree: &Tree, name: &str) -> bool {
    let directories = [name.to_owned()];
    tree.iter().any(|(path, _)| path.is_below(&directories))
}

/// The top-level directories of the rendered files; one for each file in it.
fn directories(tree: &Tree) -> impl Iterator<Item = &str> {
    let paths = tree.iter().map(|(path, _)| path.as_str());
    paths.filter_map(|path| path.split_once('/').map(|(directory, _)| directory))
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
