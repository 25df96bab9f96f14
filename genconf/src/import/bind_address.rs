//! Addresses that an app listens on, and that the proxy does not connect to.

use std::net::IpAddr;

use super::port_argument::{PLACEHOLDER, option_name};

/// Names of options with an address, without leading dashes.
const OPTIONS: [&str; 12] = [
    "H",
    "a",
    "addr",
    "address",
    "b",
    "bind",
    "bind-address",
    "host",
    "hostname",
    "interface",
    "listen",
    "server.address",
];

/// Reason to report a loopback address of IPv6 that is replaced.
pub(super) const REPLACED: &str = "the proxy connects to 127.0.0.1, which replaces the address";

/// Reason to report another address.
pub(super) const REPORTED: &str = "the proxy connects to 127.0.0.1: use this address if the app does not accept connections to it";

/// Replaces the loopback address of IPv6 in `args`, where the placeholder replaces the port. Returns
/// the argument of each address that does not accept every connection to 127.0.0.1, and its reason.
pub(super) fn adjust(args: &mut [String]) -> Vec<(String, &'static str)> {
    let addresses = args.iter().filter(|arg| arg.contains(PLACEHOLDER)).count();
    let mut found = Vec::new();
    for at in 0..args.len() {
        let joined = args[at].split_once('=').filter(|(o, _)| is_option(o));
        let value = joined.map_or(args[at].as_str(), |(_, value)| value);
        let is_value = joined.is_some() || (at > 0 && is_option(&args[at - 1]));
        let Some(host) = host(value).filter(|_| is_value || value.ends_with(PLACEHOLDER)) else {
            continue;
        };
        let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() else {
            continue;
        };
        if accepts_loopback(address) {
            continue;
        }
        let words = match at {
            1.. if joined.is_none() && is_value => format!("{} {}", args[at - 1], args[at]),
            _ => args[at].clone(),
        };
        // With a second address, the result could be the same address twice.
        if address.is_loopback() && address.is_ipv6() && addresses < 2 {
            let host = host.to_owned();
            args[at] = args[at].replacen(&host, "127.0.0.1", 1);
            found.push((words, REPLACED));
        } else {
            found.push((words, REPORTED));
        }
    }
    found
}

/// Whether an app with this address accepts connections to 127.0.0.1. With `::`, this depends on the
/// app: asyncio of Python accepts IPv6 only.
fn accepts_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_unspecified() || address.is_loopback(),
        IpAddr::V6(_) => false,
    }
}

fn is_option(arg: &str) -> bool {
    option_name(arg).is_some_and(|name| OPTIONS.contains(&name.as_str()))
}

/// The host of `tcp://[::1]:{port}`, `[::1]:{port}`, or `::1`.
fn host(value: &str) -> Option<&str> {
    let value = value.split_once("://").map_or(value, |(_, rest)| rest);
    let host = match value.split_once(PLACEHOLDER) {
        Some((host, _)) => host.strip_suffix(':')?,
        None => value,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adjusted(line: &str) -> (String, Vec<(String, &'static str)>) {
        let mut args: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let found = adjust(&mut args);
        (args.join(" "), found)
    }

    #[test]
    fn loopback_addresses_of_ipv6_are_replaced() {
        for (args, expected, words) in [
            ("-b [::1]:{port}", "-b 127.0.0.1:{port}", "-b [::1]:{port}"),
            (
                "--bind=tcp://[::1]:{port}",
                "--bind=tcp://127.0.0.1:{port}",
                "--bind=tcp://[::1]:{port}",
            ),
            (
                "app --host ::1 --port {port}",
                "app --host 127.0.0.1 --port {port}",
                "--host ::1",
            ),
            ("[::1]:{port}", "127.0.0.1:{port}", "[::1]:{port}"),
        ] {
            let expected = (expected.to_owned(), vec![(words.to_owned(), REPLACED)]);
            assert_eq!(adjusted(args), expected);
        }
    }

    #[test]
    fn other_addresses_are_reported() {
        for (args, words) in [
            ("--host :: --port {port}", "--host ::"),
            ("-b 10.0.0.5:{port}", "-b 10.0.0.5:{port}"),
            ("-b 127.0.0.1:{port} -b [::1]:{port}", "-b [::1]:{port}"),
        ] {
            let expected = (args.to_owned(), vec![(words.to_owned(), REPORTED)]);
            assert_eq!(adjusted(args), expected);
        }
        for args in [
            "-b 0.0.0.0:{port}",
            "--host localhost",
            "-b :{port}",
            "--redis ::1",
            "-a 4",
        ] {
            assert_eq!(adjusted(args), (args.to_owned(), Vec::new()));
        }
    }
}
