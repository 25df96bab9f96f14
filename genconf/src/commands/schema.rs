//! `genconf schema`: the language for editors.

use std::io;

use crate::cli::{Exit, Streams};
use crate::topology::language_schema;

/// Prints the JSON Schema.
pub fn run(streams: &mut Streams<'_>) -> io::Result<Exit> {
    writeln!(streams.out, "{:#}", language_schema())?;
    Ok(Exit::Fine)
}
