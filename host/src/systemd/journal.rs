//! Queries to the journal with journalctl(1).

use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

/// `SD_MESSAGE_UNIT_PROCESS_EXIT`, sd-messages(3).
const PROCESS_EXIT: &str = "98e322203f7a4ed290d09fe03c09fe15";

/// Limit for journalctl. What it reports is part of error messages, which must not wait for it for long.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The last log lines of one invocation of a unit: its own, and those of systemd about it.
pub(super) async fn log(unit: &str, invocation: &str, lines: usize) -> Vec<String> {
    let output = journalctl(&[
        "--output=cat",
        &format!("--lines={lines}"),
        &format!("_SYSTEMD_INVOCATION_ID={invocation}"),
        &format!("_SYSTEMD_UNIT={unit}"),
        "+",
        &format!("INVOCATION_ID={invocation}"),
        &format!("UNIT={unit}"),
    ])
    .await;
    text_lines(&output)
}

/// How the first run of a service that ended after `after_us` (`CLOCK_MONOTONIC`) ended, other than the run
/// `except`. From the journal: a unit that was restarted since does not have it.
pub(super) async fn exit_message(service: &str, after_us: u64, except: &str) -> Option<String> {
    // Without it, the latest messages may not be in the journal yet.
    journalctl(&["--sync"]).await;
    let entries = journalctl(&[
        "--output=json",
        "--boot",
        "_PID=1",
        &format!("UNIT={service}"),
        &format!("MESSAGE_ID={PROCESS_EXIT}"),
    ])
    .await;
    let message = first_message(&entries, after_us, except)?;
    let prefix = format!("{service}: ");
    Some(message.strip_prefix(&prefix).unwrap_or(&message).to_owned())
}

/// What journalctl prints; nothing if it fails.
async fn journalctl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("journalctl")
        .args(["--no-pager", "--quiet"])
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(TIMEOUT, output).await {
        Ok(Ok(output)) => output.stdout,
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

fn text_lines(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    text.lines().map(str::to_owned).collect()
}

/// An entry as journalctl prints it with `--output=json`.
#[derive(Deserialize)]
struct Entry {
    /// Microseconds on `CLOCK_MONOTONIC`, as text.
    #[serde(rename = "__MONOTONIC_TIMESTAMP")]
    at_us: String,
    #[serde(rename = "INVOCATION_ID")]
    invocation: Option<String>,
    #[serde(rename = "MESSAGE")]
    message: Option<Field>,
}

/// A field, which is printed as an array of bytes if it is not UTF-8.
#[derive(Deserialize)]
#[serde(untagged)]
enum Field {
    Text(String),
    Bytes(Vec<u8>),
}

/// The message of the first entry since `after_us` of another invocation than `except`.
fn first_message(output: &[u8], after_us: u64, except: &str) -> Option<String> {
    let lines = output.split(|byte| *byte == b'\n');
    let mut entries = lines.filter_map(|line| serde_json::from_slice::<Entry>(line).ok());
    let entry = entries.find(|entry| {
        let at_us: Option<u64> = entry.at_us.parse().ok();
        at_us.is_some_and(|at_us| at_us >= after_us) && entry.invocation.as_deref() != Some(except)
    })?;
    Some(match entry.message? {
        Field::Text(text) => text,
        Field::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at_us: u64, invocation: &str, message: &str) -> String {
        format!(
            r#"{{"__MONOTONIC_TIMESTAMP":"{at_us}","INVOCATION_ID":"{invocation}","MESSAGE":{message},"PRIORITY":"5"}}"#
        )
    }

    #[test]
    fn the_first_exit_since_a_time_is_found() {
        let entries = [
            entry(999, "a1", r#""before""#),
            entry(1000, "a2", r#""first""#),
            entry(1001, "a3", r#""second""#),
        ]
        .join("\n");
        let message = first_message(entries.as_bytes(), 1000, "");
        assert_eq!(message.as_deref(), Some("first"));
    }

    #[test]
    fn the_exit_of_the_excepted_run_is_skipped() {
        let entries = [entry(1, "a1", r#""old""#), entry(2, "a2", r#""new""#)].join("\n");
        let message = first_message(entries.as_bytes(), 0, "a1");
        assert_eq!(message.as_deref(), Some("new"));
    }

    #[test]
    fn without_an_exit_there_is_no_message() {
        let entries = entry(1, "a1", r#""old""#);
        assert_eq!(first_message(entries.as_bytes(), 2, ""), None);
        assert_eq!(first_message(b"", 0, ""), None);
    }

    #[test]
    fn a_message_that_is_not_text_is_shown() {
        let entries = entry(1, "a1", "[99,97,102,233]");
        let message = first_message(entries.as_bytes(), 0, "");
        assert_eq!(message.as_deref(), Some("caf\u{fffd}"));
    }

    #[test]
    fn a_log_line_that_is_not_text_is_shown() {
        assert_eq!(text_lines(b"caf\xe9\nb\n"), ["caf\u{fffd}", "b"]);
    }
}
