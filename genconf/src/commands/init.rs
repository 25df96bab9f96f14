//! `genconf init`: a topology to begin with.

use std::io;

use super::beginning;
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
    let name = args.file.display();
    if let Err(error) = beginning::write(&args.file, text) {
        let said = match error.kind() {
            io::ErrorKind::AlreadyExists => format!("{name} is already there; name another file"),
            _ => format!("cannot write {name}: {error}"),
        };
        writeln!(streams.err, "error: {said}")?;
        return Ok(Exit::Fault);
    }
    writeln!(
        streams.err,
        "wrote {name}; put your artifact, the command that builds it and your hosts' addresses in, \
         then: genconf {name}"
    )?;
    Ok(Exit::Fine)
}

/// The first sentence of the comments.
fn summary(text: &str) -> String {
    let comments = text.lines().map_while(|line| line.strip_prefix('#'));
    let said: Vec<&str> = comments
        .map(str::trim)
        .skip_while(|c| c.is_empty() || c.starts_with("yaml-language-server"))
        .take_while(|c| !c.is_empty())
        .collect();
    let said = said.join(" ");
    let end = said.find(". ").map_or(said.len(), |stop| stop + 1);
    said[..end].to_owned()
}
