//! Applies the kernel settings of a sysctl.d(5) file without a reboot.
//!
//! systemd-sysctl(8) applies all files at boot. Only the keys of one file are set here, so that other
//! settings that an administrator has changed since are kept.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A key and its value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Setting {
    /// With dots as separators: `net.ipv4.tcp_retries2`. A dot in a name is a slash.
    pub(crate) key: String,
    /// Without surrounding whitespace.
    pub(crate) value: String,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.key, self.value)
    }
}

/// A setting that cannot be applied.
#[derive(Debug)]
pub(crate) struct NotApplied {
    /// The file of the kernel.
    pub(crate) path: PathBuf,
    /// Why.
    pub(crate) error: io::Error,
}

impl fmt::Display for NotApplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for NotApplied {}

/// Where the settings of a host are.
#[derive(Clone, Debug)]
pub(crate) struct KernelSettings {
    /// /proc/sys.
    pub(crate) kernel: PathBuf,
    /// Directories of sysctl.d(5), by priority: a file replaces those of the same name in later ones.
    pub(crate) directories: Vec<PathBuf>,
}

impl KernelSettings {
    /// Those of this host.
    pub(crate) fn of_this_host() -> Self {
        let directories = [
            "/etc/sysctl.d",
            "/run/sysctl.d",
            "/usr/local/lib/sysctl.d",
            "/usr/lib/sysctl.d",
        ];
        Self {
            kernel: PathBuf::from("/proc/sys"),
            directories: directories.map(PathBuf::from).to_vec(),
        }
    }

    /// Settings of `file` whose value in the kernel differs. A file that cannot be read has none; a key
    /// that the kernel does not have differs.
    pub(crate) fn pending(&self, file: &Path) -> Vec<Setting> {
        let mut settings = settings(&text(file));
        settings.retain(|setting| text(&self.path(&setting.key)).trim() != setting.value);
        settings
    }

    /// The file that takes precedence over `file` at boot and sets the key to another value.
    pub(crate) fn overriding(&self, file: &Path, setting: &Setting) -> Option<PathBuf> {
        let later = self.files().into_iter().rev();
        let later = later.take_while(|(name, _)| Some(name.as_os_str()) > file.file_name());
        let mut assignments = later.filter_map(|(_, path)| {
            let settings = settings(&text(&path)).into_iter();
            let mut same_key = settings.filter(|other| other.key == setting.key);
            same_key.next().map(|other| (path, other.value))
        });
        let (path, value) = assignments.next()?;
        (value != setting.value).then_some(path)
    }

    /// Sets the key in the kernel.
    pub(crate) fn apply(&self, setting: &Setting) -> Result<(), NotApplied> {
        let path = self.path(&setting.key);
        let result = write(&path, &setting.value);
        result.map_err(|error| NotApplied { path, error })
    }

    /// The files that systemd-sysctl(8) reads, by name.
    fn files(&self) -> BTreeMap<OsString, PathBuf> {
        let mut files = BTreeMap::new();
        for directory in &self.directories {
            // Most of these directories do not exist.
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                let path = entry.path();
                if path
                    .extension()
                    .is_some_and(|extension| extension == "conf")
                {
                    files.entry(entry.file_name()).or_insert(path);
                }
            }
        }
        files
    }

    fn path(&self, key: &str) -> PathBuf {
        self.kernel.join(exchange_separators(key))
    }
}

/// The settings of a file. The last value of a key applies.
pub(crate) fn settings(text: &str) -> Vec<Setting> {
    let mut settings: Vec<Setting> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let (key, value) = (normalized(key), value.trim().to_owned());
        match settings.iter_mut().find(|setting| setting.key == key) {
            Some(earlier) => earlier.value = value,
            None => settings.push(Setting { key, value }),
        }
    }
    settings
}

/// The key with dots as separators. The first separator determines whether dots or slashes separate; `-`
/// before a key makes systemd-sysctl(8) ignore failures (sysctl.d(5)).
fn normalized(key: &str) -> String {
    let key = key.trim();
    let key = key.strip_prefix('-').unwrap_or(key);
    let first_separator = key.find(['.', '/']);
    if first_separator.is_some_and(|position| key[position..].starts_with('/')) {
        exchange_separators(key)
    } else {
        key.to_owned()
    }
}

fn exchange_separators(key: &str) -> String {
    let exchange = |character| match character {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    key.chars().map(exchange).collect()
}

fn write(path: &Path, value: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
    // One write(2): the kernel parses each as a value.
    file.write_all(format!("{value}\n").as_bytes())
}

fn text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
