//! `genconf diff`: how the rendered files differ from those on disk.

use std::io;

use clap::Args;

use super::changes;
use super::comparison::{Comparison, FilesArgs};
use super::exit::Exit;
use super::input::Results;
use super::options::GlobalArgs;
use super::streams::Streams;

/// Arguments of the command.
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    /// The topology and its rendered files
    #[command(flatten)]
    pub files: FilesArgs,
    /// Exit 2 if there are differences
    #[arg(long)]
    pub exit_code: bool,
}

/// Prints a unified diff; with another output format, the files that differ.
pub fn run(args: &DiffArgs, global: &GlobalArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let comparison = match Comparison::new(&args.files, global, Results::Follow, streams)? {
        Ok(comparison) => comparison,
        Err(exit) => return Ok(exit),
    };
    changes::print(&comparison.changes, global.output, streams)?;
    Ok(if args.exit_code && !comparison.changes.is_empty() {
        Exit::Differences
    } else {
        Exit::Success
    })
}
