//! A load run in the lab's network while a test injects a fault.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::load::Report;
use crate::{Controller, Error, Result};

/// A running `lab load`. It continues until [`LoadRun::finish`]; dropping it kills the process.
#[derive(Debug)]
pub struct LoadRun {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl LoadRun {
    /// Starts load with `options` of `lab load` and returns once every connection has a response.
    ///
    /// `program` is the lab binary: `env!("CARGO_BIN_EXE_lab")` in tests.
    pub fn start(controller: &Controller, program: &str, options: &[&str]) -> Result<Self> {
        Self::start_with(controller.command(Path::new(program)), options)
    }

    /// As [`LoadRun::start`], with `command` as the command that runs the lab binary.
    pub fn start_with(mut command: Command, options: &[&str]) -> Result<Self> {
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
            .ok_or_else(|| invalid_output("there is none"))?;
        let mut run = Self {
            child,
            stdout: BufReader::new(stdout),
        };
        let mut line = String::new();
        run.stdout
            .read_line(&mut line)
            .map_err(Error::io("reading the load client's output"))?;
        match line.trim() {
            "ready" => Ok(run),
            other => Err(invalid_output(other)),
        }
    }

    /// Ends the load once it has sent its minimum of requests, and returns its report.
    pub fn finish(mut self) -> Result<Report> {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.stdout
            .read_to_string(&mut text)
            .map_err(Error::io("reading the load client's output"))?;
        let report: Report = serde_json::from_str(&text).map_err(|_| invalid_output(&text))?;
        if report.is_complete() {
            Ok(report)
        } else {
            Err(invalid_output(&format!(
                "requests are missing from the report: {text}"
            )))
        }
    }
}

impl Drop for LoadRun {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn invalid_output(text: &str) -> Error {
    Error::Invalid {
        what: "invalid output of the load client".to_owned(),
        text: text.to_owned(),
    }
}
