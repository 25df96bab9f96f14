//! What of a rendered unit matters where there is no systemd: its settings, read line by line.

use std::collections::BTreeMap;

/// The settings of a unit file, by their keys.
pub(crate) struct Unit(BTreeMap<String, Vec<String>>);

impl Unit {
    pub(crate) fn new(text: &str) -> Self {
        let mut settings: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with(['#', '['])) {
            if let Some((key, value)) = line.split_once('=') {
                settings
                    .entry(key.trim().to_owned())
                    .or_default()
                    .push(value.trim().to_owned());
            }
        }
        Self(settings)
    }

    /// Each line of `key`, in order.
    pub(crate) fn lines(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.get(key).into_iter().flatten().map(String::as_str)
    }

    /// The words of all lines of `key`.
    pub(crate) fn words(&self, key: &str) -> impl Iterator<Item = &str> {
        self.lines(key).flat_map(str::split_whitespace)
    }

    /// Lines of a command, for a shell: without prefixes (systemd.service(5)), `%%` as `%`.
    pub(crate) fn commands(&self, key: &str) -> Vec<String> {
        self.lines(key)
            .map(|line| line.trim_start_matches(['-', '+', '!', ':', '@']))
            .map(|line| line.replace("%%", "%"))
            .collect()
    }
}
