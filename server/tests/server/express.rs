//! The Express app of docs/socket-activation.md, run with Node.js.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::Signal;

use super::paced::{Pace, Paced};
use super::process::{Process, with_socket};

/// The documented app.
const APP: &str = include_str!("../../../docs/examples/express-socket.js");

/// The page that contains it.
const PAGE: &str = include_str!("../../../docs/socket-activation.md");

/// The version of Express that the test runs.
const EXPRESS: &str = "express@5.3.0";

const PACE: Pace = Pace {
    clients: 32,
    max_pause: 60,
};

/// Returns a directory in which Node.js finds Express, or the error of the installation.
fn directory() -> Result<&'static Path, &'static str> {
    static DIRECTORY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(install);
    directory.as_deref().map_err(String::as_str)
}

fn install() -> Result<PathBuf, String> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("express");
    run(Command::new("node").arg("--version"))?;
    if directory.join("installed").exists() {
        return Ok(directory);
    }
    fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    fs::write(directory.join("package.json"), "{ \"private\": true }\n").expect("a file");
    let options = ["install", "--silent", "--no-audit", "--no-fund", EXPRESS];
    run(Command::new("npm").args(options).current_dir(&directory))?;
    fs::write(directory.join("installed"), EXPRESS).expect("a file");
    Ok(directory)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    let reason = || {
        format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )
    };
    output.status.success().then_some(()).ok_or_else(reason)
}

/// Returns the directory, or `None` if the test is skipped. With `CI=true`, skipping is a failure.
fn directory_or_skip() -> Option<&'static Path> {
    match directory() {
        Ok(directory) => Some(directory),
        Err(reason) => {
            let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!is_ci, "Express is not available: {reason}");
            eprintln!("skipped: Express is not available: {reason}");
            None
        }
    }
}

/// Restarts an app on one listening socket under POST requests on keepalive
/// connections, until the first failure. In each restart for which `stalled` is
/// true, the client sends and closes nothing for 600 ms.
fn failures(app: &Path, stalled: impl IntoIterator<Item = bool>) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let program = format!("node {}", app.display());
    let start = || Process::spawn(&mut with_socket(&listener, &program));
    let mut process = start();
    let load = Paced::start(address, "/", PACE);
    let mut restarts = 0;
    for is_stalled in stalled {
        // The first responses show that the new process is running.
        load.wait_for_responses(PACE.clients);
        if is_stalled {
            load.stall(Duration::from_millis(600), || process.signal(Signal::TERM));
        } else {
            process.signal(Signal::TERM);
        }
        assert!(process.wait().success());
        process = start();
        restarts += 1;
        if load.failed() > 0 {
            break;
        }
    }
    load.wait_for_responses(1);
    let (answered, failures) = load.finish();
    eprintln!("Express: {restarts} restarts, {answered} POST answered, failed: {failures:?}");
    failures
}

#[test]
fn documented_express_app_drops_no_request() {
    let Some(directory) = directory_or_skip() else {
        return;
    };
    let app = directory.join("app.js");
    fs::write(&app, APP).expect("a file");
    let stalled = (0..20).map(|restart| restart % 7 == 0);
    assert_eq!(failures(&app, stalled), [""; 0]);
}

/// The negative control of the test above.
#[test]
fn express_app_without_the_grace_drops_posts() {
    let Some(directory) = directory_or_skip() else {
        return;
    };
    let without_grace = APP.replace("GRACE = 2_000", "GRACE = 0");
    assert_ne!(without_grace, APP);
    let app = directory.join("without-grace.js");
    fs::write(&app, without_grace).expect("a file");
    assert!(!failures(&app, [true; 5]).is_empty());
}

#[test]
fn documentation_contains_the_tested_app() {
    assert!(PAGE.contains(&format!("```js\n{APP}```\n")));
}
