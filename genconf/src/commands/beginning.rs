//! A topology that is written where none was, with the schema that its first line names beside it.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use crate::topology::language_schema;

/// What editors read.
const SCHEMA: &str = "topology.schema.json";

/// How the line begins that names it to them.
const SCHEMA_LINE: &str = "# yaml-language-server: $schema=";

/// Writes `topology`; a file that is there already is left alone, and an error.
pub(super) fn write(path: &Path, topology: &str) -> io::Result<()> {
    write_new(path, &beside_its_schema(topology))?;
    // One that is there already may have been put there by hand, and does for an editor.
    let _ = write_new(
        &path.with_file_name(SCHEMA),
        &format!("{:#}\n", language_schema()),
    );
    Ok(())
}

/// The topology with a first line that names the schema where it is now.
fn beside_its_schema(topology: &str) -> String {
    let named = format!("{SCHEMA_LINE}{SCHEMA}\n");
    match topology.split_once('\n') {
        Some((first, rest)) if first.starts_with(SCHEMA_LINE) => named + rest,
        _ => format!("{named}#\n{topology}"),
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}
