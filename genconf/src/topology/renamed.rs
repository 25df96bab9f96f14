//! Keys with a new name. The old name is an error whose help is the new name.

/// Record, old key, and new key.
const RENAMED: &[(&str, &str, &str)] = &[
    ("app", "network", "outbound"),
    ("app", "notify", "sd_notify"),
    ("app", "socket", "socket_activation"),
    ("app", "state", "state_directory"),
    ("app", "tasks", "tasks_max"),
    ("health check", "via", "type"),
    ("pool", "workers_by", "supervisor"),
    ("proxy", "extra", "raw"),
    ("proxy", "status", "status_port"),
    ("tls", "redirect_from", "http_port"),
];

/// The new name of the key `old` of `record`.
pub(super) fn renamed(record: &str, old: &str) -> Option<&'static str> {
    RENAMED
        .iter()
        .find(|(of, key, _)| *of == record && *key == old)
        .map(|(_, _, new)| *new)
}
