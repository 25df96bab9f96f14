//! Arguments of `genconf-host container run`, and those of the engine's client.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use super::Error;
use super::engine::Kind;

/// Variables of a process.
pub(super) type Environment = BTreeMap<OsString, OsString>;

/// An image in the archive of the release.
#[derive(Args, Clone, Debug, Eq, PartialEq)]
pub(crate) struct ImageArguments {
    /// File in the directory of the release: the archive of `docker save` or `podman save`
    #[arg(long, value_name = "FILE")]
    pub(crate) archive: String,
    /// Name of the image in the archive
    #[arg(long)]
    pub(crate) image: String,
}

/// A container and its limits, ports, variables, and arguments.
#[derive(Args, Clone, Debug, Eq, PartialEq)]
pub(crate) struct RunArguments {
    /// Name of the container
    #[arg(long)]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) limits: Limits,
    /// Port that the app listens on in the container; the container uses the network of the host if it
    /// is not set
    #[arg(long, value_name = "PORT")]
    pub(crate) container_port: Option<NonZeroU16>,
    /// Seconds from the stop signal to SIGKILL
    #[arg(long, value_name = "SECONDS")]
    pub(crate) stop_timeout: u64,
    /// Variable that is passed to the container
    #[arg(long, value_name = "NAME", value_parser = parse_variable_name)]
    pub(crate) env: Vec<String>,
    /// File of variables that are passed to the container: the `EnvironmentFile` of the unit
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// Arguments of the app
    #[arg(last = true)]
    pub(crate) args: Vec<String>,
}

/// Limits of a container.
#[derive(Args, Clone, Debug, Eq, PartialEq)]
pub(crate) struct Limits {
    /// Slice of the container with Docker, which does not run it in the unit
    #[arg(long)]
    pub(crate) slice: String,
    /// Memory in bytes, or `infinity`
    #[arg(long, default_value = "infinity")]
    pub(crate) memory: MemoryLimit,
    /// Processes and threads
    #[arg(long)]
    pub(crate) tasks: u32,
}

/// Most memory of a container.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MemoryLimit {
    /// No limit.
    Infinity,
    /// So many bytes.
    Bytes(u64),
}

impl FromStr for MemoryLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "infinity" {
            return Ok(Self::Infinity);
        }
        let bytes = text.parse().map(Self::Bytes);
        bytes.map_err(|_| "expected a number of bytes or `infinity`".to_owned())
    }
}

/// Values are secrets, and arguments of processes are public.
fn parse_variable_name(text: &str) -> Result<String, String> {
    if is_variable_name(text) {
        Ok(text.to_owned())
    } else {
        Err("expected a name of letters, digits, and `_`, without a value".to_owned())
    }
}

fn is_variable_name(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(|c: char| is_inner(c) && !c.is_ascii_digit()) && text.chars().all(is_inner)
}

impl RunArguments {
    /// Arguments of the client that runs `image` in the foreground. Only `HOST` and `PORT` of the
    /// environment are in them, for a container with its own port.
    pub(super) fn client_arguments(
        &self,
        kind: Kind,
        image: &str,
        environment: &Environment,
    ) -> Result<Vec<String>, Error> {
        let mut arguments = self.isolation_arguments();
        arguments.extend(kind.limit_arguments(&self.limits));
        let mut names = self.env.clone();
        if let Some(file) = &self.env_file {
            names.extend(variable_names(file, environment)?);
        }
        arguments.extend(names.iter().map(|name| format!("--env={name}")));
        arguments.extend(network_arguments(self.container_port, environment)?);
        arguments.push(image.to_owned());
        arguments.extend_from_slice(&self.args);
        Ok(arguments)
    }

    fn isolation_arguments(&self) -> Vec<String> {
        let constant = [
            "run",
            "--rm",
            "--pull=never",
            // The journal has the output, which the client prints.
            "--log-driver=none",
            "--read-only",
            "--tmpfs=/tmp",
            "--tmpfs=/run",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
        ];
        let mut arguments = constant.map(str::to_owned).to_vec();
        arguments.push(format!("--name={}", self.name));
        arguments.push(format!("--stop-timeout={}", self.stop_timeout));
        arguments
    }
}

/// The network of the host, or a port of the host (`HOST` and `PORT`) that is forwarded to `port`.
fn network_arguments(
    port: Option<NonZeroU16>,
    environment: &Environment,
) -> Result<Vec<String>, Error> {
    let Some(port) = port else {
        return Ok(["--network=host", "--env=HOST", "--env=PORT"]
            .map(str::to_owned)
            .to_vec());
    };
    let mut host = value(environment, "HOST")?.to_owned();
    if host.contains(':') {
        host = format!("[{host}]");
    }
    let host_port = value(environment, "PORT")?;
    Ok(vec![
        "--env=HOST=0.0.0.0".to_owned(),
        format!("--env=PORT={port}"),
        format!("--publish={host}:{host_port}:{port}"),
        // The port can be below 1024. It is one of the container's own network.
        "--cap-add=NET_BIND_SERVICE".to_owned(),
    ])
}

fn value<'a>(environment: &'a Environment, name: &'static str) -> Result<&'a str, Error> {
    let value = environment.get(&OsString::from(name));
    value.and_then(|v| v.to_str()).ok_or(Error::Variable(name))
}

/// Names of the variables in an environment file, without those that systemd did not set: a quoted
/// value can have lines that look like assignments.
fn variable_names(file: &Path, environment: &Environment) -> Result<Vec<String>, Error> {
    let text = std::fs::read(file).map_err(|error| Error::File {
        path: file.to_owned(),
        error,
    })?;
    let mut names: Vec<String> = Vec::new();
    for line in String::from_utf8_lossy(&text).split(['\n', '\r']) {
        let Some((name, _)) = line.split_once('=') else {
            continue;
        };
        let name = name.trim_matches([' ', '\t']);
        let is_set = environment.contains_key(&OsString::from(name));
        if is_variable_name(name) && is_set && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
