//! `genconf explain`: what a diagnostic means, where a rendered line comes from, or what a key sets.

use std::io;
use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use super::exit::Exit;
use super::input::{Generation, Input, Results, absolute};
use super::key_reference;
use super::options::{Format, GlobalArgs, OutDirArg};
use super::streams::Streams;
use super::trace::{Origin, Tracer};
use crate::diagnostic::{Code, nearest};
use crate::render::{self, Renderer};
use crate::source::Source;
use crate::tree::OutputPath;

/// Arguments of the command.
#[derive(Args, Clone, Debug)]
pub struct ExplainArgs {
    /// Code such as `port-clash`, rendered line such as `nginx/edge/nginx.conf:42`, or key such as `pools.ports`; without it, list all codes
    #[arg(value_name = "CODE|FILE:LINE|KEY")]
    pub subject: Option<String>,
    /// The output directory
    #[command(flatten)]
    pub out_dir: OutDirArg,
}

/// Prints the explanation.
pub fn run(args: &ExplainArgs, global: &GlobalArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let Some(subject) = args.subject.as_deref() else {
        return list_codes(global.output, streams);
    };
    if let Some((file, line)) = subject.rsplit_once(':') {
        return match line.parse() {
            Ok(line @ 1..) => explain_line(args, global, (file, line), streams),
            _ => streams.reject_usage(
                &format!("expected a line number after `{file}:`, found `{line}`"),
                "name a rendered line: `genconf explain nginx/edge/nginx.conf:42`",
            ),
        };
    }
    if let Some(code) = Code::by_name(subject) {
        return explain_code(code, global.output, streams);
    }
    let keys = key_reference::find(subject);
    if !keys.is_empty() {
        return key_reference::print(&keys, streams);
    }
    let near = nearest(subject, Code::ALL.iter().map(|c| c.name()));
    let help = match near {
        Some(name) => format!("did you mean `{name}`?"),
        None if subject.contains('/') => {
            format!("add a line number: `genconf explain {subject}:1`")
        }
        None => "list the codes with `genconf explain`".to_owned(),
    };
    streams.reject_usage(&format!("unknown code or key `{subject}`"), &help)
}

fn list_codes(format: Format, streams: &mut Streams<'_>) -> io::Result<Exit> {
    if format == Format::Json {
        let codes = Code::ALL
            .iter()
            .map(|code| json!({ "code": code.name(), "summary": code.summary() }));
        let array = Value::Array(codes.collect());
        writeln!(streams.out, "{array:#}")?;
        return Ok(Exit::Success);
    }
    let width = Code::ALL.iter().map(|c| c.name().len()).max().unwrap_or(0);
    for code in Code::ALL {
        writeln!(streams.out, "{:width$}  {}", code.name(), code.summary())?;
    }
    Ok(Exit::Success)
}

fn explain_code(code: Code, format: Format, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let explanation = code.explanation();
    if format == Format::Json {
        let object = json!({
            "code": code.name(), "summary": code.summary(), "cause": explanation.cause,
            "invalid": explanation.wrong, "valid": explanation.right,
        });
        writeln!(streams.out, "{object:#}")?;
        return Ok(Exit::Success);
    }
    let indented = |text: &str| format!("    {}\n", text.replace('\n', "\n    "));
    write!(
        streams.out,
        "{}: {}\n\n{}\n\nInvalid:\n{}\nValid:\n{}",
        code.name(),
        code.summary(),
        explanation.cause,
        indented(explanation.wrong),
        indented(explanation.right)
    )?;
    Ok(Exit::Success)
}

fn explain_line(
    args: &ExplainArgs,
    global: &GlobalArgs,
    (file, line): (&str, usize),
    streams: &mut Streams<'_>,
) -> io::Result<Exit> {
    let input = match Input::new(global, None, Some(&args.out_dir), streams)? {
        Ok(input) => input,
        Err(exit) => return Ok(exit),
    };
    let generation = match input.generate(Results::Follow, streams)? {
        Ok(generation) => generation,
        Err(exit) => return Ok(exit),
    };
    let tree = &generation.generated.tree;
    let paths = rendered_paths(file, &input.out_dir)?;
    let found = paths
        .into_iter()
        .find_map(|path| tree.get(&path).map(|a| (path, a)));
    let Some((path, artifact)) = found else {
        let message = format!("{} renders no file {file}", generation.source.name());
        return streams.fail(
            &message,
            "name a file in the output directory: `genconf explain nginx/edge/nginx.conf:42`",
        );
    };
    let text = String::from_utf8_lossy(&artifact.bytes).into_owned();
    let Some(rendered) = text.lines().nth(line - 1) else {
        let lines = text.lines().count();
        let message = format!("expected a line of {path} from 1 to {lines}, found {line}");
        return streams.fail(&message, "name a line of the file as it is rendered now");
    };
    writeln!(streams.out, "{path}:{line}: {}", rendered.trim())?;
    print_origins(&generation, &input.topology_dir()?, (&path, line), streams)
}

fn print_origins(
    generation: &Generation,
    topology_dir: &str,
    (path, line): (&OutputPath, usize),
    streams: &mut Streams<'_>,
) -> io::Result<Exit> {
    let renderers = render::embedded().map_err(io::Error::other)?;
    let renderer: Vec<Renderer> = renderers
        .into_iter()
        .filter(|r| r.renders(&generation.generated.layout, path))
        .collect();
    let source = &generation.source;
    let origins = Tracer::new(source, topology_dir, &renderer).origins(path, line);
    for origin in &origins {
        print_origin(origin, source, streams)?;
    }
    if origins.is_empty() {
        let name = source.name();
        writeln!(
            streams.out,
            "  no value of {name} sets this line: a default, or fixed in the template"
        )?;
    }
    let name = renderer.first().map_or("", Renderer::name);
    writeln!(streams.out, "  rendered from templates/{name}")?;
    Ok(Exit::Success)
}

/// The rendered files that `file` may name: relative to this directory, or to the output directory.
fn rendered_paths(file: &str, out_dir: &Path) -> io::Result<Vec<OutputPath>> {
    let (file_path, directory) = (absolute(Path::new(file))?, absolute(out_dir)?);
    let below = file_path
        .strip_prefix(directory)
        .ok()
        .and_then(Path::to_str);
    let relative = file.trim_start_matches("./");
    let paths = below.into_iter().chain([relative]);
    Ok(paths.filter_map(OutputPath::new).collect())
}

fn print_origin(origin: &Origin, source: &Source, streams: &mut Streams<'_>) -> io::Result<()> {
    let (line, column) = origin.at;
    let text = source.text().lines().nth(line - 1).unwrap_or_default();
    writeln!(
        streams.out,
        "  {}:{line}:{column}: {}\n      {}",
        source.name(),
        origin.key,
        text.trim()
    )
}
