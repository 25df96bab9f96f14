//! `genconf init`: a topology to begin with.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

use crate::cli::{Exit, InitArgs, Streams};
use crate::diagnostic::nearest;

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
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.file);
    match written {
        Ok(mut file) => file.write_all(text.as_bytes())?,
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            writeln!(
                streams.err,
                "error: {} is already there; name another file",
                args.file.display()
            )?;
            return Ok(Exit::Fault);
        }
        Err(e) => {
            writeln!(
                streams.err,
                "error: cannot write {}: {e}",
                args.file.display()
            )?;
            return Ok(Exit::Fault);
        }
    }
    writeln!(
        streams.err,
        "wrote {}; next: genconf {}",
        args.file.display(),
        args.file.display()
    )?;
    Ok(Exit::Fine)
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
