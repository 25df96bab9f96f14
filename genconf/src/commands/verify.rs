//! `genconf verify`: runs validators such as `nginx -t` on the rendered files.
//!
//! Each renderer names its commands; they run in a [`Scratch`] copy of the files. A message of a
//! validator that names a rendered line is traced to the topology.

use std::io;

use clap::Args;
use serde_json::{Value, json};

use super::exit::Exit;
use super::input::{Generation, Input, Results};
use super::options::{Format, GlobalArgs, TopologyArg};
use super::scratch::{Outcome, Scratch};
use super::streams::{Streams, Verbosity};
use super::trace::Tracer;
use crate::diagnostic::nearest;
use crate::render::{self, Renderer, VerifyRule};
use crate::tree::OutputPath;

/// Arguments of the command.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// The topology
    #[command(flatten)]
    pub topology: TopologyArg,
    /// Only these renderers, such as `nginx,systemd`
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Exit 1 if a validator is not installed or is too old
    #[arg(long)]
    pub require_tools: bool,
}

/// Runs every validator, and prints a report.
pub fn run(args: &VerifyArgs, global: &GlobalArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let renderers = render::embedded().map_err(io::Error::other)?;
    if let Some((message, help)) = unknown_renderer(&args.only, &renderers) {
        return streams.reject_usage(&message, &help);
    }
    let input = match Input::new(global, Some(&args.topology), None, streams)? {
        Ok(input) => input,
        Err(exit) => return Ok(exit),
    };
    let generation = match input.generate(Results::Follow, streams)? {
        Ok(generation) => generation,
        Err(exit) => return Ok(exit),
    };
    let is_selected =
        |r: &Renderer| args.only.is_empty() || args.only.iter().any(|n| n == r.name());
    let topology_dir = input.topology_dir()?;
    let mut report = Report {
        generation: &generation,
        topology_dir: &topology_dir,
        format: global.output,
        streams,
        checks: Vec::new(),
    };
    for renderer in renderers.into_iter().filter(is_selected) {
        let rules = renderer
            .verifications(&generation.generated.layout)
            .map_err(io::Error::other)?;
        let renderer = [renderer];
        for rule in rules {
            let outcome = Scratch::new(&generation.generated)?.run(&rule)?;
            report.add(&renderer, &rule, outcome)?;
        }
    }
    report.finish(args.require_tools)
}

/// A name in `--only` that no renderer has, and the help for it.
fn unknown_renderer(only: &[String], renderers: &[Renderer]) -> Option<(String, String)> {
    let names: Vec<&str> = renderers.iter().map(Renderer::name).collect();
    let name = only.iter().find(|n| !names.contains(&n.as_str()))?;
    let near = nearest(name, names.iter().copied());
    let help = near.map_or(format!("renderers: {}", names.join(", ")), |n| {
        format!("did you mean `{n}`?")
    });
    Some((format!("unknown renderer `{name}` in `--only`"), help))
}

/// The result of one validator.
struct Check {
    result: &'static str,
    renderer: String,
    command: String,
    messages: Vec<String>,
}

/// Results of the validators, printed as they come.
struct Report<'r, 's> {
    generation: &'r Generation,
    /// Path from the output directory to the topology's.
    topology_dir: &'r str,
    format: Format,
    streams: &'r mut Streams<'s>,
    checks: Vec<Check>,
}

const PASSED: &str = "passed";
const SKIPPED: &str = "skipped";
const FAILED: &str = "failed";

impl Report<'_, '_> {
    fn add(
        &mut self,
        renderer: &[Renderer; 1],
        rule: &VerifyRule,
        outcome: Outcome,
    ) -> io::Result<()> {
        let (result, messages) = match outcome {
            Outcome::Passed => (PASSED, Vec::new()),
            Outcome::Skipped(reason) => (SKIPPED, vec![reason]),
            Outcome::Failed(lines) => (FAILED, self.with_origins(renderer, lines)),
        };
        let check = Check {
            result,
            renderer: renderer[0].name().to_owned(),
            command: command_line(rule),
            messages,
        };
        self.print(&check)?;
        self.checks.push(check);
        Ok(())
    }

