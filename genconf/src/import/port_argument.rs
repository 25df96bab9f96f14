//! Ports and Unix sockets in arguments.

use super::listen_address::{addresses, endpoint, own_address, port_of, unprivileged};

/// Placeholder in `args` and `env` for the port of each instance.
pub(super) const PLACEHOLDER: &str = "{port}";

/// Reason to report a value that already contains the placeholder.
pub(super) const IS_PLACEHOLDER: &str =
    "in a topology, `{port}` is replaced with the port of each instance";

/// Reason to report a port that the placeholder replaces.
pub(super) const REPLACED: &str = "the number is replaced with `{port}`, the port of each instance";

/// Names of options whose value is a port, without leading dashes.
const PORT_OPTIONS: [&str; 12] = [
    "p",
    "P",
    "port",
    "puerto",
    "app-port",
    "bind-port",
    "http-port",
    "http.port",
    "listen-port",
    "server-port",
    "server.port",
    "web-port",
];

/// Names of options whose value is an address with a port, or a Unix socket.
const ADDRESS_OPTIONS: [&str; 22] = [
    "H",
    "L",
    "S",
    "a",
    "addr",
    "address",
    "b",
    "bind",
    "bind-addr",
    "bind-address",
    "host",
    "http",
    "http-addr",
    "http-address",
    "http-socket",
    "http.addr",
    "l",
    "listen",
    "listen-addr",
    "listen-address",
    "urls",
    "web.listen-address",
];

/// Names of options whose value is an endpoint of Twisted, as in `daphne -e tcp:port=8000`.
const ENDPOINT_OPTIONS: [&str; 2] = ["e", "endpoint"];

/// Names of options whose value is a Unix socket.
const SOCKET_OPTIONS: [&str; 6] = ["sock", "socket", "u", "uds", "unix", "unix-socket"];

/// A port in arguments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PortArgument {
    /// The port.
    pub(super) port: u16,
    /// Index of its first argument.
    first: usize,
    /// Number of arguments: 2 for `-p 8082`.
    count: usize,
    /// Its last argument with [`PLACEHOLDER`] instead of the port.
    replacement: String,
}

/// The name of the option `arg`: `p` for `-p`, `listen-addr` for `--listen_addr`.
pub(super) fn option_name(arg: &str) -> Option<String> {
    let name = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-'))?;
    let is_short = name.len() < 2;
    (!name.is_empty()).then(|| {
        if is_short {
            name.to_owned()
        } else {
            name.to_ascii_lowercase().replace('_', "-")
        }
    })
}

impl PortArgument {
    /// The port in `args`: that of an option, otherwise an address or a number without an option.
    pub(super) fn find(args: &[String]) -> Option<Self> {
        Self::of_option(args).or_else(|| Self::positional(args))
    }

    /// The port of an option: `--port=8082`, `-p 8082`, `PORT=8082`, `--bind 127.0.0.1:8082`.
    pub(super) fn of_option(args: &[String]) -> Option<Self> {
        (0..args.len()).find_map(|first| Self::option_at(args, first))
    }

    /// The port of the option with the index `first`.
    fn option_at(args: &[String], first: usize) -> Option<Self> {
        let (port, count, replacement) = option(&args[first..])?;
        Some(Self {
            port,
            first,
            count,
            replacement,
        })
    }

    /// The port of an option, or that after a word that starts a server: `runserver 8082`.
    pub(super) fn of_server(args: &[String]) -> Option<Self> {
        let starts_server = |first: &usize| {
            *first > 0 && ["http.server", "runserver"].contains(&args[*first - 1].as_str())
        };
        Self::of_option(args).or_else(|| {
            let mut found = (0..args.len()).filter(starts_server);
            found.find_map(|first| Self::alone(args, first))
        })
    }

    /// `8082` or `0.0.0.0:8082`, unless it can be the value of an unknown option.
    fn positional(args: &[String]) -> Option<Self> {
        let is_value = |first: usize| {
            first > 0
                && args[first - 1].starts_with('-')
                && args[first - 1] != "--"
                && !args[first - 1].contains('=')
        };
        (0..args.len())
            .filter(|first| !is_value(*first))
            .find_map(|first| Self::alone(args, first))
    }

