//! The topology a command is given, and what it comes to.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::cli::{Exit, Format, Streams};
use crate::diagnostic::{Diagnostics, human, json, line};
use crate::source::{BYTE_BUDGET, Source};
use crate::{Error, Generated, render};

/// A topology as the command line names it.
pub(super) struct Input<'a> {
    /// Its path; `-` is standard input.
    pub(super) path: &'a Path,
    /// Folder of the topology as seen from the bundle's.
    pub(super) place: String,
    /// How faults are told.
    pub(super) format: Format,
    /// Whether the command has data of its own to print, once nothing refuses the topology.
    pub(super) prints: bool,
}

impl Input<'_> {
    /// Generates, and tells every fault. `Err` is how the run ends when there is nothing.
    pub(super) fn generate(
        &self,
        streams: &mut Streams<'_>,
    ) -> io::Result<Result<Generated, Exit>> {
        Ok(self.generate_from(streams)?.map(|(_, generated)| generated))
    }

    /// The same, with the source it came from.
    pub(super) fn generate_from(
        &self,
        streams: &mut Streams<'_>,
    ) -> io::Result<Result<(Source, Generated), Exit>> {
        let source = match self.read() {
            Ok(source) => source,
            Err(error) => {
                writeln!(
                    streams.err,
                    "error: cannot read {}: {error}",
                    self.path.display()
                )?;
                return Ok(Err(Exit::Fault));
            }
        };
        let mut faults = Diagnostics::default();
        let made = render::embedded()
            .map_err(Error::Render)
            .and_then(|r| crate::generate(&source, &self.place, &r, &mut faults));
        self.tell(&faults, &source, streams)?;
        match made {
            Ok(generated) => Ok(Ok((source, generated))),
            Err(Error::Invalid) => Ok(Err(Exit::Fault)),
            Err(Error::Render(fault)) => {
                writeln!(
                    streams.err,
                    "genconf has a bug: {fault}\nNothing was written."
                )?;
                Ok(Err(Exit::Bug))
            }
        }
    }

    fn read(&self) -> io::Result<Source> {
        let mut bytes = Vec::new();
        // One byte beyond what is read at most is enough to refuse it.
        let most = BYTE_BUDGET as u64 + 1;
        if self.path == Path::new("-") {
            io::stdin().lock().take(most).read_to_end(&mut bytes)?;
        } else {
            std::fs::File::open(self.path)?
                .take(most)
                .read_to_end(&mut bytes)?;
        }
        let text = String::from_utf8(bytes).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            let said = format!(
                "it is not UTF-8 text; byte {} is the first that is not",
                at + 1
            );
            io::Error::new(io::ErrorKind::InvalidData, said)
        })?;
        Ok(Source::new(self.path.display().to_string(), text))
    }

    /// Faults are talk for people and data for programs. What a program reads is one document:
    /// data that follows has standard output for itself, and warnings beside it are talk.
    fn tell(
        &self,
        faults: &Diagnostics,
        source: &Source,
        streams: &mut Streams<'_>,
    ) -> io::Result<()> {
        let data_follows = self.prints && !faults.has_errors();
        let (stream, text) = match self.format {
            Format::Human => {
                let text = human::render(faults, source, streams.err_colour);
                (&mut streams.err, text)
            }
            Format::Line => (&mut streams.err, line::render(faults, source)),
            Format::Json if data_follows && faults.sorted().is_empty() => return Ok(()),
            Format::Json if data_follows => (&mut streams.err, json::render(faults, source)),
            Format::Json => (&mut streams.out, json::render(faults, source)),
        };
        stream.write_all(text.as_bytes())
    }
}

/// The folder a topology's bundle goes to when none is named.
pub(super) fn own_folder(topology: &Path) -> PathBuf {
    match topology.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The way from the folder `from` to the folder `to`, by names alone when one
/// of them does not exist yet.
pub(super) fn way(from: &Path, to: &Path) -> io::Result<String> {
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

/// Links resolved as far as the path exists, for `..` to mean what it says.
pub(super) fn absolute(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    for ancestor in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), path.strip_prefix(ancestor)) {
            return Ok(real.join(rest));
        }
    }
    Ok(path)
}
