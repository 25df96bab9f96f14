//! Differences between the rendered files and those in the output directory.

use std::io::{self, Write};

use serde_json::json;
use similar::TextDiff;

use super::options::Format;
use super::streams::{Streams, printable};
use crate::diagnostic::human::Color;
use crate::tree::{Change, State};

/// Prints the state and the path of each file that differs.
pub(super) fn list(
    changes: &[Change],
    format: Format,
    streams: &mut Streams<'_>,
) -> io::Result<()> {
    if format == Format::Json {
        let objects = changes
            .iter()
            .map(|c| json!({ "state": state_name(c.state), "path": c.path.as_str() }));
        let array = serde_json::Value::Array(objects.collect());
        return writeln!(streams.out, "{array:#}");
    }
    for change in changes {
        writeln!(streams.out, "{} {}", state_name(change.state), change.path)?;
    }
    Ok(())
}

/// Prints the differences: a unified diff for people, a list of files for programs.
pub(super) fn print(
    changes: &[Change],
    format: Format,
    streams: &mut Streams<'_>,
) -> io::Result<()> {
    match format {
        Format::Human => print_diff(changes, streams.out, streams.out_color),
        Format::Line | Format::Json => list(changes, format, streams),
    }
}

/// Prints a unified diff from the files on disk to the rendered ones.
pub(super) fn print_diff(changes: &[Change], out: &mut dyn Write, color: Color) -> io::Result<()> {
    changes
        .iter()
        .try_for_each(|change| print_file_diff(change, out, color))
}

fn print_file_diff(change: &Change, out: &mut dyn Write, color: Color) -> io::Result<()> {
    let old = String::from_utf8_lossy(&change.old);
    let new = String::from_utf8_lossy(&change.new);
    let names = (format!("a/{}", change.path), format!("b/{}", change.path));
    let text = TextDiff::from_lines(&*old, &*new)
        .unified_diff()
        .header(&names.0, &names.1)
        .to_string();
    for line in text.lines() {
        match (color, line.as_bytes().first()) {
            (Color::Always, Some(b'+')) => writeln!(out, "\x1b[32m{}\x1b[0m", printable(line))?,
            (Color::Always, Some(b'-')) => writeln!(out, "\x1b[31m{}\x1b[0m", printable(line))?,
            (Color::Always, _) => writeln!(out, "{}", printable(line))?,
            (Color::Never, _) => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// The name of a state in lists.
pub(super) fn state_name(state: State) -> &'static str {
    match state {
        State::Missing => "missing",
        State::Outdated => "out-of-date",
        State::Modified => "modified",
        State::Orphaned => "orphaned",
    }
}
