//! Where a setting's text came from, so that a wrong one can name its place.
//!
//! A flag wins over the environment, the environment over `.env`.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use super::flag::Flags;

/// The place that gave a setting its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag on the command line, with its dashes.
    Flag(String),
    /// A variable of the environment.
    Variable(String),
    /// A line of `.env`, counted from one, and the variable it sets.
    File(usize, String),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(out, "flag {flag}"),
            Self::Variable(name) => write!(out, "environment variable {name}"),
            Self::File(line, name) => write!(out, ".env line {line} ({name})"),
        }
    }
}

/// A value that cannot be used, and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The place to correct.
    pub origin: Origin,
    /// The text found there.
    pub value: String,
    /// What would have been accepted.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            value,
            reason,
        } = self;
        write!(out, "{origin}: `{value}`: {reason}")
    }
}

/// The variables of a `.env` file, each with the line that sets it.
#[derive(Debug, Default)]
pub(crate) struct EnvFile {
    variables: BTreeMap<String, (usize, String)>,
}

impl EnvFile {
    /// Reads the file; a missing one is empty.
    pub(crate) fn read(path: &Path, faults: &mut Vec<Fault>) -> Self {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, faults),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => {
                faults.push(Fault {
                    origin: Origin::File(0, "the file".to_owned()),
                    value: path.display().to_string(),
                    reason: format!("cannot be read: {error}"),
                });
                Self::default()
            }
        }
    }

    /// Reads `NAME=value` lines: blank lines and `#` comments are skipped, an
    /// `export ` before the name and one pair of quotes around the value too.
    pub(crate) fn parse(text: &str, faults: &mut Vec<Fault>) -> Self {
        let mut variables = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once('=') {
                Some((name, value)) if is_name(name.trim()) => {
                    let value = unquoted(value.trim()).to_owned();
                    variables.insert(name.trim().to_owned(), (index + 1, value));
                }
                _ => faults.push(Fault {
                    origin: Origin::File(index + 1, "no variable".to_owned()),
                    value: line.to_owned(),
                    reason: "expected NAME=value".to_owned(),
                }),
            }
        }
        Self { variables }
    }

    /// The names set in the file, with their lines.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, usize)> {
        self.variables
            .iter()
            .map(|(name, (line, _))| (name.as_str(), *line))
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
        {
            return inner;
        }
    }
    text
}

/// All places that can hold a setting.
pub(crate) struct Sources<'a> {
    pub(crate) flags: &'a Flags,
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) file: &'a EnvFile,
}

impl Sources<'_> {
    /// The text of a setting and its origin, from the first place that has it.
    pub(crate) fn find(&self, setting: &str) -> Option<(String, Origin)> {
        if let Some(value) = self.flags.value(setting) {
            return Some((value.to_owned(), Origin::Flag(format!("--{setting}"))));
        }
        self.variable(&variable_of(setting)).or_else(|| {
            // Platforms that choose a port for an app say so in PORT.
            (setting == "port").then(|| self.variable("PORT")).flatten()
        })
    }

    /// The address that a platform which chooses the port in `PORT` puts in
    /// `HOST`; shells keep names there, which say nothing.
    pub(crate) fn host(&self) -> Option<IpAddr> {
        self.variable("PORT")?;
        self.variable("HOST")?.0.parse().ok()
    }

    fn variable(&self, name: &str) -> Option<(String, Origin)> {
        if let Some(value) = (self.environment)(name) {
            return Some((value, Origin::Variable(name.to_owned())));
        }
        let (line, value) = self.file.variables.get(name)?;
        Some((value.clone(), Origin::File(*line, name.to_owned())))
    }
}

/// The variable that holds a setting: `idle-timeout` is `RANDOMS_IDLE_TIMEOUT`.
pub(crate) fn variable_of(setting: &str) -> String {
    format!("RANDOMS_{}", setting.to_ascii_uppercase().replace('-', "_"))
}
