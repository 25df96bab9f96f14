//! The Express app of docs/socket-activation.md, run as a real process.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::Signal;

use super::paced::{Pace, Paced};
use super::process::{Process, with_socket};

/// The app as it is documented.
const APP: &str = include_str!("../../../docs/examples/express-socket.js");

/// The page that documents it.
const PAGE: &str = include_str!("../../../docs/socket-activation.md");

/// The version of Express that the test runs.
const EXPRESS: &str = "express@5.3.0";

const PACE: Pace = Pace {
    clients: 32,
    longest_pause: 60,
};

/// A folder in which Node.js finds Express, or why there is none.
fn folder() -> Result<&'static Path, &'static str> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(install);
    folder.as_deref().map_err(String::as_str)
}

fn install() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("express");
    run(Command::new("node").arg("--version"))?;
    if folder.join("installed").exists() {
        return Ok(folder);
    }
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    fs::write(folder.join("package.json"), "{ \"private\": true }\n").expect("a file");
    let options = ["install", "--silent", "--no-audit", "--no-fund", EXPRESS];
    run(Command::new("npm").args(options).current_dir(&folder))?;
    fs::write(folder.join("installed"), EXPRESS).expect("a file");
    Ok(folder)
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

/// The folder, or `None` where the test is skipped. With `CI=true` it must not be.
fn folder_or_skip() -> Option<&'static Path> {
    match folder() {
        Ok(folder) => Some(folder),
        Err(reason) => {
            let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!is_ci, "Express is not available: {reason}");
            eprintln!("skipped: Express is not available: {reason}");
            None
        }
    }
}

/// Writes an app and restarts it on one listening socket, under POST requests
/// on keepalive connections. In each restart that is `held`, the client neither
/// sends nor closes anything for 600 ms. Ends with the first failure.
fn failures(app: &Path, held: impl IntoIterator<Item = bool>) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let program = format!("node {}", app.display());
    let start = || Process::spawn(&mut with_socket(&listener, &program));
    let mut process = start();
    let load = Paced::start(address, "/", PACE);
    let mut restarts = 0;
    for is_held in held {
        // The first answers show that the new process runs.
        load.go_on(PACE.clients);
        if is_held {
            load.hold(Duration::from_millis(600), || process.signal(Signal::TERM));
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
    load.go_on(1);
    let (answered, failures) = load.finish();
    eprintln!("Express: {restarts} restarts, {answered} POST answered, failed: {failures:?}");
    failures
}

#[test]
fn express_app_of_the_documentation_loses_nothing() {
    let Some(folder) = folder_or_skip() else {
        return;
    };
    let app = folder.join("app.js");
    fs::write(&app, APP).expect("a file");
    let held = (0..20).map(|restart| restart % 7 == 0);
    assert_eq!(failures(&app, held), [""; 0]);
}

/// The control of the test above.
#[test]
fn express_app_without_the_grace_loses_posts() {
    let Some(folder) = folder_or_skip() else {
        return;
    };
    let hasty = APP.replace("GRACE = 2_000", "GRACE = 0");
    assert_ne!(hasty, APP);
    let app = folder.join("hasty.js");
    fs::write(&app, hasty).expect("a file");
    assert!(!failures(&app, [true; 5]).is_empty());
}

#[test]
fn documentation_shows_the_app_that_is_tested() {
    assert!(PAGE.contains(&format!("```js\n{APP}```\n")));
}