    /// The port or the address that is the argument with the index `first`.
    fn alone(args: &[String], first: usize) -> Option<Self> {
        let arg = &args[first];
        let (port, replacement) = unprivileged(arg).or_else(|| own_address(arg))?;
        Some(Self {
            port,
            first,
            count: 1,
            replacement,
        })
    }

    /// Replaces the port in `args` with [`PLACEHOLDER`], also in other options with the same port.
    /// Returns the arguments as in the file.
    pub(super) fn replace_in(self, args: &mut [String]) -> Vec<String> {
        let port = self.port;
        let mut replaced = vec![self.replace_one(args)];
        for first in 0..args.len() {
            let other = Self::option_at(args, first).filter(|other| other.port == port);
            replaced.extend(other.map(|other| other.replace_one(args)));
        }
        replaced
    }

    fn replace_one(self, args: &mut [String]) -> String {
        let own = self.first..self.first + self.count;
        let words = args[own.clone()].join(" ");
        args[own.end - 1] = self.replacement;
        words
    }
}

/// The port of the option at the start of `args`, the number of its arguments, and the last of them
/// with the placeholder.
fn option(args: &[String]) -> Option<(u16, usize, String)> {
    let (arg, next) = args.split_first()?;
    if let Some((option, value)) = arg.split_once('=') {
        let (port, value) = if option.eq_ignore_ascii_case("port") || is_java_property(option) {
            port_of(value)
        } else {
            value_of(option, value)
        }?;
        return Some((port, 1, format!("{option}={value}")));
    }
    if let Some((port, value)) = next.first().and_then(|value| value_of(arg, value)) {
        return Some((port, 2, value));
    }
    let (port, joined) = if let Some(value) = arg.strip_prefix("-p") {
        let (port, value) = port_of(value)?;
        (port, format!("-p{value}"))
    } else {
        let (port, value) = addresses(arg.strip_prefix("-b")?)?;
        (port, format!("-b{value}"))
    };
    Some((port, 1, joined))
}

/// Whether this is a property of java with a port: `-Dserver.port`.
fn is_java_property(option: &str) -> bool {
    option.starts_with("-D") && option.to_ascii_lowercase().ends_with("port")
}

/// The port in the value of an option, and the value with the placeholder.
fn value_of(option: &str, value: &str) -> Option<(u16, String)> {
    let name = option_name(option)?;
    let is_in = |names: &[&str]| names.contains(&name.as_str());
    if is_in(&PORT_OPTIONS) {
        return port_of(value);
    }
    if is_in(&ENDPOINT_OPTIONS) {
        return endpoint(value);
    }
    if !is_in(&ADDRESS_OPTIONS) {
        return None;
    }
    // `-b 4096` can be a buffer size.
    let can_be_number = name == "l" || (name.len() > 1 && name != "host");
    addresses(value).or_else(|| unprivileged(value).filter(|_| can_be_number))
}

/// Removes the options of `args` with a Unix socket to listen on, and returns them.
pub(super) fn take_sockets(args: &mut Vec<String>) -> Vec<String> {
    let mut sockets = Vec::new();
    let mut at = 0;
    while at < args.len() {
        let count = match args[at].split_once('=') {
            Some((option, value)) => usize::from(is_listener(option, value)),
            None => match args.get(at + 1) {
                Some(value) if is_listener(&args[at], value) => 2,
                _ => 0,
            },
        };
        if count == 0 {
            at += 1;
        } else {
            sockets.push(args.drain(at..at + count).collect::<Vec<_>>().join(" "));
        }
    }
    sockets
}

