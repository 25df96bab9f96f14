//! Allocates ports, and finds ports in arguments.

use std::collections::BTreeSet;

use crate::topology::default::FIRST_STATUS_PORT;

/// First port for instances; lower ports are reserved for proxies.
pub(super) const FIRST: u16 = 1024;

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

/// A port in arguments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PortArgument {
    /// The port.
    pub(super) port: u16,
    /// Index of its first argument.
    pub(super) first: usize,
    /// Number of arguments: 2 for `-p 8082`.
    pub(super) count: usize,
}

const OPTIONS: [&str; 9] = [
    "--port",
    "-port",
    "-p",
    "-P",
    "--PORT",
    "--puerto",
    "--http-port",
    "--listen-port",
    "--server.port",
];

/// Finds the port in `args`: `--port=8082`, `-p 8082`, `PORT=8082`, or a bare number.
pub(super) fn port_argument(args: &[String]) -> Option<PortArgument> {
    let number = |text: &str| text.parse::<u16>().ok().filter(|p| *p > 0);
    for (first, arg) in args.iter().enumerate() {
        if let Some((option, value)) = arg.split_once('=') {
            let known = OPTIONS.contains(&option) || option.eq_ignore_ascii_case("port");
            if let Some(port) = number(value).filter(|_| known) {
                return Some(PortArgument {
                    port,
                    first,
                    count: 1,
                });
            }
        }
        let next = args.get(first + 1).and_then(|v| number(v));
        if let Some(port) = next.filter(|_| OPTIONS.contains(&arg.as_str())) {
            return Some(PortArgument {
                port,
                first,
                count: 2,
            });
        }
    }
    let bare = |(at, arg): (usize, &String)| {
        let alone = at == 0 || !args[at - 1].starts_with('-') || args[at - 1] == "--";
        number(arg)
            .filter(|p| *p >= FIRST && alone)
            .map(|port| PortArgument {
                port,
                first: at,
                count: 1,
            })
    };
    args.iter().enumerate().find_map(bare)
}

/// Placeholder in `args` and `env` for the port of each instance.
pub(super) const PLACEHOLDER: &str = "{port}";

/// Reason to report a value that already contains the placeholder.
pub(super) const IS_PLACEHOLDER: &str =
    "in a topology, `{port}` is replaced with the port of each instance";

/// Replaces the port in `args` with [`PLACEHOLDER`].
pub(super) fn with_placeholder(args: &[String], found: &PortArgument) -> Vec<String> {
    let mut args = args.to_vec();
    let number = &mut args[found.first + found.count - 1];
    *number = match number.split_once('=') {
        Some((option, _)) => format!("{option}={PLACEHOLDER}"),
        None => PLACEHOLDER.to_owned(),
    };
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(args: &str) -> Option<u16> {
        let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
        port_argument(&args).map(|found| found.port)
    }

    #[test]
    fn a_port_is_found_in_common_arguments() {
        for args in [
            "--port=8082",
            "--port 8082",
            "-p 8082",
            "-- 8082",
            "8082",
            "--mode fork -p 8082",
            "PORT=8082",
        ] {
            assert_eq!(port(args), Some(8082), "{args}");
        }
        for args in [
            "--timeout 8082",
            "-n 8082",
            "--port",
            "--port=0",
            "--port=99999",
            "80",
            "",
        ] {
            assert_eq!(port(args), None, "{args}");
        }
    }

    #[test]
    fn consecutive_ports_are_one_range() {
        assert_eq!(ranges(&[8080, 8082, 8083, 8084]), ["8080", "8082-8084"]);
    }

    #[test]
    fn a_port_is_replaced_with_the_placeholder() {
        for (args, expected) in [
            ("--mode fork -- 8082", "--mode fork -- {port}"),
            ("-p 8082 -x=y", "-p {port} -x=y"),
            ("a --port=8082", "a --port={port}"),
        ] {
            let args: Vec<_> = args.split(' ').map(str::to_owned).collect();
            let found = port_argument(&args).expect("has a port");
            assert_eq!(with_placeholder(&args, &found).join(" "), expected);
        }
    }
}
