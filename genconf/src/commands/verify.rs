//! `genconf verify`: what the real tools say of the rendered files.
//!
//! Each renderer names its own commands; they run in a [`Scratch`] copy of the
//! bundle. What a tool complains of is traced back to the topology.

use std::io;

use super::input::Input;
use super::scratch::{Answer, Scratch};
use super::trace::Tracer;
use crate::Generated;
use crate::cli::{Exit, Streams, VerifyArgs};
use crate::diagnostic::nearest;
use crate::render::{self, Renderer, VerifyRule};
use crate::source::Source;
use crate::tree::BundlePath;

/// Runs the command.
pub fn run(args: &VerifyArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let renderers = render::embedded().map_err(io::Error::other)?;
    let names: Vec<&str> = renderers.iter().map(Renderer::name).collect();
    if let Some(name) = args.only.iter().find(|n| !names.contains(&n.as_str())) {
        let near = nearest(name, names.iter().copied());
        let help = near.map_or(format!("there are {}", names.join(", ")), |n| {
            format!("did you mean `{n}`?")
        });
        writeln!(streams.err, "error: no renderer is called `{name}`; {help}")?;
        return Ok(Exit::Usage);
    }
    let input = Input {
        path: &args.topology,
        place: ".".to_owned(),
        format: args.format,
        prints: false,
    };
    let (source, generated) = match input.generate_from(streams)? {
        Ok(made) => made,
        Err(exit) => return Ok(exit),
    };
    let asked = |r: &Renderer| args.only.is_empty() || args.only.iter().any(|n| n == r.name());
    let mut report = Report {
        source: &source,
        generated: &generated,
        streams,
        passed: 0,
        refused: 0,
        missing: 0,
    };
    for renderer in renderers.into_iter().filter(asked) {
        let rules = renderer
            .verifications(&generated.layout)
            .map_err(io::Error::other)?;
        let maker = [renderer];
        for rule in rules {
            let answer = Scratch::new(&generated)?.ask(&rule)?;
            report.add(&maker, &rule, answer)?;
        }
    }
    report.tell_extra()?;
    report.close()
}

/// What the tools said, while it is put together.
struct Report<'r, 's> {
    source: &'r Source,
    generated: &'r Generated,
    streams: &'r mut Streams<'s>,
    passed: usize,
    refused: usize,
    missing: usize,
}

impl Report<'_, '_> {
    fn add(&mut self, maker: &[Renderer; 1], rule: &VerifyRule, answer: Answer) -> io::Result<()> {
        let said = format!("{}: {}", maker[0].name(), rule.run.join(" "));
        match answer {
            Answer::Passed => {
                self.passed += 1;
                writeln!(self.streams.err, "passed     {said}")
            }
            Answer::NotAsked(reason) => {
                self.missing += 1;
                writeln!(self.streams.err, "not asked  {said}: {reason}")
            }
            Answer::Refused(lines) => {
                self.refused += 1;
                writeln!(self.streams.err, "refused    {said}")?;
                lines
                    .iter()
                    .try_for_each(|line| self.complaint(maker, line))
            }
        }
    }

    /// A line of a tool, and the lines of the topology that the place it names comes from.
    fn complaint(&mut self, maker: &[Renderer; 1], line: &str) -> io::Result<()> {
        writeln!(self.streams.err, "    {line}")?;
        let Some((path, number)) = place_in(line) else {
            return Ok(());
        };
        for origin in Tracer::new(self.source, ".", maker).origins(&path, number) {
            let name = self.source.name();
            writeln!(
                self.streams.err,
                "      comes from {name}:{}:{}: {}",
                origin.at.0, origin.at.1, origin.key
            )?;
        }
        Ok(())
    }

    /// Lines that nobody but the engine judges.
    fn tell_extra(&mut self) -> io::Result<()> {
        for proxy in &self.generated.layout.proxies {
            for line in proxy.raw_global.iter().chain(&proxy.raw_server) {
                writeln!(
                    self.streams.err,
                    "as written {}/{}: {line}",
                    proxy.engine, proxy.name
                )?;
            }
        }
        Ok(())
    }

    /// A tool that is missing or too old is reported; under `CI=true` it is a failure.
    fn close(self) -> io::Result<Exit> {
        let counts = (self.passed, self.refused, self.missing);
        writeln!(
            self.streams.err,
            "{} passed, {} refused, {} not asked",
            counts.0, counts.1, counts.2
        )?;
        let strict = std::env::var_os("CI").is_some_and(|v| v == "true");
        let fails = self.refused > 0 || (strict && self.missing > 0);
        Ok(if fails { Exit::Refused } else { Exit::Fine })
    }
}

/// The place of the bundle that a line names as `bundle/PATH:LINE`, in nginx's and systemd's way.
fn place_in(line: &str) -> Option<(BundlePath, usize)> {
    let (_, rest) = line.split_once("/bundle/")?;
    let (path, rest) = rest.split_once(':')?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((BundlePath::new(path)?, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_complaint_is_found() {
        let nginx =
            "nginx: [emerg] unknown directive \"gzipp\" in /bundle/nginx/edge/nginx.conf:42";
        let (path, line) = place_in(nginx).expect("names a place");
        assert_eq!((path.as_str(), line), ("nginx/edge/nginx.conf", 42));
        assert!(place_in("no such file").is_none());
    }
}
