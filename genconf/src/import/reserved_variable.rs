//! Environment variables that the unit of each instance sets.

/// Why the variable `name` is not imported; `None` for every other variable. `PORT` is separate, since
/// its value is a port of the pool.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    match name {
        "HOST" => Some(
            "the unit of each instance sets HOST to the address that the proxy connects to; use another name for another address",
        ),
        _ if name.starts_with("GENCONF_") => {
            Some("units set the variables with the prefix GENCONF_; use another name")
        }
        _ => None,
    }
}
