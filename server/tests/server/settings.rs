//! Flags, environment and `.env`, from outside.

use std::fs;

use super::client::get;
use super::process::{Process, command};

#[test]
fn wrong_values_name_their_sources() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join(".env"),
        "\n# lines count\nRANDOMS_DRAIN=soon\n",
    )
    .expect("a file");
    let output = command(&["--port", "80a"])
        .env("RANDOMS_MODE", "forked")
        .current_dir(&folder)
        .output()
        .expect("output");
    assert_eq!(output.status.code(), Some(64));
    assert!(output.stdout.is_empty());
    let told = String::from_utf8_lossy(&output.stderr);
    for text in [
        "flag --port: `80a`: expected a number from 0 to 65535",
        "environment variable RANDOMS_MODE: `forked`: expected fork or cluster",
        ".env line 3 (RANDOMS_DRAIN): `soon`: expected a time",
    ] {
        assert!(told.contains(text), "{text}\n{told}");
    }
}

#[test]
fn dotenv_of_the_working_directory_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = "RANDOMS_LISTEN=127.0.0.1:0\nRANDOMS_MODE=Cluster\nRANDOMS_WORKERS=2\n";
    fs::write(folder.path().join(".env"), file).expect("a file");
    let process = Process::spawn(command(&[]).current_dir(&folder));
    assert_eq!(get(process.address(), "/info").json()["workers"], 2);
    let mut over = command(&[]);
    let over = over.current_dir(&folder).env("RANDOMS_MODE", "fork");
    let process = Process::spawn(over);
    assert_eq!(get(process.address(), "/info").json()["workers"], 1);
}

#[test]
fn unknown_flag_is_a_usage_error() {
    let output = command(&["--prot", "1"]).output().expect("output");
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--port"));
}

#[test]
fn help_and_version_are_answers() {
    for flag in ["--help", "--version"] {
        let output = command(&[flag]).output().expect("output");
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("randoms"));
    }
}

#[test]
fn port_in_use_is_told() {
    let process = Process::start(&[]);
    let address = process.address().to_string();
    let output = command(&["--listen", &address]).output().expect("output");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains(&address) && told.contains("in use"), "{told}");
}
