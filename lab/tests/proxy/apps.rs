//! The applications behind the proxies, and how they are installed and started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lab::{command, digest};

use crate::failure::{Checked, Context as _};

/// A program that serves HTTP on `PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// `express.js`.
    Express,
    /// `socketio.js`.
    SocketIo,
    /// `ws.js`.
    Ws,
    /// `shop.py`, by gunicorn.
    Django,
    /// `h2c.py`, by hypercorn.
    Hypercorn,
    /// None: nothing listens.
    Nothing,
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

/// Debian's Python, which has Debian's packages.
const PYTHON: &str = "/usr/bin/python3";

/// Node limits headers to 16 KiB by default.
const NODE: [&str; 2] = ["node", "--max-http-header-size=131072"];

impl Program {
    /// The command that starts an instance on `port`.
    pub(crate) fn command(self, port: u16) -> Option<Command> {
        let address = format!("127.0.0.1:{port}");
        let node = |script| words(&[&NODE[..], &[script]].concat());
        let mut command = match self {
            Self::Express => node("express.js"),
            Self::SocketIo => node("socketio.js"),
            Self::Ws => node("ws.js"),
            Self::Django => words(&[
                PYTHON,
                "-m",
                "gunicorn",
                "--bind",
                &address,
                "shop:application",
            ]),
            Self::Hypercorn => words(&[PYTHON, "-m", "hypercorn", "--bind", &address, "h2c:app"]),
            Self::Nothing => return None,
        };
        command
            .current_dir(folder())
            .env("HOST", "127.0.0.1")
            .env("PORT", port.to_string())
            .stdin(Stdio::null());
        Some(command)
    }
}

/// A client of these that is a script.
pub(crate) fn script(name: &str) -> Command {
    let mut command = words(&["node", name]);
    command.current_dir(folder()).stdin(Stdio::null());
    command
}

fn words(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

/// Where the applications and their modules are: named by what goes in, so that npm runs once.
pub(crate) fn folder() -> PathBuf {
    let package = digest::hex(SOURCES[0].1, 6);
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("proxy-apps-{package}"))
}

/// Installs the modules where they are missing, and the scripts.
pub(crate) fn install() -> Checked {
    let folder = folder();
    fs::create_dir_all(&folder).doing(format!("making {}", folder.display()))?;
    for (name, text) in SOURCES {
        fs::write(folder.join(name), text).doing(format!("writing {name}"))?;
    }
    let installed = folder.join("installed");
    if !installed.exists() {
        let mut npm = Command::new("npm");
        npm.args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
        ]);
        command::finish(npm.current_dir(&folder))?.success()?;
        fs::write(&installed, "").doing("noting that the modules are installed")?;
    }
    Ok(())
}
