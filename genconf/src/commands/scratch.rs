//! A temporary copy of the rendered files in which validators run.
//!
//! Paths of a host (`/etc`, `/opt`, `/run`, `/usr/local`, `/var`) are redirected into the copy, with
//! stubs for the programs of a host, so that files are verified before a host exists. Listen addresses
//! become unix sockets, so that no port of this machine is bound and no privilege is needed.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::tool_version::ToolVersion;
use crate::render::{Requirement, VerifyRule};
use crate::{Generated, tree};

/// The result of a validator.
pub(super) enum Outcome {
    /// It accepted the files.
    Passed,
    /// It rejected them: its output, with the paths of a host.
    Failed(Vec<String>),
    /// It is not installed or too old: the reason.
    Skipped(String),
}

/// Directories of a host that are redirected.
const HOST_DIRECTORIES: [&str; 5] = ["/etc/", "/opt/", "/run/", "/usr/local/", "/var/"];

/// What may precede such a path.
const BEFORE: [&str; 4] = [" ", "=", "unix:", "@"];

/// Extension of unix sockets. Their paths are not redirected: validators do not open them, and the
/// kernel limits their length (unix(7)).
const SOCKET: &str = ".sock";

/// Characters that end a path.
const AFTER: [char; 6] = [';', ':', ',', '"', '\'', ')'];

/// Extensions of files in which paths are redirected.
const CONFIGURATION: [&str; 4] = ["conf", "cfg", "service", "socket"];

/// Directories of daemons, which are not in every user's PATH.
const SYSTEM_PROGRAMS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The copy; it is removed on drop.
pub(super) struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    /// A copy of the tree of `generated`.
    pub(super) fn new(generated: &Generated) -> io::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("genconf-verify.")
            .tempdir()?;
        let scratch = Self { directory };
        let rendered = scratch.rendered();
        let changes = tree::compare(&generated.tree, &rendered, &[])?;
        tree::write(&generated.tree, &changes, &rendered, &[])?;
        Ok(scratch)
    }

    /// Creates the stubs of `rule` and runs its commands.
    pub(super) fn run(&self, rule: &VerifyRule) -> io::Result<Outcome> {
        if let Some(requirement) = &rule.requires
            && let Some(reason) = self.unsupported(requirement)?
        {
            return Ok(Outcome::Skipped(reason));
        }
        self.redirect(&self.rendered(), rule)?;
        rule.stubs.iter().try_for_each(|stub| self.stub(stub))?;
        for (new, old) in &rule.links {
            let new = self.rendered().join(new);
            make_parent(&new)?;
            symlink(self.rendered().join(old), new)?;
        }
        for command in [&rule.prepare, &rule.run]
            .into_iter()
            .filter(|c| !c.is_empty())
        {
            let Some(output) = self.output(command, &rule.environment)? else {
                return Ok(Outcome::Skipped(not_installed(command)));
            };
            if !output.status.success() {
                return Ok(Outcome::Failed(self.lines(&output)));
            }
        }
        Ok(Outcome::Passed)
    }

    /// Why the installed tool cannot validate the files, if it cannot.
    fn unsupported(&self, requirement: &Requirement) -> io::Result<Option<String>> {
        if requirement.at_least.is_empty() {
            return Ok(None);
        }
        let minimum = ToolVersion::find(&requirement.at_least)
            .ok_or_else(|| io::Error::other("`requires.at_least` is not a version"))?;
        let command = &requirement.version;
        let Some(output) = self.output(command, &BTreeMap::new())? else {
            return Ok(Some(not_installed(command)));
        };
        let printed = self.lines(&output);
        let Some(installed) = printed.iter().find_map(|line| ToolVersion::find(line)) else {
            return Ok(Some(format!("`{}` printed no version", command.join(" "))));
        };
        let (program, because) = (&command[0], &requirement.reason);
        Ok((installed < minimum).then(|| {
            format!("{program} {installed} is installed, {because} ({program} {minimum})")
        }))
    }

    fn rendered(&self) -> PathBuf {
        self.directory.path().join("rendered")
    }

    fn host(&self) -> PathBuf {
        self.directory.path().join("host")
    }

    /// Creates a program that does nothing, or a directory where the path ends in a slash.
    fn stub(&self, stub: &str) -> io::Result<()> {
        let path = self.host().join(stub.trim_start_matches('/'));
        if stub.ends_with('/') {
            return fs::create_dir_all(&path);
        }
        make_parent(&path)?;
        fs::write(&path, "#!/bin/true\n")?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
    }

    /// Runs a command that is not empty in the copy; `None` when it is not installed.
    fn output(
        &self,
        command: &[String],
        environment: &BTreeMap<String, String>,
    ) -> io::Result<Option<Output>> {
        let host = self.host().display().to_string();
        let words: Vec<String> = command
            .iter()
            .map(|w| w.replace("SCRATCH", &host))
            .collect();
        let (program, arguments) = words.split_at(1);
        let output = Command::new(&program[0])
            .args(arguments)
            .current_dir(self.rendered())
            .env(
                "SYSTEMD_UNIT_PATH",
                format!("{}:", self.rendered().join("systemd").display()),
            )
            .env("SYSTEMD_COLORS", "0")
            .env("ANSIBLE_LOCALHOST_WARNING", "false")
            .env("NO_COLOR", "1")
            .env("PATH", search_path())
            .envs(environment)
            .stdin(Stdio::null())
            .output();
        match output {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    /// The output of a command, with the paths of a host instead of those of the copy.
    fn lines(&self, output: &Output) -> Vec<String> {
        let host = self.host().display().to_string();
        let copy = self.directory.path().display().to_string();
        let streams =
            [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b).into_owned());
        let plain = |line: &str| {
            line.replace(&host, "")
                .replace("/../rendered/", "/rendered/")
                .replace(&copy, "")
        };
        streams
            .iter()
            .flat_map(|t| t.lines())
            .filter(|l| !l.is_empty())
            .map(plain)
            .collect()
    }

    /// Redirects the paths in rendered configuration into the copy.
    fn redirect(&self, folder: &Path, rule: &VerifyRule) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.redirect(&path, rule)?;
            } else if path
                .extension()
                .is_some_and(|e| CONFIGURATION.iter().any(|c| e == *c))
            {
                let text = bound(&fs::read_to_string(&path)?, &rule.binds);
                let host = self.host().display().to_string();
                fs::write(
                    &path,
                    redirected(&text, &host, [&rule.stubs, &rule.packaged]),
                )?;
            }
        }
        Ok(())
    }
}

