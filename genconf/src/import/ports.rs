//! Allocates ports.

use std::collections::BTreeSet;

use crate::topology::default::FIRST_STATUS_PORT;

/// First port for instances; lower ports are reserved for proxies.
pub(super) const FIRST: u16 = 1024;

/// Added to a port below 1024: port 80 becomes 8080, if it is free.
const PRIVILEGED_OFFSET: u16 = 8000;

/// Ports in use on a host.
#[derive(Clone, Debug, Default)]
pub(super) struct Ports(BTreeSet<u16>);

impl Ports {
    /// Reserves `port`. Returns false if it is in use.
    pub(super) fn reserve(&mut self, port: u16) -> bool {
        self.0.insert(port)
    }

    /// The first free port from `from` on.
    pub(super) fn first_free(&self, from: u16) -> Option<u16> {
        let status = FIRST_STATUS_PORT..FIRST_STATUS_PORT + 20;
        let usable = |p: &u16| !self.0.contains(p) && (*p == from || !status.contains(p));
        (from.max(FIRST)..=u16::MAX).find(usable)
    }

    /// Reserves the first free port from `from` on.
    pub(super) fn reserve_next(&mut self, from: u16) -> Option<u16> {
        let free = self.first_free(from)?;
        self.0.insert(free);
        Some(free)
    }

    /// Reserves a port of the imported file. Returns false if it is privileged or in use.
    pub(super) fn reserve_written(&mut self, port: u16) -> bool {
        port >= FIRST && self.reserve(port)
    }

    /// Reserves another port for one that [`Ports::reserve_written`] does not reserve. Returns it with
    /// the reason.
    pub(super) fn reserve_instead(&mut self, written: u16) -> Option<(u16, &'static str)> {
        if written < FIRST {
            let port = self.reserve_next(written + PRIVILEGED_OFFSET)?;
            Some((port, "ports below 1024 are reserved for proxies"))
        } else {
            let port = self.reserve_next(written)?;
            Some((port, "the port is already in use"))
        }
    }

    /// Status port of the proxy with this index among `count` proxies; `None` for the default.
    pub(super) fn status_port(&mut self, index: u16, count: u16) -> Option<u16> {
        let mut defaults = FIRST_STATUS_PORT..FIRST_STATUS_PORT + count;
        if defaults.all(|p| !self.0.contains(&p)) {
            return None;
        }
        let free = (FIRST_STATUS_PORT + index..=u16::MAX).find(|p| !self.0.contains(p))?;
        self.0.insert(free);
        Some(free)
    }
}

/// Ports and port ranges: `8080`, `8082-8085`.
pub(super) fn ranges(ports: &[u16]) -> Vec<String> {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for port in ports {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*port) => *last = *port,
            _ => runs.push((*port, *port)),
        }
    }
    let print = |(first, last): (u16, u16)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    };
    runs.into_iter().map(print).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_ports_are_one_range() {
        assert_eq!(ranges(&[8080, 8082, 8083, 8084]), ["8080", "8082-8084"]);
    }
}
