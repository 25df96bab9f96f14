//! The sources of a setting. An error names the source of the value.
//!
//! Flags override the environment, and the environment overrides `.env`.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use super::flag::Flags;

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag on the command line, with its dashes.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// The file `.env` as a whole.
    EnvFile,
    /// A line of `.env`, counted from one, and the variable that it sets, if known.
    EnvLine(usize, Option<String>),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(out, "flag {flag}"),
            Self::Variable(name) => write!(out, "environment variable {name}"),
            Self::EnvFile => out.write_str(".env"),
            Self::EnvLine(line, None) => write!(out, ".env line {line}"),
            Self::EnvLine(line, Some(name)) => write!(out, ".env line {line} ({name})"),
        }
    }
}

/// An invalid value and its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    /// The source of the value.
    pub origin: Origin,
    /// A description of the valid values.
    pub expected: String,
    /// The value.
    pub found: String,
}

impl fmt::Display for SettingError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            expected,
            found,
        } = self;
        write!(out, "{origin}: expected {expected}, found `{found}`")
    }
}

/// The variables of a `.env` file, with their lines.
#[derive(Debug, Default)]
pub(crate) struct EnvFile {
    variables: BTreeMap<String, (usize, String)>,
}

impl EnvFile {
    /// Reads the file; a missing file is empty.
    pub(crate) fn read(path: &Path, errors: &mut Vec<SettingError>) -> Self {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, errors),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => {
                errors.push(SettingError {
                    origin: Origin::EnvFile,
                    expected: "a readable file".to_owned(),
                    found: error.to_string(),
                });
                Self::default()
            }
        }
    }

    /// Parses `NAME=value` lines. Blank lines, `#` comments, an `export ` before the
    /// name, and one pair of quotes around the value are ignored.
    pub(crate) fn parse(text: &str, errors: &mut Vec<SettingError>) -> Self {
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
                _ => errors.push(SettingError {
                    origin: Origin::EnvLine(index + 1, None),
                    expected: "NAME=value".to_owned(),
                    found: line.to_owned(),
                }),
            }
        }
        Self { variables }
    }

    /// Returns the names of the variables, with their lines.
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

/// All sources of settings.
pub(crate) struct Sources<'a> {
    pub(crate) flags: &'a Flags,
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) file: &'a EnvFile,
}

impl Sources<'_> {
    /// Returns the text of a setting and its origin, from the first source that sets it.
    pub(crate) fn find(&self, setting: &str) -> Option<(String, Origin)> {
        if let Some(value) = self.flags.value(setting) {
            return Some((value.to_owned(), Origin::Flag(format!("--{setting}"))));
        }
        self.variable(&variable_of(setting)).or_else(|| {
            // Platforms that assign a port to an app set PORT.
            (setting == "port").then(|| self.variable("PORT")).flatten()
        })
    }

    /// Returns the address in `HOST`, if `PORT` is set, too: shells set `HOST` to a host
    /// name, which is ignored.
    pub(crate) fn host(&self) -> Option<IpAddr> {
        self.variable("PORT")?;
        self.variable("HOST")?.0.parse().ok()
    }

    fn variable(&self, name: &str) -> Option<(String, Origin)> {
        if let Some(value) = (self.environment)(name) {
            return Some((value, Origin::Variable(name.to_owned())));
        }
        let (line, value) = self.file.variables.get(name)?;
        Some((value.clone(), Origin::EnvLine(*line, Some(name.to_owned()))))
    }
}

/// Returns the variable of a setting: `idle-timeout` is `RANDOMS_IDLE_TIMEOUT`.
pub(crate) fn variable_of(setting: &str) -> String {
    format!("RANDOMS_{}", setting.to_ascii_uppercase().replace('-', "_"))
}