/// `text` with `host` before each path of a host: those in [`HOST_DIRECTORIES`] that do not belong to the
/// validator's package, and those of `stubs`.
fn redirected(text: &str, host: &str, [stubs, packaged]: [&[String]; 2]) -> String {
    let is_redirected = |path: &str| {
        let ends = |c: char| c.is_whitespace() || AFTER.contains(&c);
        let path = path.split(ends).next().unwrap_or_default();
        let known = HOST_DIRECTORIES
            .iter()
            .any(|folder| path.starts_with(folder));
        let packaged = packaged.iter().any(|folder| path.starts_with(folder));
        (known && !packaged && !path.ends_with(SOCKET)) || stubs.iter().any(|stub| stub == path)
    };
    let mut redirected = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        let (before, path) = text.split_at(at);
        let begins = character == '/' && BEFORE.iter().any(|b| before.ends_with(b));
        if begins && is_redirected(path) {
            redirected.push_str(host);
        }
        redirected.push(character);
    }
    redirected
}

/// `text` with a unix socket for each listen address: the argument of a directive in `binds`. The name
/// of the socket is the address, so that two lines with one address share a socket.
fn bound(text: &str, binds: &BTreeMap<String, String>) -> String {
    let rebind = |line: &str| {
        let inner = line.trim_start();
        let (word, rest) = inner.split_once(' ')?;
        let prefix = binds.get(word)?;
        let indent = &line[..line.len() - inner.len()];
        let rest = rest.trim_start();
        let (address, rest) = rest.split_at(rest.find([' ', ';'])?);
        let address = address.strip_prefix(prefix).unwrap_or(address);
        let name = address.replace('/', "_");
        Some(format!("{indent}{word} {prefix}{name}{rest}"))
    };
    text.split_inclusive('\n')
        .map(|line| rebind(line).unwrap_or_else(|| line.to_owned()))
        .collect()
}

fn not_installed(command: &[String]) -> String {
    let program = command.first().map_or("", String::as_str);
    format!("{program} is not installed")
}

/// PATH, followed by [`SYSTEM_PROGRAMS`].
fn search_path() -> OsString {
    let own = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&own).chain(SYSTEM_PROGRAMS.map(PathBuf::from));
    env::join_paths(folders.filter(|f| !f.as_os_str().is_empty())).unwrap_or(own)
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_a_host_are_redirected() {
        let stubs = ["/usr/bin/node".to_owned(), "/opt/p/web/".to_owned()];
        let packaged = ["/etc/nginx/".to_owned()];
        let redirect = |text: &str| redirected(text, "/var/tmp/s/host", [&stubs, &packaged]);
        let unit = "ExecStart=/usr/bin/node /opt/p/web/current/web -c /etc/p/a.conf";
        let there = "ExecStart=/var/tmp/s/host/usr/bin/node /var/tmp/s/host/opt/p/web/current/web -c /var/tmp/s/host/etc/p/a.conf";
        assert_eq!(redirect(unit), there);
        for unchanged in [
            "ExecStart=/usr/bin/nodejs /bin/sh",
            "path_beg /var",
            "# next to/etc/p",
            "include /etc/nginx/mime.types;",
        ] {
            assert_eq!(redirect(unchanged), unchanged);
        }
    }

    #[test]
    fn paths_of_unix_sockets_are_not_redirected() {
        for unchanged in [
            "        server unix:/run/p/web-8080.sock max_fails=0;",
            "        proxy_pass http://unix:/run/p/web-8080.sock:/;",
            "ListenStream=/run/p/web-8080.sock",
            "    stats socket    /run/p-edge/admin.sock mode 600",
        ] {
            assert_eq!(
                redirected(unchanged, "/scratch/host", [&[], &[]]),
                unchanged
            );
        }
    }

    #[test]
    fn an_address_becomes_a_unix_socket_of_the_same_name() {
        let binds = BTreeMap::from([("listen".to_owned(), "unix:".to_owned())]);
        for (written, there) in [
            (
                "  listen      0.0.0.0:80 default_server;\n",
                "  listen unix:0.0.0.0:80 default_server;\n",
            ),
            ("listen [::1]:443 ssl;", "listen unix:[::1]:443 ssl;"),
            ("listen 81; # extra", "listen unix:81; # extra"),
            ("listen unix:/run/a.sock;", "listen unix:_run_a.sock;"),
            ("listener 81;", "listener 81;"),
            ("# listen is a word", "# listen is a word"),
        ] {
            assert_eq!(bound(written, &binds), there);
        }
    }
}
