//! What a run of ansible-playbook told.

use crate::command::Finished;
use crate::{Error, Result};

/// A finished run of a playbook.
#[derive(Debug, Clone)]
pub struct Play {
    finished: Finished,
}

impl Play {
    /// Wraps what ansible-playbook left.
    #[must_use]
    pub fn new(finished: Finished) -> Self {
        Self { finished }
    }

    /// Its exit code; `None` when a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.finished.code
    }

    /// Everything it said.
    #[must_use]
    pub fn said(&self) -> String {
        self.finished.said()
    }

    /// Itself when it ended with 0, otherwise what it said.
    pub fn success(self) -> Result<Self> {
        self.finished.clone().success()?;
        Ok(self)
    }

    /// A count of the recap, such as `changed`, for `host`.
    pub fn count(&self, host: &str, word: &str) -> Result<u32> {
        self.finished
            .stdout
            .lines()
            .filter(|line| line.split_whitespace().next() == Some(host))
            .find_map(|line| {
                line.split_whitespace()
                    .find_map(|field| field.strip_prefix(word)?.strip_prefix('='))
                    .and_then(|number| number.parse().ok())
            })
            .ok_or_else(|| Error::Unreadable {
                what: format!("the recap of {host}"),
                text: self.finished.said(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recap_is_read() {
        let play = Play::new(Finished {
            line: String::new(),
            code: Some(0),
            stdout: "PLAY RECAP ***\nnode1   : ok=14   changed=2    unreachable=0    failed=0\n"
                .into(),
            stderr: String::new(),
        });
        assert_eq!(play.count("node1", "changed").unwrap(), 2);
        assert_eq!(play.count("node1", "unreachable").unwrap(), 0);
        assert!(play.count("node2", "changed").is_err());
    }
}
