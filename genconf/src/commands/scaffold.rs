//! New topology files, with the JSON Schema that their first line names.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::options::{TOPOLOGY, default_out_dir};
use super::streams::Streams;
use crate::topology::language_schema;

/// File name of the schema, in the directory of the topology.
pub(super) const SCHEMA: &str = "topology.schema.json";

/// Start of the line that names the schema to editors.
const SCHEMA_LINE: &str = "# yaml-language-server: $schema=";

/// What becomes of a file that exists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Existing {
    /// It stays, and is an error.
    Keep,
    /// It is replaced.
    Overwrite,
}

impl Existing {
    /// The value of `--force`.
    pub(super) fn from_force(force: bool) -> Self {
        if force { Self::Overwrite } else { Self::Keep }
    }
}

/// The file that `--topology` names: of a directory its topology.yaml.
pub(super) fn destination(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.join(TOPOLOGY);
    }
    path.to_owned()
}

/// Creates a topology, and its schema unless there is one; prints to standard output if `path` is `-`.
/// `Err` is the end of the run.
pub(super) fn create(
    path: &Path,
    topology: &str,
    existing: Existing,
    streams: &mut Streams<'_>,
) -> io::Result<Result<(), Exit>> {
    if path == Path::new("-") {
        streams.out.write_all(topology.as_bytes())?;
        return Ok(Ok(()));
    }
    let Err(error) = write(path, topology, existing) else {
        return Ok(Ok(()));
    };
    let name = path.display();
    let (message, help) = match error.kind() {
        io::ErrorKind::AlreadyExists => (
            format!("{name} already exists"),
            "name another file with `--topology FILE`, or overwrite it with `--force`",
        ),
        _ => (
            format!("cannot write {name}: {error}"),
            "name a writable file with `--topology FILE`",
        ),
    };
    Ok(Err(streams.fail(&message, help)?))
}

fn write(path: &Path, topology: &str, existing: Existing) -> io::Result<()> {
    write_file(path, &with_schema_line(topology), existing)?;
    // An existing schema may be a version that the user chose; it serves an editor as well.
    let schema = format!("{:#}\n", language_schema());
    match write_file(&path.with_file_name(SCHEMA), &schema, Existing::Keep) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The topology with a first line that names the schema next to it.
fn with_schema_line(topology: &str) -> String {
    let line = format!("{SCHEMA_LINE}{SCHEMA}\n");
    match topology.split_once('\n') {
        Some((first, rest)) if first.starts_with(SCHEMA_LINE) => line + rest,
        _ => format!("{line}#\n{topology}"),
    }
}

/// Writes a complete file or none: to a temporary file first, which then gets the name.
fn write_file(path: &Path, text: &str, existing: Existing) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(default_out_dir(path))?;
    file.write_all(text.as_bytes())?;
    match existing {
        Existing::Keep => file.persist_noclobber(path)?,
        Existing::Overwrite => file.persist(path)?,
    };
    Ok(())
}
