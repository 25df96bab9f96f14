//! Keys that have a new name: the old name is an error whose help is the new one.

/// Record, old key and new key.
const RENAMED: &[(&str, &str, &str)] = &[
    ("an app", "network", "outbound"),
    ("an app", "notify", "sd_notify"),
    ("an app", "socket", "socket_activation"),
    ("an app", "state", "state_directory"),
    ("an app", "tasks", "tasks_max"),
    ("a health check", "via", "type"),
    ("a pool", "workers_by", "supervisor"),
    ("a proxy", "extra", "raw"),
    ("a proxy", "status", "status_port"),
    ("tls", "redirect_from", "http_port"),
];

/// The new name of `key` in `record`, if it was renamed.
pub(super) fn renamed(record: &str, key: &str) -> Option<&'static str> {
    RENAMED
        .iter()
        .find(|(of, old, _)| *of == record && *old == key)
        .map(|(_, _, new)| *new)
}
