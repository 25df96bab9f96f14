//! Settings of a rendered unit file, to start its service without systemd.

use std::collections::BTreeMap;

/// The settings of a unit file by name.
pub(crate) struct UnitFile(BTreeMap<String, Vec<String>>);

impl UnitFile {
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

    /// The values of the setting `key`, in order.
    pub(crate) fn lines(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.get(key).into_iter().flatten().map(String::as_str)
    }

    /// The words of all values of `key`.
    pub(crate) fn words(&self, key: &str) -> impl Iterator<Item = &str> {
        self.lines(key).flat_map(str::split_whitespace)
    }

    /// Command lines for a shell: without prefixes (systemd.service(5)), and with `%%` as `%`.
    pub(crate) fn commands(&self, key: &str) -> Vec<String> {
        self.lines(key)
            .map(|line| line.trim_start_matches(['-', '+', '!', ':', '@']))
            .map(|line| line.replace("%%", "%"))
            .collect()
    }
}
