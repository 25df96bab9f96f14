//! Which ports things have, and which are still free.

use std::collections::BTreeSet;

use crate::topology::default::FIRST_STATUS_PORT;

/// Below it ports belong to proxies.
pub(super) const FIRST: u16 = 1024;

/// Ports taken on the one host of a plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Ports(BTreeSet<u16>);

impl Ports {
    /// Takes `port`; false when somebody has it.
    pub(super) fn take(&mut self, port: u16) -> bool {
        self.0.insert(port)
    }

    /// The first free port from `from` on; none when all are taken.
    pub(super) fn free(&self, from: u16) -> Option<u16> {
        let status = FIRST_STATUS_PORT..FIRST_STATUS_PORT + 20;
        let usable = |p: &u16| !self.0.contains(p) && (*p == from || !status.contains(p));
        (from.max(FIRST)..=u16::MAX).find(usable)
    }

    /// Takes the first free port from `from` on.
    pub(super) fn next(&mut self, from: u16) -> Option<u16> {
        let free = self.free(from)?;
        self.0.insert(free);
        Some(free)
    }

    /// Where the status page of proxy number `index` goes; none for its usual place.
    pub(super) fn status(&mut self, index: u16, of: u16) -> Option<u16> {
        let usual = FIRST_STATUS_PORT..FIRST_STATUS_PORT + of;
        if usual.clone().all(|p| !self.0.contains(&p)) {
            return None;
        }
        let free = (FIRST_STATUS_PORT + index..=u16::MAX).find(|p| !self.0.contains(p))?;
        self.0.insert(free);
        Some(free)
    }
}

/// `8080`, or a path of it such as `8082-8085`, for people and for YAML.
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

/// A port among arguments: its number and the arguments that say it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Said {
    /// The number.
    pub(super) port: u16,
    /// Index of the first argument that says it.
    pub(super) first: usize,
    /// How many say it.
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

/// The port that `args` tell a program: `--port=8082`, `-p 8082`, `PORT=8082`, or a bare number.
pub(super) fn said(args: &[String]) -> Option<Said> {
    let number = |text: &str| text.parse::<u16>().ok().filter(|p| *p > 0);
    for (first, arg) in args.iter().enumerate() {
        if let Some((option, value)) = arg.split_once('=') {
            let known = OPTIONS.contains(&option) || option.eq_ignore_ascii_case("port");
            if let Some(port) = number(value).filter(|_| known) {
                return Some(Said {
                    port,
                    first,
                    count: 1,
                });
            }
        }
        let next = args.get(first + 1).and_then(|v| number(v));
        if let Some(port) = next.filter(|_| OPTIONS.contains(&arg.as_str())) {
            return Some(Said {
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
            .map(|port| Said {
                port,
                first: at,
                count: 1,
            })
    };
    args.iter().enumerate().find_map(bare)
}

/// What stands in `args` and `env` for the port of each instance.
pub(super) const EACH: &str = "{port}";

/// What is told where that was written before, for anything else.
pub(super) const IS_EACH: &str = "`{port}` stands for the port of each instance in a topology";

/// `args` with [`EACH`] in place of the port that they say.
pub(super) fn for_each(args: &[String], said: &Said) -> Vec<String> {
    let mut args = args.to_vec();
    let number = &mut args[said.first + said.count - 1];
    *number = match number.split_once('=') {
        Some((option, _)) => format!("{option}={EACH}"),
        None => EACH.to_owned(),
    };
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(args: &str) -> Option<u16> {
        let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
        said(&args).map(|s| s.port)
    }

    #[test]
    fn a_port_is_found_where_people_write_it() {
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
    fn each_instance_is_told_its_port_where_one_was_told() {
        for (args, expected) in [
            ("--mode fork -- 8082", "--mode fork -- {port}"),
            ("-p 8082 -x=y", "-p {port} -x=y"),
            ("a --port=8082", "a --port={port}"),
        ] {
            let args: Vec<_> = args.split(' ').map(str::to_owned).collect();
            let said = said(&args).expect("is said");
            assert_eq!(for_each(&args, &said).join(" "), expected);
        }
    }
}
