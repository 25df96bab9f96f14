//! The applications behind the proxies: installation and start.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lab::{command, digest};

use crate::failure::{CheckResult, Context as _};

/// An HTTP server that listens on `PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// `express.js`.
    Express,
    /// `socketio.js`.
    SocketIo,
    /// `ws.js`.
    Ws,
    /// `shop.py` with gunicorn.
    Django,
    /// `h2c.py` with hypercorn.
    Hypercorn,
    /// No program: the port is closed.
    NotRunning,
}

const SOURCES: [(&str, &str); 8] = [
    ("package.json", include_str!("apps/package.json")),
    ("express.js", include_str!("apps/express.js")),
    ("socketio.js", include_str!("apps/socketio.js")),
    (
        "socketio-client.js",
        include_str!("apps/socketio-client.js"),
    ),
    ("ws.js", include_str!("apps/ws.js")),
    ("ws-client.js", include_str!("apps/ws-client.js")),
    ("shop.py", include_str!("apps/shop.py")),
    ("h2c.py", include_str!("apps/h2c.py")),
];

/// Debian's Python, which finds Debian's packages.
const PYTHON: &str = "/usr/bin/python3";

/// Node limits headers to 16 KiB by default.
const NODE: [&str; 2] = ["node", "--max-http-header-size=131072"];

impl Program {
    /// The command that starts an instance on `port`.
    pub(crate) fn command(self, port: u16) -> Option<Command> {
        let address = format!("127.0.0.1:{port}");
        let node = |script| command(&[&NODE[..], &[script]].concat());
        let mut command = match self {
            Self::Express => node("express.js"),
            Self::SocketIo => node("socketio.js"),
            Self::Ws => node("ws.js"),
            Self::Django => command(&[
                PYTHON,
                "-m",
                "gunicorn",
                "--bind",
                &address,
                "shop:application",
            ]),
            Self::Hypercorn => command(&[PYTHON, "-m", "hypercorn", "--bind", &address, "h2c:app"]),
            Self::NotRunning => return None,
        };
        command
            .current_dir(directory())
            .env("HOST", "127.0.0.1")
            .env("PORT", port.to_string())
            .stdin(Stdio::null());
        Some(command)
    }
}

/// A client script.
pub(crate) fn script(name: &str) -> Command {
    let mut command = command(&["node", name]);
    command.current_dir(directory()).stdin(Stdio::null());
    command
}

/// A command from a program and its arguments.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(arguments[0]);
    command.args(&arguments[1..]);
    command
}

/// Directory of the applications and their modules, named by the digest of `package.json`, so that
/// npm runs once.
pub(crate) fn directory() -> PathBuf {
    let package = digest::hex(SOURCES[0].1, 6);
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("proxy-apps-{package}"))
}

/// Installs the scripts and missing modules.
pub(crate) fn install() -> CheckResult {
    let directory = directory();
    fs::create_dir_all(&directory).context(format!("creating {}", directory.display()))?;
    for (name, text) in SOURCES {
        fs::write(directory.join(name), text).context(format!("writing {name}"))?;
    }
    let installed = directory.join("installed");
    if !installed.exists() {
        let mut npm = Command::new("npm");
        npm.args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
        ]);
        command::capture(npm.current_dir(&directory))?.success()?;
        fs::write(&installed, "").context("marking the modules as installed")?;
    }
    Ok(())
}
