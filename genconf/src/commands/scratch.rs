//! A copy of a bundle that a tool can be let loose on.
//!
//! The paths of a host (`/etc`, `/opt`, `/run`, `/usr/local`, `/var`) lead into the scratch
//! folder, with stubs where a host would have programs, so that a laptop can
//! verify before any host exists. What a tool would take of this machine, an address, is a unix
//! socket in the copy, so that anybody can verify.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::version::Version;
use crate::render::{Requirement, VerifyRule};
use crate::{Generated, tree};

/// What a tool said.
pub(super) enum Answer {
    /// Nothing to complain of.
    Passed,
    /// Its lines, with the paths of a host.
    Refused(Vec<String>),
    /// The tool is missing or too old, with the reason.
    NotAsked(String),
}

/// Folders of a host that lead into the scratch folder.
const HOST_FOLDERS: [&str; 5] = ["/etc/", "/opt/", "/run/", "/usr/local/", "/var/"];

/// What may stand before such a path.
const BEFORE: [&str; 4] = [" ", "=", "unix:", "@"];

/// How a unix socket is called. One is named in a configuration and not looked at by a test; its path
/// may be as long as the kernel allows, and no longer.
const SOCKET: &str = ".sock";

/// What ends a path.
const AFTER: [char; 6] = [';', ':', ',', '"', '\'', ')'];

/// Files in which paths are turned.
const CONFIGURATION: [&str; 4] = ["conf", "cfg", "service", "socket"];

/// Where daemons live, which is not in every user's PATH.
const SYSTEM_PROGRAMS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

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
        if let Some(requirement) = &rule.requires
            && let Some(reason) = self.unsuited(requirement)?
        {
            return Ok(Answer::NotAsked(reason));
        }
        self.turn(&self.bundle(), rule)?;
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
            let Some(output) = self.output(command, &rule.environment)? else {
                return Ok(Answer::NotAsked(not_installed(command)));
            };
            if !output.status.success() {
                return Ok(Answer::Refused(self.lines(&output)));
            }
        }
        Ok(Answer::Passed)
    }

    /// Why the installed tool cannot decide, if it cannot.
    fn unsuited(&self, requirement: &Requirement) -> io::Result<Option<String>> {
        if requirement.at_least.is_empty() {
            return Ok(None);
        }
        let least = Version::find(&requirement.at_least)
            .ok_or_else(|| io::Error::other("`requires.at_least` is not a version"))?;
        let command = &requirement.version;
        let Some(output) = self.output(command, &BTreeMap::new())? else {
            return Ok(Some(not_installed(command)));
        };
        let printed = self.lines(&output);
        let Some(installed) = printed.iter().find_map(|line| Version::find(line)) else {
            return Ok(Some(format!("`{}` prints no version", command.join(" "))));
        };
        let (program, because) = (&command[0], &requirement.reason);
        Ok((installed < least)
            .then(|| format!("{program} {installed} is installed, {because} ({program} {least})")))
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
            .current_dir(self.bundle())
            .env(
                "SYSTEMD_UNIT_PATH",
                format!("{}:", self.bundle().join("systemd").display()),
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

    /// Turns what rendered configuration names of a host towards the scratch folder.
    fn turn(&self, folder: &Path, rule: &VerifyRule) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.turn(&path, rule)?;
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

/// `text` with `host` before the paths of a host: those in its folders, except those of the tool's own
/// package, and those that `stubs` stand for.
fn redirected(text: &str, host: &str, [stubs, packaged]: [&[String]; 2]) -> String {
    let leads_there = |path: &str| {
        let ends = |c: char| c.is_whitespace() || AFTER.contains(&c);
        let path = path.split(ends).next().unwrap_or_default();
        let known = HOST_FOLDERS.iter().any(|folder| path.starts_with(folder));
        let packaged = packaged.iter().any(|folder| path.starts_with(folder));
        (known && !packaged && !path.ends_with(SOCKET)) || stubs.iter().any(|stub| stub == path)
    };
    let mut turned = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        let (before, path) = text.split_at(at);
        let begins = character == '/' && BEFORE.iter().any(|b| before.ends_with(b));
        if begins && leads_there(path) {
            turned.push_str(host);
        }
        turned.push(character);
    }
    turned
}

/// `text` with a unix socket for each address that it would take: the word after one of `binds`
/// is then the name of a file, so that two lines with one address still have one socket.
fn bound(text: &str, binds: &BTreeMap<String, String>) -> String {
    let turned = |line: &str| {
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
        .map(|line| turned(line).unwrap_or_else(|| line.to_owned()))
        .collect()
}

fn not_installed(command: &[String]) -> String {
    let program = command.first().map_or("", String::as_str);
    format!("{program} is not installed")
}

/// This PATH, and where daemons are.
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
    fn paths_of_a_host_lead_into_the_scratch_folder_and_no_others() {
        let stubs = ["/usr/bin/node".to_owned(), "/opt/p/web/".to_owned()];
        let packaged = ["/etc/nginx/".to_owned()];
        let turned = |text: &str| redirected(text, "/var/tmp/s/host", [&stubs, &packaged]);
        let unit = "ExecStart=/usr/bin/node /opt/p/web/current/web -c /etc/p/a.conf";
        let there = "ExecStart=/var/tmp/s/host/usr/bin/node /var/tmp/s/host/opt/p/web/current/web -c /var/tmp/s/host/etc/p/a.conf";
        assert_eq!(turned(unit), there);
        for left in [
            "ExecStart=/usr/bin/nodejs /bin/sh",
            "path_beg /var",
            "# beside/etc/p",
            "include /etc/nginx/mime.types;",
        ] {
            assert_eq!(turned(left), left);
        }
    }

    #[test]
    fn the_path_of_a_unix_socket_stays_as_long_as_it_is() {
        for left in [
            "        server unix:/run/p/web-8080.sock max_fails=0;",
            "        proxy_pass http://unix:/run/p/web-8080.sock:/;",
            "ListenStream=/run/p/web-8080.sock",
            "    stats socket    /run/p-edge/admin.sock mode 600",
        ] {
            assert_eq!(redirected(left, "/scratch/host", [&[], &[]]), left);
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
