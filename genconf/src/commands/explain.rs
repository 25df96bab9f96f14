//! `genconf explain`: what the code of a fault means, or where a rendered line comes from.

use std::io;
use std::path::Path;

use super::input::{Input, absolute, own_folder, way};
use super::trace::{Origin, Tracer};
use crate::cli::{Exit, ExplainArgs, Streams};
use crate::diagnostic::{Code, nearest};
use crate::render::{self, Renderer};
use crate::source::Source;
use crate::tree::OutputPath;

/// Runs the command.
pub fn run(args: &ExplainArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let Some(what) = args.what.as_deref() else {
        for code in Code::ALL {
            writeln!(streams.out, "{}", code.name())?;
        }
        return Ok(Exit::Fine);
    };
    if let Some((file, line)) = what.rsplit_once(':') {
        return match line.parse() {
            Ok(line @ 1..) => explain_line(args, (file, line), streams),
            _ => told(
                streams,
                &format!("`{line}` is not the number of a line; write FILE:LINE"),
            ),
        };
    }
    if let Some(code) = Code::by_name(what) {
        return explain_code(code, streams);
    }
    let near = nearest(what, Code::ALL.iter().map(|c| c.name()));
    let help = near.map_or("`genconf explain` lists them".to_owned(), |n| {
        format!("did you mean `{n}`?")
    });
    told(streams, &format!("no fault is called `{what}`; {help}"))
}

fn told(streams: &mut Streams<'_>, said: &str) -> io::Result<Exit> {
    writeln!(streams.err, "error: {said}")?;
    Ok(Exit::Fault)
}

fn explain_code(code: Code, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let explanation = code.explanation();
    let indented = |text: &str| format!("    {}\n", text.replace('\n', "\n    "));
    write!(
        streams.out,
        "{}\n\n{}\n\nWrong:\n{}\nRight:\n{}",
        code.name(),
        explanation.cause,
        indented(explanation.wrong),
        indented(explanation.right)
    )?;
    Ok(Exit::Fine)
}

fn explain_line(
    args: &ExplainArgs,
    what: (&str, usize),
    streams: &mut Streams<'_>,
) -> io::Result<Exit> {
    let (file, line) = what;
    let bundle = args
        .out
        .clone()
        .unwrap_or_else(|| own_folder(&args.topology));
    let place = way(&bundle, &own_folder(&args.topology))?;
    let input = Input {
        path: &args.topology,
        place: place.clone(),
        format: crate::cli::Format::Human,
        prints: true,
    };
    let (source, generated) = match input.generate_from(streams)? {
        Ok(made) => made,
        Err(exit) => return Ok(exit),
    };
    let named = inside(file, &bundle)?;
    let Some((path, artifact)) = named
        .into_iter()
        .find_map(|path| generated.tree.get(&path).cloned().map(|a| (path, a)))
    else {
        return told(streams, &format!("{} makes no file {file}", source.name()));
    };
    let text = String::from_utf8_lossy(&artifact.bytes).into_owned();
    let Some(written) = text.lines().nth(line - 1) else {
        return told(
            streams,
            &format!("{path} has only {} lines", text.lines().count()),
        );
    };
    writeln!(streams.out, "{path}:{line}: {}", written.trim())?;
    let renderers = render::embedded().map_err(io::Error::other)?;
    let maker: Vec<Renderer> = renderers
        .into_iter()
        .filter(|r| r.renders(&generated.layout, &path))
        .collect();
    let origins = Tracer::new(&source, &place, &maker).origins(&path, line);
    tell(&origins, &source, streams)?;
    writeln!(
        streams.out,
        "  printed by the renderer `{}`",
        maker.first().map_or("", Renderer::name)
    )?;
    Ok(Exit::Fine)
}

/// What `file` may be in the bundle: its path from there, or written as from there.
fn inside(file: &str, bundle: &Path) -> io::Result<Vec<OutputPath>> {
    let (whole, folder) = (absolute(Path::new(file))?, absolute(bundle)?);
    let below = whole.strip_prefix(folder).ok().and_then(Path::to_str);
    let written = file.trim_start_matches("./");
    let paths = below.into_iter().chain([written]);
    Ok(paths.filter_map(OutputPath::new).collect())
}

fn tell(origins: &[Origin], source: &Source, streams: &mut Streams<'_>) -> io::Result<()> {
    for origin in origins {
        let said = source
            .text()
            .lines()
            .nth(origin.at.0 - 1)
            .unwrap_or_default();
        writeln!(
            streams.out,
            "  {}:{}:{}: {}",
            source.name(),
            origin.at.0,
            origin.at.1,
            origin.key
        )?;
        writeln!(streams.out, "      {}", said.trim())?;
    }
    if origins.is_empty() {
        let said = "changes this line: it is a default or the template's own";
        writeln!(streams.out, "  nothing written in {} {said}", source.name())?;
    }
    Ok(())
}
