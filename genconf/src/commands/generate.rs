//! `genconf TOPOLOGY`: writes the bundle, or shows what writing would do.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::input::{Input, own_folder, way};
use crate::cli::{Exit, Format, GenerateArgs, Streams};
use crate::diagnostic::human::Color;
use crate::diagnostic::nearest;
use crate::tree::{self, Change, State};

/// Runs the command.
pub fn run(args: &GenerateArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let path = args.topology.clone().unwrap_or_else(|| PathBuf::from("-"));
    let own = own_folder(&path);
    let folder = args.out.clone().unwrap_or_else(|| own.clone());
    let input = Input {
        path: &path,
        place: way(&folder, &own)?,
        format: args.format,
        prints: args.check || args.diff,
    };
    let generated = match input.generate(streams)? {
        Ok(generated) => generated,
        Err(exit) => return Ok(exit),
    };
    if let Some(name) = args.only.iter().find(|n| !has_folder(&generated.tree, n)) {
        let near = nearest(name, folders(&generated.tree));
        let help = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
        writeln!(
            streams.err,
            "error: the bundle has no folder `{name}`{help}"
        )?;
        return Ok(Exit::Usage);
    }
    let name = file_name(&path);
    let tree = generated.tree.only(&args.only).of_topology(name.clone());
    let changes = tree::compare(&tree, &folder, &args.only)?;
    if args.check {
        return check(&changes, streams);
    }
    if args.diff {
        return diff(&changes, streams);
    }
    let manifest = tree::Manifest::read(&folder)?;
    if let Some(other) = manifest.other_topology(&name).filter(|_| !args.force) {
        writeln!(
            streams.err,
            "error: the bundle in {} is that of {other}\n\
             help: give this one a folder of its own with --out, or replace the other with --force; \
             nothing was written",
            folder.display()
        )?;
        return Ok(Exit::Drift);
    }
    if !args.force && changes.iter().any(|c| c.state == State::Edited) {
        return refuse(&changes, args.format, streams);
    }
    tree::write(&tree, &changes, &folder, &args.only)?;
    report(&changes, tree.iter().count(), &folder, streams)
}

/// What the topology is called; nothing where it comes from standard input.
fn file_name(path: &Path) -> String {
    let name = path.file_name().filter(|_| path != Path::new("-"));
    name.unwrap_or_default().to_string_lossy().into_owned()
}

fn has_folder(tree: &tree::Tree, name: &str) -> bool {
    let folders = [name.to_owned()];
    tree.iter().any(|(path, _)| path.is_below(&folders))
}

/// The folders at the root of a bundle.
fn folders(tree: &tree::Tree) -> impl Iterator<Item = &str> {
    let paths = tree.iter().map(|(path, _)| path.as_str());
    paths.filter_map(|path| path.split_once('/').map(|(folder, _)| folder))
}

fn check(changes: &[Change], streams: &mut Streams<'_>) -> io::Result<Exit> {
    for change in changes {
        writeln!(streams.out, "{} {}", word(change.state), change.path)?;
    }
    Ok(if changes.is_empty() {
        Exit::Fine
    } else {
        Exit::Drift
    })
}

fn diff(changes: &[Change], streams: &mut Streams<'_>) -> io::Result<Exit> {
    for change in changes {
        write_diff(change, streams.out, streams.out_colour)?;
    }
    Ok(if changes.is_empty() {
        Exit::Fine
    } else {
        Exit::Drift
    })
}

fn refuse(changes: &[Change], format: Format, streams: &mut Streams<'_>) -> io::Result<Exit> {
    for change in changes.iter().filter(|c| c.state == State::Edited) {
        // Whoever reads JSON has had all of it.
        if format == Format::Json {
            write_diff(change, streams.err, streams.err_colour)?;
        } else {
            write_diff(change, streams.out, streams.out_colour)?;
        }
        writeln!(
            streams.err,
            "error: {} was edited by hand; the diff above is what would be lost",
            change.path
        )?;
    }
    writeln!(
        streams.err,
        "help: say it in the topology, or overwrite the edits with --force; nothing was written"
    )?;
    Ok(Exit::Drift)
}

fn report(
    changes: &[Change],
    files: usize,
    folder: &Path,
    streams: &mut Streams<'_>,
) -> io::Result<Exit> {
    let gone = changes
        .iter()
        .filter(|c| c.new.is_empty() && c.state != State::Missing)
        .count();
    let written = changes.len() - gone;
    if changes.is_empty() {
        writeln!(
            streams.err,
            "{}: all {files} files are current",
            folder.display()
        )?;
    } else {
        let removed = if gone > 0 {
            format!(", removed {gone}")
        } else {
            String::new()
        };
        writeln!(
            streams.err,
            "{}: wrote {written} of {files} files{removed}",
            folder.display()
        )?;
    }
    Ok(Exit::Fine)
}

fn word(state: State) -> &'static str {
    match state {
        State::Missing => "missing",
        State::Stale => "stale",
        State::Edited => "edited",
        State::Orphan => "orphan",
    }
}

fn write_diff(change: &Change, out: &mut dyn Write, colour: Color) -> io::Result<()> {
    let old = String::from_utf8_lossy(&change.old);
    let new = String::from_utf8_lossy(&change.new);
    let names = (format!("a/{}", change.path), format!("b/{}", change.path));
    let text = TextDiff::from_lines(&*old, &*new)
        .unified_diff()
        .header(&names.0, &names.1)
        .to_string();
    for line in text.lines() {
        match (colour, line.as_bytes().first()) {
            (Color::Always, Some(b'+')) => writeln!(out, "\x1b[32m{line}\x1b[0m")?,
            (Color::Always, Some(b'-')) => writeln!(out, "\x1b[31m{line}\x1b[0m")?,
            _ => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}
