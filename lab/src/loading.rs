//! A load run in the lab's network while a test breaks something.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::load::Report;
use crate::{Controller, Error, Result};

/// A running `lab load`. It goes on until [`Loading::finish`]; dropping it kills it.
#[derive(Debug)]
pub struct Loading {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Loading {
    /// Starts load with `options` of `lab load` and returns once it flows.
    ///
    /// `program` is the lab binary; tests have it as `env!("CARGO_BIN_EXE_lab")`.
    pub fn start(controller: &Controller, program: &str, options: &[&str]) -> Result<Self> {
        Self::by(controller.command(Path::new(program)), options)
    }

    /// The same by a command that runs the lab binary.
    pub fn by(mut command: Command, options: &[&str]) -> Result<Self> {
        let mut child = command
            .args(["load", "--hold"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Error::io("starting the load client"))?;
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| silent("it has no output"))?;
        let mut loading = Self {
            child,
            answers: BufReader::new(stdout),
        };
        let mut line = String::new();
        loading
            .answers
            .read_line(&mut line)
            .map_err(Error::io("reading the load client"))?;
        match line.trim() {
            "flowing" => Ok(loading),
            other => Err(silent(other)),
        }
    }

    /// Lets the load reach its count and gives its report.
    pub fn finish(mut self) -> Result<Report> {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.answers
            .read_to_string(&mut text)
            .map_err(Error::io("reading the load client"))?;
        let report: Report = serde_json::from_str(&text).map_err(|_| silent(&text))?;
        if report.is_accounted() {
            Ok(report)
        } else {
            Err(silent(&format!(
                "requests are missing from the account: {text}"
            )))
        }
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn silent(text: &str) -> Error {
    Error::Unreadable {
        what: "the load client's report".to_owned(),
        text: text.to_owned(),
    }
}
