//! `genconf graph`: a diagram of the topology.

use std::io;

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::input::{Input, Results};
use super::options::{GlobalArgs, TopologyArg};
use super::streams::Streams;
use crate::graph::{Diagram, dot, mermaid, svg};

/// Arguments of the command.
#[derive(Args, Clone, Debug)]
pub struct GraphArgs {
    /// The topology
    #[command(flatten)]
    pub topology: TopologyArg,
    /// Format of the diagram
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = DiagramFormat::Svg)]
    pub format: DiagramFormat,
}

/// Format of a diagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum DiagramFormat {
    /// SVG image
    Svg,
    /// Mermaid flowchart
    Mermaid,
    /// Graphviz
    Dot,
}

/// Prints the diagram.
pub fn run(args: &GraphArgs, global: &GlobalArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let input = match Input::new(global, Some(&args.topology), None, streams)? {
        Ok(input) => input,
        Err(exit) => return Ok(exit),
    };
    let generated = match input.generate(Results::Follow, streams)? {
        Ok(generation) => generation.generated,
        Err(exit) => return Ok(exit),
    };
    let diagram = Diagram::new(&generated.layout);
    let text = match args.format {
        DiagramFormat::Svg => svg::render(&diagram),
        DiagramFormat::Mermaid => mermaid::render(&diagram),
        DiagramFormat::Dot => dot::render(&diagram),
    };
    streams.out.write_all(text.as_bytes())?;
    Ok(Exit::Success)
}
