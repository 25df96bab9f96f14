//! `genconf check`: validates a topology and writes nothing.

use std::io;

use clap::Args;

use super::exit::Exit;
use super::input::{Input, Results};
use super::options::{GlobalArgs, TopologyArg};
use super::streams::Streams;
use crate::diagnostic::Severity;

/// Arguments of the command.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// The topology
    #[command(flatten)]
    pub topology: TopologyArg,
    /// Exit 1 on warnings too
    #[arg(long)]
    pub strict: bool,
}

/// Prints all diagnostics, and the size of a valid topology.
pub fn run(args: &CheckArgs, global: &GlobalArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let input = match Input::new(global, Some(&args.topology), None, streams)? {
        Ok(input) => input,
        Err(exit) => return Ok(exit),
    };
    let generation = match input.generate(Results::None, streams)? {
        Ok(generation) => generation,
        Err(exit) => return Ok(exit),
    };
    let warnings = generation.diagnostics.count(Severity::Warning);
    if args.strict && warnings > 0 {
        return Ok(Exit::Failure);
    }
    let layout = &generation.generated.layout;
    let counts = [
        count(layout.hosts.len(), "host", "hosts"),
        count(layout.apps.len(), "app", "apps"),
        count(layout.pools.len(), "pool", "pools"),
        count(layout.proxies.len(), "proxy", "proxies"),
    ];
    streams.note(&format!(
        "{}: valid ({})",
        generation.source.name(),
        counts.join(", ")
    ))?;
    Ok(Exit::Success)
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
