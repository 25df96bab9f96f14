//! `genconf diff`: how the rendered files differ from those on disk.

use std::io;

use clap::Args;

use super::changes;
use super::exit::Exit;
use super::input::Results;
use super::options::{GlobalArgs, OutDirArg, TopologyArg};
use super::render::{self, RenderArgs};
use super::streams::Streams;

/// Arguments of the command.
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    /// The topology
    #[command(flatten)]
    pub topology: TopologyArg,
    /// The output directory
    #[command(flatten)]
    pub out_dir: OutDirArg,
    /// Only these directories, such as `nginx,systemd`
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Exit 2 if there are differences
    #[arg(long)]
    pub exit_code: bool,
}

/// Prints a unified diff; with another output format, the files that differ.
pub fn run(args: &DiffArgs, global: &GlobalArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let rendering = RenderArgs {
        topology: args.topology.clone(),
        out_dir: args.out_dir.clone(),
        only: args.only.clone(),
        check: args.exit_code,
        diff: true,
        force: false,
    };
    let comparison = match render::compare(&rendering, global, Results::Follow, streams)? {
        Ok(comparison) => comparison,
        Err(exit) => return Ok(exit),
    };
    let differences = &comparison.changes;
    changes::print(differences, global.output, streams)?;
    Ok(if args.exit_code && !differences.is_empty() {
        Exit::Differences
    } else {
        Exit::Success
    })
}
