//! `genconf schema`: the JSON Schema of topology.yaml, for editors.

use std::io;

use super::exit::Exit;
use super::streams::Streams;
use crate::topology::language_schema;

/// Prints the JSON Schema.
pub fn run(streams: &mut Streams<'_>) -> io::Result<Exit> {
    writeln!(streams.out, "{:#}", language_schema())?;
    Ok(Exit::Success)
}