/// Whether the option makes the app listen on a Unix socket.
fn is_listener(option: &str, value: &str) -> bool {
    let is_path = value.starts_with(['/', '.']);
    let is_socket = value.starts_with("unix:") || value.contains(".sock");
    let name = option_name(option).unwrap_or_default();
    let is_in = |names: &[&str]| names.contains(&name.as_str());
    is_in(&SOCKET_OPTIONS) && (is_path || is_socket)
        || (is_in(&ADDRESS_OPTIONS) || is_in(&ENDPOINT_OPTIONS)) && is_socket
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    fn port(line: &str) -> Option<u16> {
        PortArgument::find(&words(line)).map(|found| found.port)
    }

    #[test]
    fn a_port_is_found_in_common_arguments() {
        for args in [
            "--port=8082",
            "--port 8082",
            "-p 8082",
            "-p8082",
            "-- 8082",
            "8082",
            "--mode fork -p 8082",
            "PORT=8082",
            "-Dserver.port=8082",
            "runserver 0.0.0.0:8082",
            "--listen 8082",
            "-http-addr :8082",
            "--listen_address=[::]:8082",
            "--mode=fork 8082",
            "-e tcp:port=8082:interface=0.0.0.0",
            "--endpoint tcp:8082",
            "-H 0.0.0.0:8082",
        ] {
            assert_eq!(port(args), Some(8082), "{args}");
        }
        for args in [
            "--timeout 8082",
            "-n 8082",
            "--port",
            "--port=0",
            "--port=99999",
            "--redis 127.0.0.1:6379",
            "http://127.0.0.1:9000",
            "app:app",
            "-b 0.0.0.0",
            "-l 10",
            "-b 4096",
            "-e production",
            "-e ssl:port=8443",
            "-a 4096",
            "-H 4096",
            "-parallel",
            "80",
            "",
        ] {
            assert_eq!(port(args), None, "{args}");
        }
    }

    #[test]
    fn the_port_of_an_option_precedes_a_number() {
        assert_eq!(port("4000 --port 8082"), Some(8082));
        assert_eq!(PortArgument::of_option(&words("clock.py 3600")), None);
        assert_eq!(PortArgument::of_server(&words("clock.py 3600")), None);
        let found = PortArgument::of_server(&words("manage.py runserver [::1]:8082"));
        assert_eq!(found.map(|found| found.port), Some(8082));
    }

    #[test]
    fn a_port_is_replaced_with_the_placeholder() {
        for (args, expected) in [
            ("--mode fork -- 8082", "--mode fork -- {port}"),
            ("-p 8082 -x=y", "-p {port} -x=y"),
            ("-p8082", "-p{port}"),
            ("a --port=8082", "a --port={port}"),
            ("--bind 127.0.0.1:8000 -w 3", "--bind 127.0.0.1:{port} -w 3"),
            ("--bind=:8000", "--bind=:{port}"),
            ("-b 0.0.0.0:8000", "-b 0.0.0.0:{port}"),
            ("-b:8000", "-b:{port}"),
            ("--listen [::]:8000", "--listen [::]:{port}"),
            ("--host localhost:8000", "--host localhost:{port}"),
            ("-b tcp://0.0.0.0:9292", "-b tcp://0.0.0.0:{port}"),
            ("-b tcp://[::]:80?x=y", "-b tcp://[::]:{port}?x=y"),
            (
                "--urls http://*:80;http://a:81",
                "--urls http://*:{port};http://a:81",
            ),
            (
                "--bind 0.0.0.0:80,[::]:80",
                "--bind 0.0.0.0:{port},[::]:{port}",
            ),
            ("runserver :8000", "runserver :{port}"),
            (
                "-e tcp:port=8000:interface=0.0.0.0",
                "-e tcp:port={port}:interface=0.0.0.0",
            ),
            (
                "-b 127.0.0.1:80 -b [::1]:80 --port=81",
                "-b 127.0.0.1:{port} -b [::1]:{port} --port=81",
            ),
        ] {
            let mut args = words(args);
            let found = PortArgument::find(&args).expect("has a port");
            found.replace_in(&mut args);
            assert_eq!(args.join(" "), expected);
        }
    }

    #[test]
    fn unix_sockets_are_removed() {
        for (args, socket, rest) in [
            (
                "a:a --bind unix:/run/a.sock -w 3",
                "--bind unix:/run/a.sock",
                "a:a -w 3",
            ),
            ("--bind=/run/a.sock", "--bind=/run/a.sock", ""),
            ("x --uds /run/a", "--uds /run/a", "x"),
            (
                "-b unix:///run/a.sock -b :80",
                "-b unix:///run/a.sock",
                "-b :80",
            ),
        ] {
            let mut args = words(args);
            assert_eq!(take_sockets(&mut args), [socket]);
            assert_eq!(args.join(" "), rest);
        }
        let mut args = words("--redis /run/redis.sock --bind :80");
        assert_eq!(take_sockets(&mut args), Vec::<String>::new());
        assert_eq!(args.len(), 4);
    }
}
