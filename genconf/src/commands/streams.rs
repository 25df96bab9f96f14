//! Output streams: results on standard output, messages on standard error.

use std::io::{self, Write};

use serde_json::Value;

use super::exit::Exit;
use super::options::Format;
use crate::diagnostic::human::Color;
use crate::diagnostic::json;
use crate::import::escape_controls;

/// How much is printed on standard error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verbosity {
    /// Errors and warnings.
    Quiet,
    /// Also a summary of what was done.
    Normal,
    /// Also each step.
    Verbose,
}

/// The streams of a run.
pub struct Streams<'s> {
    /// Results.
    pub out: &'s mut dyn Write,
    /// Messages.
    pub err: &'s mut dyn Write,
    /// Whether results are colored.
    pub out_color: Color,
    /// Whether messages are colored.
    pub err_color: Color,
    /// How many messages are printed.
    pub verbosity: Verbosity,
    /// Format of errors.
    pub format: Format,
}

impl Streams<'_> {
    /// Prints an error, and how to fix it. With `--output json` it is the one document on standard
    /// output, in the form of a diagnostic.
    pub fn fail(&mut self, message: &str, help: &str) -> io::Result<Exit> {
        if self.format == Format::Json {
            let errors = Value::Array(vec![json::error("error", None, message, help)]);
            writeln!(self.out, "{errors:#}")?;
        } else {
            self.error(message, help)?;
        }
        Ok(Exit::Failure)
    }

    /// Prints an error after a result, and how to fix it.
    pub fn fail_after_result(&mut self, message: &str, help: &str) -> io::Result<Exit> {
        self.error(message, help)?;
        Ok(Exit::Failure)
    }

    /// Prints an invalid use of the command line, and a valid one.
    pub fn reject_usage(&mut self, message: &str, help: &str) -> io::Result<Exit> {
        self.error(message, help)?;
        Ok(Exit::Usage)
    }

    /// Prints a summary, unless `--quiet`.
    pub fn note(&mut self, text: &str) -> io::Result<()> {
        match self.verbosity {
            Verbosity::Quiet => Ok(()),
            Verbosity::Normal | Verbosity::Verbose => writeln!(self.err, "{}", printable(text)),
        }
    }

    /// Prints a step, with `--verbose`.
    pub fn detail(&mut self, text: &str) -> io::Result<()> {
        match self.verbosity {
            Verbosity::Verbose => writeln!(self.err, "{}", printable(text)),
            Verbosity::Quiet | Verbosity::Normal => Ok(()),
        }
    }

    fn error(&mut self, message: &str, help: &str) -> io::Result<()> {
        let (message, help) = (printable(message), printable(help));
        writeln!(self.err, "error: {message}\nhelp: {help}")
    }
}

/// `text` with its line ends, and escapes for other control characters: no file or host can send
/// escape sequences to the terminal.
pub(super) fn printable(text: &str) -> String {
    let lines = text.split('\n').map(escape_controls);
    lines.collect::<Vec<_>>().join("\n")
}

/// Standard error whose reader may be gone: a lost message is not an error.
pub struct Messages<W>(pub W);

impl<W: Write> Write for Messages<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            result => result,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable("a\u{1b}[31m\u{9b}b\n"), "a\\u001b[31m\\u009bb\n");
    }
}
