//! Container engines: Podman and Docker, and what differs between them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::fs::{Access, access};

use super::Error;
use super::arguments::{Limits, MemoryLimit};
use crate::time_limit::TimeLimit;

/// Directories of engines and their programs. The environment of a unit is for the container, so its
/// `PATH` is not used.
pub(super) const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Of a client whose output is captured, such as one that loads an image.
const CLIENT_LIMIT: TimeLimit = TimeLimit::seconds(900);

/// An implementation of containers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Has no daemon: its containers run in the control group of the unit.
    Podman,
    /// Has a daemon, which runs the containers.
    Docker,
}

impl Kind {
    /// In order of preference: containers of an engine without a daemon end with their unit.
    const ALL: [Self; 2] = [Self::Podman, Self::Docker];

    fn program(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::Docker => "docker",
        }
    }

    /// Arguments before the subcommand.
    fn global_arguments(self) -> &'static [&'static str] {
        match self {
            // Podman writes events of containers to the journal, as messages of the unit.
            Self::Podman => &["--events-backend=none"],
            Self::Docker => &[],
        }
    }

    /// Arguments of `rm --force` that end the container without a delay.
    fn remove_arguments(self) -> &'static [&'static str] {
        match self {
            // Sends SIGTERM and waits 10 s by default.
            Self::Podman => &["--time=0"],
            Self::Docker => &[],
        }
    }

    /// Arguments of `run` that limit the container.
    pub(super) fn limit_arguments(self, limits: &Limits) -> Vec<String> {
        match self {
            // The limits of the unit apply. Limits on processes and files that Podman sets by default
            // are above the maximum of some hosts, where it would fail.
            Self::Podman => vec!["--cgroups=disabled".to_owned(), "--ulimit=host".to_owned()],
            // The daemon starts the container, outside of the unit.
            Self::Docker => {
                let mut arguments = vec![
                    format!("--cgroup-parent={}", limits.slice),
                    format!("--pids-limit={}", limits.tasks),
                ];
                if let MemoryLimit::Bytes(bytes) = limits.memory {
                    arguments.push(format!("--memory={bytes}"));
                }
                arguments
            }
        }
    }
}

/// An engine that is installed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Engine {
    pub(super) kind: Kind,
    /// Its client.
    path: PathBuf,
}

impl Engine {
    /// The engines in `search_path`, which is a list of directories separated by colons.
    pub(super) fn find_all(search_path: &str) -> Vec<Self> {
        let find = |kind: Kind| Some((kind, find_program(kind.program(), search_path)?));
        let found = Kind::ALL.into_iter().filter_map(find);
        found.map(|(kind, path)| Self { kind, path }).collect()
    }

    /// The engine that runs containers.
    pub(super) fn find(search_path: &str) -> Result<Self, Error> {
        let first = Self::find_all(search_path).into_iter().next();
        first.ok_or_else(|| Error::NoEngine {
            search_path: search_path.to_owned(),
        })
    }

    /// The client with a subcommand. Inherits the environment.
    pub(super) fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        self.with(Command::new(&self.path), arguments)
    }

    fn with<S: AsRef<OsStr>>(&self, mut command: Command, arguments: &[S]) -> Command {
        command.args(self.kind.global_arguments()).args(arguments);
        command
    }

    /// Runs the client, within a time limit, and captures its output. Fails if it does not start.
    pub(super) fn output(&self, arguments: &[&str]) -> Result<Output, Error> {
        let mut command = self.with(CLIENT_LIMIT.command(&self.path), arguments);
        // Programs that the client starts are found independently of the unit's variables, too.
        command.env("PATH", SEARCH_PATH).stdin(Stdio::null());
        let output = command.output();
        output.map_err(|error| self.error(arguments, error.to_string()))
    }

    /// The standard output of the client. Fails unless it exits with 0.
    pub(super) fn stdout(&self, arguments: &[&str]) -> Result<String, Error> {
        let output = self.output(arguments)?;
        let [stdout, stderr] =
            [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        if output.status.success() {
            return Ok(stdout.into_owned());
        }
        let reason = [stderr.trim(), stdout.trim()]
            .into_iter()
            .find(|text| !text.is_empty())
            .map_or_else(|| output.status.to_string(), str::to_owned);
        let reason = CLIENT_LIMIT.exceeded(output.status).unwrap_or(reason);
        Err(self.error(arguments, reason))
    }

    /// Stops a container with the stop signal of its image, and with SIGKILL after `seconds`. Succeeds
    /// if there is no such container.
    pub(super) fn stop(&self, container: &str, seconds: u64) -> Result<(), Error> {
        self.output(&["stop", "-t", &seconds.to_string(), container])
            .map(drop)
    }

    /// Ends and removes a container and its volumes. Succeeds if there is no such container.
    pub(super) fn remove(&self, container: &str) -> Result<(), Error> {
        let mut arguments = vec!["rm", "--force", "--volumes"];
        arguments.extend(self.kind.remove_arguments());
        arguments.push(container);
        self.output(&arguments).map(drop)
    }

    /// An error of the client.
    fn error(&self, arguments: &[&str], reason: String) -> Error {
        Error::Client {
            command: format!("{} {}", self.path.display(), arguments.join(" ")),
            reason,
        }
    }
}

