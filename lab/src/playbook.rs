//! The result of a run of ansible-playbook.

use crate::command::CommandOutput;
use crate::{Error, Result};

/// A finished run of a playbook.
#[derive(Debug, Clone)]
pub struct PlaybookRun {
    output: CommandOutput,
}

impl PlaybookRun {
    /// Wraps the output of ansible-playbook.
    #[must_use]
    pub fn new(output: CommandOutput) -> Self {
        Self { output }
    }

    /// Exit code; `None` when a signal ended the run.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.output.code
    }

    /// Standard output followed by standard error.
    #[must_use]
    pub fn output(&self) -> String {
        self.output.output()
    }

    /// The run itself, or an error unless the exit code is 0.
    pub fn success(self) -> Result<Self> {
        self.output.clone().success()?;
        Ok(self)
    }

    /// A counter of `host` in the recap, such as `changed`.
    pub fn count(&self, host: &str, counter: &str) -> Result<u32> {
        self.output
            .stdout
            .lines()
            .filter(|line| line.split_whitespace().next() == Some(host))
            .find_map(|line| {
                line.split_whitespace()
                    .find_map(|field| field.strip_prefix(counter)?.strip_prefix('='))
                    .and_then(|number| number.parse().ok())
            })
            .ok_or_else(|| Error::Invalid {
                what: format!("no `{counter}` of {host} in the recap"),
                text: self.output(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_from_the_recap() {
        let run = PlaybookRun::new(CommandOutput {
            command_line: String::new(),
            code: Some(0),
            stdout: "PLAY RECAP ***\nnode1   : ok=14   changed=2    unreachable=0    failed=0\n"
                .into(),
            stderr: String::new(),
        });
        assert_eq!(run.count("node1", "changed").unwrap(), 2);
        assert_eq!(run.count("node1", "unreachable").unwrap(), 0);
        assert!(run.count("node2", "changed").is_err());
    }
}
