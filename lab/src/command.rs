//! Programs that are run to completion, with their captured output.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use crate::{Error, Result};

/// How many characters of a failed command's output an error contains.
const OUTPUT_LIMIT: usize = 4_000;

/// Exit code and output of a program that has exited.
#[derive(Debug, Clone)]
pub struct CommandOutput {
    /// The program and its arguments, joined by spaces.
    pub command_line: String,
    /// Exit code; `None` when a signal ended the program.
    pub code: Option<i32>,
    /// Standard output, with invalid UTF-8 replaced.
    pub stdout: String,
    /// Standard error, with invalid UTF-8 replaced.
    pub stderr: String,
}

impl CommandOutput {
    /// Standard output without surrounding whitespace, or an error unless the exit code is 0.
    pub fn success(self) -> Result<String> {
        if self.code == Some(0) {
            return Ok(self.stdout.trim().to_owned());
        }
        let status = self
            .code
            .map_or_else(|| "a signal".to_owned(), |code| format!("status {code}"));
        let output = tail(&format!("{}\n{}", self.stdout.trim(), self.stderr.trim()));
        Err(Error::Command {
            command_line: self.command_line,
            status,
            output,
        })
    }

    /// Standard output followed by standard error.
    #[must_use]
    pub fn output(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

/// Runs `command` to completion with an empty standard input and captures its output.
pub fn capture(command: &mut Command) -> Result<CommandOutput> {
    let command_line = command_line(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io(format!("starting `{command_line}`")))?;
    Ok(CommandOutput {
        command_line,
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs a command line whose arguments contain no spaces, and expects exit code 0.
pub fn run_line(line: &str) -> Result<String> {
    let mut arguments = line.split_whitespace();
    let program = arguments.next().unwrap_or_default();
    capture(Command::new(program).args(arguments))?.success()
}

fn command_line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        let _ = write!(line, " {}", argument.to_string_lossy());
    }
    line
}

fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(OUTPUT_LIMIT);
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
    fn an_error_contains_exit_status_and_output() {
        let error = capture(Command::new("sh").args(["-c", "echo lost; exit 3"]))
            .and_then(CommandOutput::success)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("status 3") && error.contains("lost"),
            "{error}"
        );
    }

    #[test]
    fn an_error_names_a_missing_program() {
        let error = run_line("no-such-program --at-all")
            .unwrap_err()
            .to_string();
        assert!(error.contains("no-such-program --at-all"), "{error}");
    }
}
