//! Rendered files compared with those in the output directory.

use std::io;

use clap::Args;
use serde_json::Value;

use super::exit::Exit;
use super::input::{Generation, Input, Results};
use super::options::{GlobalArgs, OutDirArg, TopologyArg};
use super::streams::Streams;
use crate::diagnostic::{self, nearest};
use crate::tree::{self, Change, Tree};

/// Which files a command renders and compares.
#[derive(Args, Clone, Debug)]
pub struct FilesArgs {
    /// The topology
    #[command(flatten)]
    pub topology: TopologyArg,
    /// The output directory
    #[command(flatten)]
    pub out_dir: OutDirArg,
    /// Only these directories, such as `nginx,systemd`
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
}

/// Rendered files, and how those on disk differ.
pub(super) struct Comparison {
    /// The topology and the output directory.
    pub(super) input: Input,
    /// Diagnostics of the topology, as JSON.
    pub(super) warnings: Vec<Value>,
    /// The rendered files.
    pub(super) tree: Tree,
    /// Files that differ.
    pub(super) changes: Vec<Change>,
}

impl Comparison {
    /// Renders, and compares with the output directory. `Err` is the end of the run.
    pub(super) fn new(
        args: &FilesArgs,
        global: &GlobalArgs,
        results: Results,
        streams: &mut Streams<'_>,
    ) -> io::Result<Result<Self, Exit>> {
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
        if let Some((message, help)) = unknown_directory(&args.only, &generated.tree) {
            return Ok(Err(streams.reject_usage(&message, &help)?));
        }
        let tree = generated
            .tree
            .only(&args.only)
            .with_topology(input.file_name());
        let changes = tree::compare(&tree, &input.out_dir, &args.only)?;
        Ok(Ok(Self {
            input,
            warnings: diagnostic::json::objects(&diagnostics, &source),
            tree,
            changes,
        }))
    }
}

/// A name in `--only` that no rendered directory has, and the help for it.
fn unknown_directory(only: &[String], tree: &Tree) -> Option<(String, String)> {
    let mut rendered: Vec<&str> = directories(tree).collect();
    rendered.dedup();
    let name = only
        .iter()
        .find(|name| !rendered.contains(&name.as_str()))?;
    let near = nearest(name, rendered.iter().copied());
    let help = near.map_or(
        format!("rendered directories: {}", rendered.join(", ")),
        |n| format!("did you mean `{n}`?"),
    );
    Some((format!("unknown directory `{name}` in `--only`"), help))
}

/// The top-level directories of the rendered files; one for each file in it.
fn directories(tree: &Tree) -> impl Iterator<Item = &str> {
    let paths = tree.iter().map(|(path, _)| path.as_str());
    paths.filter_map(|path| path.split_once('/').map(|(directory, _)| directory))
}
