//! A copy of a bundle that a tool can be let loose on.
//!
//! The paths of a host (`/etc`, `/opt`, `/run`, `/usr/local`, `/var`) lead into the scratch
//! folder, with stubs where a host would have programs, so that a laptop can
//! verify before any host exists.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::render::VerifyRule;
use crate::{Generated, tree};

/// What a tool said.
pub(super) enum Answer {
    /// Nothing to complain of.
    Passed,
    /// Its lines, with the paths of a host.
    Refused(Vec<String>),
    /// This program is not installed.
    Missing(String),
}

/// Folders of a host that lead into the scratch folder.
const HOST_FOLDERS: [&str; 5] = ["/etc/", "/opt/", "/run/", "/usr/local/", "/var/"];

/// What may stand before such a path.
const BEFORE: [&str; 4] = [" ", "=", "unix:", "@"];

/// Files in which paths are turned.
const CONFIGURATION: [&str; 4] = ["conf", "cfg", "service", "socket"];

/// The copy; it goes when this does.
pub(super) struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    /// A copy of the tree of `generated`.
    pub(super) fn new(generated: &Generated) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("genconf-verify.")
            .tempdir()?;
        let scratch = Self { folder };
        let bundle = scratch.bundle();
        let changes = tree::compare(&generated.tree, &bundle, &[])?;
        tree::write(&generated.tree, &changes, &bundle, &[])?;
        Ok(scratch)
    }

    /// Prepares what `rule` needs and runs its commands.
    pub(super) fn ask(&self, rule: &VerifyRule) -> io::Result<Answer> {
        self.redirect(&self.bundle())?;
        rule.stubs.iter().try_for_each(|stub| self.stub(stub))?;
        for (new, old) in &rule.links {
            let new = self.bundle().join(new);
            make_parent(&new)?;
            symlink(self.bundle().join(old), new)?;
        }
        for command in [&rule.prepare, &rule.run]
            .into_iter()
            .filter(|c| !c.is_empty())
        {
            let Some(output) = self.output(command)? else {
                return Ok(Answer::Missing(
                    command.first().cloned().unwrap_or_default(),
                ));
            };
            if !output.status.success() {
                return Ok(Answer::Refused(self.lines(&output)));
            }
        }
        Ok(Answer::Passed)
    }

    fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle")
    }

    fn host(&self) -> PathBuf {
        self.folder.path().join("host")
    }

    /// A program that does nothing, or a folder where the path ends in a slash.
    fn stub(&self, stub: &str) -> io::Result<()> {
        let path = self.host().join(stub.trim_start_matches('/'));
        if stub.ends_with('/') {
            return fs::create_dir_all(&path);
        }
        make_parent(&path)?;
        fs::write(&path, "#!/bin/true\n")?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
    }

    /// Runs a command, which has a first word, in the copy of the bundle; `None` when it is not installed.
    fn output(&self, command: &[String]) -> io::Result<Option<Output>> {
        let host = self.host().display().to_string();
        let words: Vec<String> = command
            .iter()
            .map(|w| w.replace("SCRATCH", &host))
            .collect();
        let (program, arguments) = words.split_at(1);
        let output = Command::new(&program[0])
            .args(arguments)
            .current_dir(self.bundle())
            .env(
                "SYSTEMD_UNIT_PATH",
                format!("{}:", self.bundle().join("systemd").display()),
            )
            .env("SYSTEMD_COLORS", "0")
            .env("ANSIBLE_LOCALHOST_WARNING", "false")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output();
        match output {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    /// What a command said, with the paths of a host instead of the scratch folder's.
    fn lines(&self, output: &Output) -> Vec<String> {
        let host = self.host().display().to_string();
        let scratch = self.folder.path().display().to_string();
        let told =
            [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b).into_owned());
        let plain = |line: &str| {
            line.replace(&host, "")
                .replace("/../bundle/", "/bundle/")
                .replace(&scratch, "")
        };
        told.iter()
            .flat_map(|t| t.lines())
            .filter(|l| !l.is_empty())
            .map(plain)
            .collect()
    }

    /// Turns the paths of a host in rendered configuration towards the scratch folder.
    fn redirect(&self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.redirect(&path)?;
            } else if path
                .extension()
                .is_some_and(|e| CONFIGURATION.iter().any(|c| e == *c))
            {
                let text = fs::read_to_string(&path)?;
                fs::write(&path, self.redirected(&text))?;
            }
        }
        Ok(())
    }

    fn redirected(&self, text: &str) -> String {
        let host = self.host().display().to_string();
        let places = HOST_FOLDERS
            .iter()
            .flat_map(|folder| BEFORE.map(|before| (before, *folder)));
        places.fold(text.to_owned(), |text, (before, folder)| {
            text.replace(
                &format!("{before}{folder}"),
                &format!("{before}{host}{folder}"),
            )
        })
    }
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}
