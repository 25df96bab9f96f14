//! `genconf init`: creates a starter topology.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::exit::Exit;
use super::options::{Format, GlobalArgs, TOPOLOGY};
use super::scaffold::{self, Existing, SCHEMA};
use super::streams::Streams;
use crate::diagnostic::nearest;
use crate::import::shell_quoted;
use crate::source::{Node, Source, read};

/// The template of a new project. Its hosts get [`OS`]; the other templates are copied unchanged.
const DEFAULT: &str = "default";

/// The current Debian release.
const OS: &str = ", os: debian13";

/// Name and text of each template, `default` first.
const TEMPLATES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/topologies.rs"));

/// Arguments of the command.
#[derive(Args, Clone, Debug)]
pub struct InitArgs {
    /// Template, see --list
    #[arg(default_value = DEFAULT)]
    pub template: String,
    /// List the templates
    #[arg(long)]
    pub list: bool,
    /// Overwrite a topology that exists
    #[arg(long)]
    pub force: bool,
}

/// Writes the template to `--topology`, by default topology.yaml in this directory, or lists all.
pub fn run(args: &InitArgs, global: &GlobalArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    if args.list {
        return list(global.output, streams);
    }
    let Some((_, text)) = TEMPLATES.iter().find(|(name, _)| *name == args.template) else {
        let near = nearest(&args.template, TEMPLATES.iter().map(|(name, _)| *name));
        let help = near.map_or("list them with `genconf init --list`".to_owned(), |n| {
            format!("did you mean `{n}`?")
        });
        let message = format!("unknown template `{}`", args.template);
        return streams.reject_usage(&message, &help);
    };
    let named = global.topology.as_deref().map(scaffold::destination);
    let path = named.unwrap_or_else(|| PathBuf::from(TOPOLOGY));
    let text = match args.template.as_str() {
        DEFAULT => with_os(text),
        _ => (*text).to_owned(),
    };
    create(&path, &text, args, streams)
}

fn list(format: Format, streams: &mut Streams<'_>) -> io::Result<Exit> {
    if format == Format::Json {
        let templates = TEMPLATES
            .iter()
            .map(|(name, text)| json!({ "name": name, "summary": summary(text) }));
        let array = Value::Array(templates.collect());
        writeln!(streams.out, "{array:#}")?;
        return Ok(Exit::Success);
    }
    for (name, text) in TEMPLATES {
        writeln!(streams.out, "{name:<20} {}", summary(text))?;
    }
    Ok(Exit::Success)
}

fn create(path: &Path, text: &str, args: &InitArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let existing = Existing::from_force(args.force);
    if let Err(exit) = scaffold::create(path, text, existing, streams)? {
        return Ok(exit);
    }
    if path == Path::new("-") {
        return Ok(Exit::Success);
    }
    let name = path.display();
    let option = if path == Path::new(TOPOLOGY) {
        String::new()
    } else {
        format!(" {}", shell_quoted(&name.to_string()))
    };
    streams.note(&format!(
        "Created {name} and {}. Set the artifact, its build command, and the addresses of your hosts, then:\n  \
         genconf check{option}    validate it\n  \
         genconf render{option}   write the configuration files\n  \
         genconf verify{option}   run nginx, systemd, and Ansible checks on them",
        path.with_file_name(SCHEMA).display()
    ))?;
    Ok(Exit::Success)
}

/// The topology with [`OS`] in each host that is a flow mapping.
fn with_os(topology: &str) -> String {
    let source = Source::new(DEFAULT, topology);
    let root = read(&source).ok();
    let hosts = root.as_ref().and_then(|root| root.get("hosts"));
    let mut text = topology.to_owned();
    // From the end: an insertion does not move the spans before it.
    for host in hosts.into_iter().flat_map(Node::entries).rev() {
        let is_flow_mapping = topology[host.value.span.start..].starts_with('{');
        if let Some(last) = host.value.entries().last().filter(|_| is_flow_mapping) {
            text.insert_str(last.value.span.end, OS);
        }
    }
    text
}

/// The first sentence of the comments.
fn summary(text: &str) -> String {
    let comments = text.lines().map_while(|line| line.strip_prefix('#'));
    let paragraph: Vec<&str> = comments
        .map(str::trim)
        .skip_while(|c| c.is_empty() || c.starts_with("yaml-language-server"))
        .take_while(|c| !c.is_empty())
        .collect();
    let paragraph = paragraph.join(" ");
    let end = paragraph
        .find(". ")
        .map_or(paragraph.len(), |stop| stop + 1);
    paragraph[..end].to_owned()
}