/// The first executable file with this name.
fn find_program(name: &str, search_path: &str) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    search_path
        .split(':')
        .map(|directory| Path::new(directory).join(name))
        .find(is_program)
}

#[cfg(test)]
mod tests {
    use super::super::stub::StubEngines;
    use super::*;

    #[test]
    fn podman_is_preferred_to_docker() {
        let stubs = StubEngines::install(&["docker", "podman"]);
        let found = Engine::find_all(&stubs.search_path());
        let kinds: Vec<_> = found.iter().map(|engine| engine.kind).collect();
        assert_eq!(kinds, [Kind::Podman, Kind::Docker]);
        assert_eq!(Engine::find(&stubs.search_path()).unwrap(), found[0]);
        assert_eq!(found[0].path, stubs.path("podman"));
    }

    #[test]
    fn without_an_engine_the_error_names_the_directories_and_a_package() {
        let stubs = StubEngines::install(&[]);
        // Neither is a program: a directory, and a file that is not executable.
        std::fs::create_dir(stubs.path("podman")).unwrap();
        std::fs::write(stubs.path("docker"), "#!/bin/sh\n").unwrap();
        let error = Engine::find(&stubs.search_path()).unwrap_err().to_string();
        let expected = format!("no container engine in {}, ", stubs.search_path());
        assert!(error.starts_with(&expected), "{error}");
        assert!(error.ends_with("apt-get install podman"), "{error}");
    }

    #[test]
    fn later_directories_are_searched_and_the_first_program_is_used() {
        let [empty, first, second] = [&[][..], &["docker"], &["docker"]].map(StubEngines::install);
        let search_path = [&empty, &first, &second].map(StubEngines::search_path);
        let found = Engine::find(&search_path.join(":")).unwrap();
        assert_eq!(found.path, first.path("docker"));
    }

    #[test]
    fn clients_do_not_search_programs_in_the_path_of_the_unit() {
        let stubs = StubEngines::install(&["docker"]);
        let engine = Engine::find(&stubs.search_path()).unwrap();
        assert_eq!(engine.stdout(&["path"]).unwrap().trim(), SEARCH_PATH);
    }

    #[test]
    fn a_failed_client_is_reported_with_its_arguments_and_standard_error() {
        let stubs = StubEngines::install(&["docker"]);
        let engine = Engine::find(&stubs.search_path()).unwrap();
        let error = engine.stdout(&["fail", "--quiet"]).unwrap_err().to_string();
        let path = stubs.path("docker");
        assert_eq!(error, format!("{} fail --quiet: disk full", path.display()));
    }

    #[test]
    fn a_client_that_fails_silently_is_reported_with_its_exit_status() {
        let stubs = StubEngines::install(&["docker"]);
        let engine = Engine::find(&stubs.search_path()).unwrap();
        let error = engine.stdout(&["fail-silently"]).unwrap_err().to_string();
        assert!(error.ends_with("exit status: 125"), "{error}");
    }
}
