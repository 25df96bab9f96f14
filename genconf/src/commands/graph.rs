//! `genconf graph`: the topology as a picture.

use std::io;

use super::input::Input;
use crate::cli::{Drawing, Exit, GraphArgs, Streams};
use crate::graph::{Diagram, dot, mermaid, svg};

/// Prints the picture.
pub fn run(args: &GraphArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let input = Input {
        path: &args.topology,
        place: ".".to_owned(),
        format: args.format,
        prints: true,
    };
    let generated = match input.generate(streams)? {
        Ok(generated) => generated,
        Err(exit) => return Ok(exit),
    };
    let picture = Diagram::new(&generated.layout);
    let text = match args.r#as {
        Drawing::Svg => svg::render(&picture),
        Drawing::Mermaid => mermaid::render(&picture),
        Drawing::Dot => dot::render(&picture),
    };
    streams.out.write_all(text.as_bytes())?;
    Ok(Exit::Fine)
}
