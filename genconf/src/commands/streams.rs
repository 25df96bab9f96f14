//! Output streams: results on standard output, messages on standard error.

use std::io::{self, Write};

use super::exit::Exit;
use crate::diagnostic::human::Color;

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
}

impl Streams<'_> {
    /// Prints an error, and how to fix it.
    pub fn fail(&mut self, message: &str, help: &str) -> io::Result<Exit> {
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
            Verbosity::Normal | Verbosity::Verbose => writeln!(self.err, "{text}"),
        }
    }

    /// Prints a step, with `--verbose`.
    pub fn detail(&mut self, text: &str) -> io::Result<()> {
        match self.verbosity {
            Verbosity::Verbose => writeln!(self.err, "{text}"),
            Verbosity::Quiet | Verbosity::Normal => Ok(()),
        }
    }

    fn error(&mut self, message: &str, help: &str) -> io::Result<()> {
        writeln!(self.err, "error: {message}\nhelp: {help}")
    }
}
