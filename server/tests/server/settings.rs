//! Flags, environment variables, and `.env`.

use std::fs;

use super::client::get;
use super::process::{Process, command};

#[test]
fn errors_name_the_source_of_a_value() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(
        directory.path().join(".env"),
        "\n# lines count\nRANDOMS_DRAIN=soon\n",
    )
    .expect("a file");
    let output = command(&["--port", "80a"])
        .env("RANDOMS_MODE", "forked")
        .current_dir(&directory)
        .output()
        .expect("output");
    assert_eq!(output.status.code(), Some(64));
    assert!(output.stdout.is_empty());
    let stderr = String::from_utf8_lossy(&output.stderr);
    for text in [
        "flag --port: expected a number from 0 to 65535, found `80a`",
        "environment variable RANDOMS_MODE: expected fork or cluster, found `forked`",
        ".env line 3 (RANDOMS_DRAIN): expected a time span such as 150ms, 10s, or 2m, found `soon`",
    ] {
        assert!(stderr.contains(text), "{text}\n{stderr}");
    }
}

#[test]
fn dotenv_in_the_working_directory_is_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = "RANDOMS_LISTEN=127.0.0.1:0\nRANDOMS_MODE=Cluster\nRANDOMS_WORKERS=2\n";
    fs::write(directory.path().join(".env"), file).expect("a file");
    let process = Process::spawn(command(&[]).current_dir(&directory));
    assert_eq!(get(process.address(), "/info").json()["workers"], 2);
    let mut start = command(&[]);
    let start = start.current_dir(&directory).env("RANDOMS_MODE", "fork");
    let process = Process::spawn(start);
    assert_eq!(get(process.address(), "/info").json()["workers"], 1);
}

#[test]
fn unknown_flag_is_a_usage_error() {
    let output = command(&["--prot", "1"]).output().expect("output");
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--port"));
}

#[test]
fn help_and_version_succeed() {
    for flag in ["--help", "--version"] {
        let output = command(&[flag]).output().expect("output");
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("randoms"));
    }
}

#[test]
fn port_in_use_is_reported() {
    let process = Process::start(&[]);
    let address = process.address().to_string();
    let output = command(&["--listen", &address]).output().expect("output");
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        stderr.contains(&address) && stderr.contains("in use"),
        "{stderr}"
    );
}
