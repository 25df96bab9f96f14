//! `genconf init`: a topology to begin with.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use crate::cli::{Exit, InitArgs, Streams};
use crate::diagnostic::nearest;
use crate::topology::language_schema;

/// What editors read, beside the topology whose first line names it.
const SCHEMA: &str = "topology.schema.json";

/// How that line begins.
const SCHEMA_LINE: &str = "# yaml-language-server: $schema=";

/// Name and text of each example, `default` first.
const EXAMPLES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/topologies.rs"));

/// Writes the example, or lists all.
pub fn run(args: &InitArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    if args.list {
        for (name, text) in EXAMPLES {
            writeln!(streams.out, "{name:<20} {}", summary(text))?;
        }
        return Ok(Exit::Fine);
    }
    let Some((_, text)) = EXAMPLES.iter().find(|(name, _)| *name == args.example) else {
        let near = nearest(&args.example, EXAMPLES.iter().map(|(name, _)| *name));
        let help = near.map_or("`genconf init --list` shows all".to_owned(), |n| {
            format!("did you mean `{n}`?")
        });
        writeln!(
            streams.err,
            "error: no example is called `{}`; {help}",
            args.example
        )?;
        return Ok(Exit::Fault);
    };
    let name = args.file.display();
    if let Err(error) = write_new(&args.file, &beside_its_schema(text)) {
        let said = match error.kind() {
            io::ErrorKind::AlreadyExists => format!("{name} is already there; name another file"),
            _ => format!("cannot write {name}: {error}"),
        };
        writeln!(streams.err, "error: {said}")?;
        return Ok(Exit::Fault);
    }
    // One that is there already may have been put there by hand, and does for an editor.
    let _ = write_new(
        &args.file.with_file_name(SCHEMA),
        &format!("{:#}\n", language_schema()),
    );
    writeln!(
        streams.err,
        "wrote {name}; put your artifact, the command that builds it and your hosts' addresses in, \
         then: genconf {name}"
    )?;
    Ok(Exit::Fine)
}

/// The example with the schema where `init` puts it.
fn beside_its_schema(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        if line.starts_with(SCHEMA_LINE) {
            format!("{SCHEMA_LINE}{SCHEMA}\n")
        } else {
            line.to_owned()
        }
    });
    lines.collect()
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// The first comment that says something.
fn summary(text: &str) -> &str {
    let comments = text
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(str::trim);
    comments
        .into_iter()
        .find(|c| !c.is_empty() && !c.starts_with("yaml-language-server"))
        .unwrap_or_default()
}
