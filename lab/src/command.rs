//! Other programs, run to their end, with what they said.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use crate::{Error, Result};

/// How many characters of a failed command's talk an error repeats.
const SAID: usize = 4_000;

/// What a program that ended left behind.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The words of the command, joined by blanks.
    pub line: String,
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output, lossily decoded.
    pub stdout: String,
    /// Standard error, lossily decoded.
    pub stderr: String,
}

impl Finished {
    /// Standard output without blanks around it, or the failure as an error.
    pub fn success(self) -> Result<String> {
        if self.code == Some(0) {
            return Ok(self.stdout.trim().to_owned());
        }
        let status = self
            .code
            .map_or_else(|| "a signal".to_owned(), |code| format!("status {code}"));
        let said = tail(&format!("{}\n{}", self.stdout.trim(), self.stderr.trim()));
        Err(Error::Command {
            line: self.line,
            status,
            said,
        })
    }

    /// Both streams one after the other, for checks on what was said.
    #[must_use]
    pub fn said(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

/// Runs `command` to its end without a terminal on standard input.
pub fn finish(command: &mut Command) -> Result<Finished> {
    let line = line(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io(format!("starting `{line}`")))?;
    Ok(Finished {
        line,
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs the words of `line`, which hold no blanks themselves, and expects status 0.
pub fn words(line: &str) -> Result<String> {
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default();
    finish(Command::new(program).args(words))?.success()
}

fn line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for word in command.get_args() {
        let _ = write!(line, " {}", word.to_string_lossy());
    }
    line
}

fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(SAID);
    text.chars()
        .skip(skip)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_tells_its_status_and_its_last_words() {
        let error = finish(Command::new("sh").args(["-c", "echo lost; exit 3"]))
            .and_then(Finished::success)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("status 3") && error.contains("lost"),
            "{error}"
        );
    }

    #[test]
    fn a_command_that_does_not_exist_is_named() {
        let error = words("no-such-program --at-all").unwrap_err().to_string();
        assert!(error.contains("no-such-program --at-all"), "{error}");
    }
}
