//! `genconf init`: a topology to begin with.

use std::io;

use super::beginning;
use crate::cli::{Exit, InitArgs, Streams};
use crate::diagnostic::nearest;
use crate::source::{Node, Source, read};

/// The example for a new project. Its hosts get [`OS`]; the other examples are copied as they are.
const DEFAULT: &str = "default";

/// The current Debian release.
const OS: &str = ", os: debian13";

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
    let text = match args.example.as_str() {
        DEFAULT => with_os(text),
        _ => (*text).to_owned(),
    };
    if let Err(error) = beginning::write(&args.file, &text) {
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

/// The topology with [`OS`] in each host that is written in braces.
fn with_os(topology: &str) -> String {
    let source = Source::new(DEFAULT, topology);
    let root = read(&source).ok();
    let hosts = root.as_ref().and_then(|root| root.get("hosts"));
    let mut text = topology.to_owned();
    // The last first: a place before an insertion stays where it is.
    for host in hosts.into_iter().flat_map(Node::entries).rev() {
        let in_braces = topology[host.value.span.start..].starts_with('{');
        if let Some(last) = host.value.entries().last().filter(|_| in_braces) {
            text.insert_str(last.value.span.end, OS);
        }
    }
    text
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
