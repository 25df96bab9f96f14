//! `genconf verify`: what the real tools say of the rendered files.
//!
//! Each renderer names its own commands. They run in a scratch copy of the
//! bundle in which the paths of a host (`/etc`, `/opt`, `/run`, `/var`) lead
//! into the scratch folder, with stubs where a host would have programs, so
//! that a laptop can verify before any host exists.

use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::input::Input;
use crate::cli::{Exit, Streams, VerifyArgs};
use crate::render::{self, VerifyRule};
use crate::{Generated, tree};

/// Runs the command.
pub fn run(args: &VerifyArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let input = Input {
        path: &args.topology,
        place: ".".to_owned(),
        format: args.format,
    };
    let generated = match input.generate(streams)? {
        Ok(generated) => generated,
        Err(exit) => return Ok(exit),
    };
    let renderers = render::embedded().map_err(io::Error::other)?;
    let mut tally = Tally::default();
    for renderer in renderers
        .iter()
        .filter(|r| args.only.is_empty() || args.only.iter().any(|n| n == r.name()))
    {
        for rule in renderer
            .verifications(&generated.layout)
            .map_err(io::Error::other)?
        {
            let scratch = Scratch::new(&generated)?;
            tally.add(scratch.verify(renderer.name(), &rule, streams)?);
        }
    }
    writeln!(
        streams.err,
        "{} passed, {} refused, {} not asked",
        tally.passed, tally.refused, tally.missing
    )?;
    Ok(tally.exit())
}

/// What a tool said.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Verdict {
    Passed,
    Refused,
    Missing,
}

#[derive(Default)]
struct Tally {
    passed: usize,
    refused: usize,
    missing: usize,
}

impl Tally {
    fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Refused => self.refused += 1,
            Verdict::Missing => self.missing += 1,
        }
    }

    /// A tool that is not installed is told; under `CI=true` it is a failure.
    fn exit(&self) -> Exit {
        let strict = std::env::var_os("CI").is_some_and(|v| v == "true");
        if self.refused > 0 || (strict && self.missing > 0) {
            Exit::Refused
        } else {
            Exit::Fine
        }
    }
}

/// Folders of a host that lead into the scratch folder.
const HOST_FOLDERS: [&str; 4] = ["/etc/", "/opt/", "/run/", "/var/"];

/// A copy of the bundle that a tool can be let loose on.
struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    fn new(generated: &Generated) -> io::Result<Self> {
        let scratch = Self {
            folder: tempfile::Builder::new()
                .prefix("genconf-verify.")
                .tempdir()?,
        };
        let bundle = scratch.bundle();
        let changes = tree::compare(&generated.tree, &bundle, &[])?;
        tree::write(&generated.tree, &changes, &bundle, &[])?;
        Ok(scratch)
    }

    fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle")
    }

    /// A path of a host, in the scratch folder.
    fn on_host(&self, path: &str) -> PathBuf {
        self.folder
            .path()
            .join("host")
            .join(path.trim_start_matches('/'))
    }

    fn verify(
        &self,
        renderer: &str,
        rule: &VerifyRule,
        streams: &mut Streams<'_>,
    ) -> io::Result<Verdict> {
        self.prepare(rule)?;
        let said = rule.run.join(" ");
        for command in [&rule.prepare, &rule.run] {
            let Some(output) = self.output(command)? else {
                let program = command.first().map_or("", String::as_str);
                writeln!(
                    streams.err,
                    "not asked  {renderer}: {said}: {program} is not installed"
                )?;
                return Ok(Verdict::Missing);
            };
            if !output.status.success() {
                writeln!(streams.err, "refused    {renderer}: {said}")?;
                self.repeat(&output, streams)?;
                return Ok(Verdict::Refused);
            }
        }
        writeln!(streams.err, "passed     {renderer}: {said}")?;
        Ok(Verdict::Passed)
    }

    /// What a tool said, with the paths of a host.
    fn repeat(&self, output: &Output, streams: &mut Streams<'_>) -> io::Result<()> {
        let host = self.on_host("").display().to_string();
        let host = host.trim_end_matches('/');
        for line in [&output.stdout, &output.stderr]
            .into_iter()
            .flat_map(|b| b.split(|b| *b == b'\n'))
        {
            if !line.is_empty() {
                writeln!(
                    streams.err,
                    "    {}",
                    String::from_utf8_lossy(line).replace(host, "")
                )?;
            }
        }
        Ok(())
    }

    /// Runs a command in the copy of the bundle; `None` when it is not installed.
    fn output(&self, command: &[String]) -> io::Result<Option<Output>> {
        let host = self.folder.path().join("host").display().to_string();
        let words: Vec<String> = command
            .iter()
            .map(|w| w.replace("SCRATCH", &host))
            .collect();
        let (program, arguments) = words
            .split_first()
            .map_or(("true", &[][..]), |(p, a)| (p.as_str(), a));
        let output = Command::new(program)
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

    fn prepare(&self, rule: &VerifyRule) -> io::Result<()> {
        self.redirect(&self.bundle())?;
        for stub in &rule.stubs {
            let path = self.on_host(stub);
            make_parent(&path)?;
            if stub.ends_with('/') {
                std::fs::create_dir_all(&path)?;
                continue;
            }
            std::fs::write(&path, "#!/bin/true\n")?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        }
        for (new, old) in &rule.links {
            let new = self.bundle().join(new);
            make_parent(&new)?;
            symlink(self.bundle().join(old), new)?;
        }
        Ok(())
    }

    /// Turns the paths of a host in rendered configuration towards the scratch folder.
    fn redirect(&self, folder: &Path) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let configuration = ["conf", "cfg", "service", "socket"];
            if path.is_dir() {
                self.redirect(&path)?;
            } else if path
                .extension()
                .is_some_and(|e| configuration.iter().any(|c| e == *c))
            {
                let text = std::fs::read_to_string(&path)?;
                std::fs::write(&path, self.redirected(&text))?;
            }
        }
        Ok(())
    }

    fn redirected(&self, text: &str) -> String {
        let host = self.folder.path().join("host").display().to_string();
        HOST_FOLDERS.iter().fold(text.to_owned(), |text, folder| {
            [" ", "=", "unix:", "@"].iter().fold(text, |text, before| {
                text.replace(
                    &format!("{before}{folder}"),
                    &format!("{before}{host}{folder}"),
                )
            })
        })
    }
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)
}
