//! Finding processes by an argument of their command line, and killing them.

use std::fs;
use std::time::Duration;

use crate::wait::{self, Poll};
use crate::{Result, command};

/// How long a killed process may take to exit.
const EXIT_TIMEOUT: Duration = Duration::from_secs(20);

/// IDs of the processes with exactly this argument, lowest first.
#[must_use]
pub fn with_argument(argument: &str) -> Vec<u32> {
    let mut found: Vec<u32> = ids()
        .filter(|id| {
            fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| {
                line.split(|byte| *byte == 0)
                    .any(|own| own == argument.as_bytes())
            })
        })
        .collect();
    found.sort_unstable();
    found
}

/// The child of `parent` that has process ID 1 in its own PID namespace.
#[must_use]
pub fn leader_below(parent: u32) -> Option<u32> {
    children(parent).into_iter().find(|child| {
        fs::read_to_string(format!("/proc/{child}/status")).is_ok_and(|status| {
            status
                .lines()
                .find_map(|line| line.strip_prefix("NSpid:"))
                .is_some_and(|numbers| {
                    let numbers: Vec<&str> = numbers.split_whitespace().collect();
                    numbers.len() > 1 && numbers.last() == Some(&"1")
                })
        })
    })
}

/// Kills the processes `ids` and waits until all have exited.
pub fn kill(ids: &[u32]) -> Result<()> {
    for id in ids {
        // Fails for a process that has already exited, which is not an error.
        let _ = command::run_line(&format!("kill -KILL {id}"));
    }
    wait::until("all killed", EXIT_TIMEOUT, || {
        match ids.iter().find(|id| is_alive(**id)) {
            Some(id) => Poll::Pending(format!("process {id} is running")),
            None => Poll::Ready(()),
        }
    })?;
    Ok(())
}

fn ids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn children(parent: u32) -> Vec<u32> {
    fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect()
}

/// Whether a process is running; a zombie is not.
fn is_alive(id: u32) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").starts_with(" Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_by_its_argument_and_killed() {
        let mark = format!("--mark={}", std::process::id());
        let mut child = std::process::Command::new("sh")
            .args(["-c", "read never", &mark])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        wait::until("started", EXIT_TIMEOUT, || {
            if with_argument(&mark) == [child.id()] {
                Poll::Ready(())
            } else {
                Poll::Pending(String::new())
            }
        })
        .unwrap();
        kill(&[child.id()]).unwrap();
        assert!(!child.wait().unwrap().success());
    }
}
