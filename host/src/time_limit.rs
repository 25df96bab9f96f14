//! Programs that end after a time limit, by timeout(1): the project is locked while they run.

use std::ffi::OsStr;
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// Time between SIGTERM and SIGKILL.
const KILL_AFTER: &str = "--kill-after=5";
/// Exit status of timeout(1) after a program that it ended with SIGTERM.
const EXPIRED: i32 = 124;
/// The same with SIGKILL.
const KILLED: i32 = 128 + 9;

/// The time for which a program may run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TimeLimit(Duration);

impl TimeLimit {
    /// A limit in seconds.
    pub(crate) const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// A program with this limit.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("timeout");
        let seconds = self.0.as_secs_f64().to_string();
        command
            .args(["--foreground", KILL_AFTER])
            .arg(seconds)
            .arg(program);
        command
    }

    /// Why a program of [`Self::command`] ended, if it exceeded the limit.
    pub(crate) fn exceeded(self, status: ExitStatus) -> Option<String> {
        let is_exceeded = matches!(status.code(), Some(EXPIRED | KILLED));
        is_exceeded.then(|| format!("ended after {} s, its time limit", self.0.as_secs_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_end_exceeds_its_limit() {
        let limit = TimeLimit(Duration::from_millis(100));
        let status = limit.command("sleep").arg("60").status().unwrap();
        let reason = limit.exceeded(status).unwrap();
        assert_eq!(reason, "ended after 0.1 s, its time limit");
    }

    #[test]
    fn the_status_of_a_program_is_that_of_the_command() {
        let limit = TimeLimit::seconds(60);
        let status = limit.command("sh").args(["-c", "exit 3"]).status().unwrap();
        assert_eq!((status.code(), limit.exceeded(status)), (Some(3), None));
    }
}