    fn print(&mut self, check: &Check) -> io::Result<()> {
        let is_shown = self.streams.verbosity != Verbosity::Quiet || check.result == FAILED;
        if !is_shown {
            return Ok(());
        }
        let Check {
            result,
            renderer,
            command,
            messages,
        } = check;
        match self.format {
            Format::Json => Ok(()),
            Format::Line => {
                let line = [
                    result.to_string(),
                    renderer.clone(),
                    command.clone(),
                    messages.join("; "),
                ];
                let shown = line.iter().filter(|part| !part.is_empty());
                let shown: Vec<&str> = shown.map(String::as_str).collect();
                writeln!(self.streams.out, "{}", shown.join(": "))
            }
            Format::Human if *result == SKIPPED => {
                let reason = messages.join(" ");
                writeln!(
                    self.streams.out,
                    "{result:<8} {renderer}: {command}: {reason}"
                )
            }
            Format::Human => {
                writeln!(self.streams.out, "{result:<8} {renderer}: {command}")?;
                messages
                    .iter()
                    .try_for_each(|line| writeln!(self.streams.out, "           {line}"))
            }
        }
    }

    /// Each line of a validator, followed by the places in the topology that it comes from.
    fn with_origins(&self, renderer: &[Renderer; 1], lines: Vec<String>) -> Vec<String> {
        let source = &self.generation.source;
        let mut messages = Vec::new();
        for line in lines {
            let place = place_in(&line);
            messages.push(line);
            let Some((path, number)) = place else {
                continue;
            };
            let origins = Tracer::new(source, self.topology_dir, renderer).origins(&path, number);
            messages.extend(origins.iter().map(|origin| {
                let (line, column) = origin.at;
                format!("  from {}:{line}:{column}: {}", source.name(), origin.key)
            }));
        }
        messages
    }

    /// Lines of `raw` blocks, which no rule of genconf checks.
    fn raw_lines(&self) -> Vec<String> {
        let proxies = self.generation.generated.layout.proxies.iter();
        let lines = proxies.flat_map(|proxy| {
            let lines = proxy.raw_global.iter().chain(&proxy.raw_server);
            lines.map(move |line| format!("{}/{}: {line}", proxy.engine, proxy.name))
        });
        lines.collect()
    }

    fn count(&self, result: &str) -> usize {
        self.checks.iter().filter(|c| c.result == result).count()
    }

    fn finish(self, require_tools: bool) -> io::Result<Exit> {
        let raw = self.raw_lines();
        let (passed, failed, skipped) =
            (self.count(PASSED), self.count(FAILED), self.count(SKIPPED));
        if self.format == Format::Json {
            let checks = self.checks.iter().map(|c| {
                json!({
                    "result": c.result, "renderer": c.renderer, "command": c.command, "messages": c.messages,
                })
            });
            let report = json!({ "checks": checks.collect::<Vec<Value>>(), "raw": raw });
            writeln!(self.streams.out, "{report:#}")?;
        } else {
            for line in raw {
                writeln!(self.streams.out, "raw      {line}")?;
            }
            self.streams.note(&format!(
                "{passed} passed, {failed} failed, {skipped} skipped"
            ))?;
        }
        if failed > 0 {
            return Ok(Exit::VerifyFailed);
        }
        if require_tools && skipped > 0 {
            let help = "install the tools listed as skipped, or omit `--require-tools`";
            return self
                .streams
                .fail_after_result("a validator was skipped", help);
        }
        Ok(Exit::Success)
    }
}

/// The command as it would run in the output directory.
fn command_line(rule: &VerifyRule) -> String {
    rule.run.join(" ").replace("SCRATCH/../rendered/", "")
}

/// The rendered line that a message names as `/rendered/PATH:LINE`, as nginx and systemd do.
fn place_in(line: &str) -> Option<(OutputPath, usize)> {
    let (_, rest) = line.split_once("/rendered/")?;
    let (path, rest) = rest.split_once(':')?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((OutputPath::new(path)?, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_a_message_names_is_found() {
        let nginx =
            "nginx: [emerg] unknown directive \"gzipp\" in /rendered/nginx/edge/nginx.conf:42";
        let (path, line) = place_in(nginx).expect("the message names a line");
        assert_eq!((path.as_str(), line), ("nginx/edge/nginx.conf", 42));
        assert!(place_in("no such file").is_none());
    }
}
