//! The topology of a command, and what is generated from it.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::options::{
    Format, GlobalArgs, NOT_FOUND, NOT_FOUND_HELP, OutDirArg, TopologyArg, default_out_dir,
};
use super::streams::Streams;
use crate::diagnostic::{Diagnostics, human, json, line};
use crate::source::{BYTE_BUDGET, Source};
use crate::{Error, Generated, render};

/// The result that a command prints on standard output, in addition to diagnostics.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Results {
    /// Nothing: with `--output json`, standard output is the array of diagnostics.
    None,
    /// A result, once the topology is valid: diagnostics then go to standard error.
    Follow,
    /// As [`Results::None`], but the command prints the JSON of a valid topology itself.
    WithDiagnostics,
}

/// The topology of a command, and the directory of its rendered files.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// Path of the topology; `-` is standard input.
    pub(super) path: PathBuf,
    /// Output directory.
    pub(super) out_dir: PathBuf,
    /// Format of diagnostics.
    format: Format,
}

impl Input {
    /// What the command line names. `Err` is the end of the run: there is no topology.
    pub(super) fn new(
        global: &GlobalArgs,
        topology: Option<&TopologyArg>,
        out_dir: Option<&OutDirArg>,
        streams: &mut Streams<'_>,
    ) -> io::Result<Result<Self, Exit>> {
        let Some(path) = global.topology(topology) else {
            return Ok(Err(streams.fail(NOT_FOUND, NOT_FOUND_HELP)?));
        };
        let named = out_dir.and_then(|argument| argument.out_dir.clone());
        Ok(Ok(Self {
            out_dir: named.unwrap_or_else(|| default_out_dir(&path)),
            path,
            format: global.output,
        }))
    }

    /// File name of the topology; empty for standard input.
    pub(super) fn file_name(&self) -> String {
        let name = self
            .path
            .file_name()
            .filter(|_| self.path != Path::new("-"));
        name.unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Path from the output directory to the directory of the topology.
    pub(super) fn topology_dir(&self) -> io::Result<String> {
        relative(&self.out_dir, &default_out_dir(&self.path))
    }

    /// Generates the files, and prints all diagnostics. `Err` is the end of the run.
    pub(super) fn generate(
        &self,
        results: Results,
        streams: &mut Streams<'_>,
    ) -> io::Result<Result<Generation, Exit>> {
        let source = match self.read() {
            Ok(source) => source,
            Err(error) => {
                let message = format!("cannot read {}: {error}", self.path.display());
                let help = match error.kind() {
                    io::ErrorKind::InvalidData => "save the file as UTF-8",
                    _ => NOT_FOUND_HELP,
                };
                return Ok(Err(streams.fail(&message, help)?));
            }
        };
        let topology_dir = self.topology_dir()?;
        let mut diagnostics = Diagnostics::default();
        let made = render::embedded()
            .map_err(Error::Render)
            .and_then(|r| crate::generate(&source, &topology_dir, &r, &mut diagnostics));
        self.print((&diagnostics, &source), results, streams)?;
        match made {
            Ok(generated) => Ok(Ok(Generation {
                source,
                generated,
                diagnostics,
            })),
            Err(Error::Invalid) => Ok(Err(Exit::Failure)),
            Err(Error::Render(error)) => {
                writeln!(streams.err, "bug: {error}\nnote: no file was written")?;
                Ok(Err(Exit::Bug))
            }
        }
    }

    fn read(&self) -> io::Result<Source> {
        let mut bytes = Vec::new();
        // One byte more than the limit is enough for the parser to reject it.
        let limit = BYTE_BUDGET as u64 + 1;
        if self.path == Path::new("-") {
            io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
        } else {
            std::fs::File::open(&self.path)?
                .take(limit)
                .read_to_end(&mut bytes)?;
        }
        let text = String::from_utf8(bytes).map_err(|e| {
            let byte = e.utf8_error().valid_up_to() + 1;
            let message = format!("expected UTF-8 text, found another encoding at byte {byte}");
            io::Error::new(io::ErrorKind::InvalidData, message)
        })?;
        Ok(Source::new(self.path.display().to_string(), text))
    }

    /// With `--output json`, standard output holds one document: the diagnostics, or the result.
    fn print(
        &self,
        (diagnostics, source): (&Diagnostics, &Source),
        results: Results,
        streams: &mut Streams<'_>,
    ) -> io::Result<()> {
        let valid = !diagnostics.has_errors();
        let result_follows = results == Results::Follow && valid;
        let (stream, text) = match self.format {
            Format::Human => {
                let text = human::render(diagnostics, source, streams.err_color);
                (&mut streams.err, text)
            }
            Format::Line => (&mut streams.err, line::render(diagnostics, source)),
            Format::Json if results == Results::WithDiagnostics && valid => return Ok(()),
            Format::Json if result_follows && diagnostics.sorted().is_empty() => return Ok(()),
            Format::Json if result_follows => (&mut streams.err, json::render(diagnostics, source)),
            Format::Json => (&mut streams.out, json::render(diagnostics, source)),
        };
        // C1 control characters of the topology's text are commands to some terminals.
        let text = text.replace(|c| ('\u{80}'..='\u{9f}').contains(&c), "\u{fffd}");
        stream.write_all(text.as_bytes())
    }
}

/// A valid topology, and the files that come of it.
pub(super) struct Generation {
    /// The text of the topology.
    pub(super) source: Source,
    /// Model and files.
    pub(super) generated: Generated,
    /// Warnings.
    pub(super) diagnostics: Diagnostics,
}

/// The relative path from the directory `from` to the directory `to`. Links are resolved where both exist.
pub(super) fn relative(from: &Path, to: &Path) -> io::Result<String> {
    let (from, to) = (absolute(from)?, absolute(to)?);
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = from.components().skip(shared).map(|_| "..".into());
    let down = to
        .components()
        .skip(shared)
        .map(|c| c.as_os_str().to_owned());
    let steps: PathBuf = up.chain(down).collect();
    let text = steps
        .to_str()
        .ok_or_else(|| io::Error::other("the path is not UTF-8"))?;
    Ok(if text.is_empty() {
        ".".to_owned()
    } else {
        text.to_owned()
    })
}

/// The absolute path, with links resolved as far as it exists.
pub(super) fn absolute(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    for ancestor in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), path.strip_prefix(ancestor)) {
            return Ok(real.join(rest));
        }
    }
    Ok(path)
}
