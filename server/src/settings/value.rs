//! The types of settings. Each parses text; its error describes the valid values.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The process layout of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A single process.
    #[default]
    Fork,
    /// A supervisor with several workers on one shared port.
    Cluster,
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Fork => "fork",
            Self::Cluster => "cluster",
        })
    }
}

impl FromStr for Mode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "fork" => Ok(Self::Fork),
            "cluster" => Ok(Self::Cluster),
            _ => Err("fork or cluster"),
        }
    }
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Plain text.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("text or json"),
        }
    }
}

/// The number of workers of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers(pub NonZeroUsize);

impl Default for Workers {
    fn default() -> Self {
        Self(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}

impl FromStr for Workers {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Self::default());
        }
        match text.parse::<NonZeroUsize>() {
            Ok(number) if number.get() <= 1024 => Ok(Self(number)),
            _ => Err("a number from 1 to 1024, or max"),
        }
    }
}

/// A count that is at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count(pub(super) usize);

impl FromStr for Count {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<u32>() {
            Ok(number) if number > 0 => Ok(Self(number as usize)),
            _ => Err("a whole number of at least 1"),
        }
    }
}

/// A time span: `150ms`, `10s`, `2m`; a number without a unit is in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeSpan(pub(super) Duration);

impl FromStr for TimeSpan {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let scale = match &text[digits.len()..] {
            "ms" => 1,
            "" | "s" => 1_000,
            "m" | "min" => 60_000,
            _ => 0,
        };
        match digits.parse::<u32>() {
            Ok(number) if scale > 0 => Ok(Self(Duration::from_millis(u64::from(number) * scale))),
            _ => Err("a time span such as 150ms, 10s, or 2m"),
        }
    }
}

/// The address to bind if no socket is passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// All addresses of the host, IPv6 and IPv4.
    Any(u16),
    /// One address.
    Tcp(SocketAddr),
    /// A Unix stream socket.
    Unix(PathBuf),
}

impl Address {
    /// Parses `text`; `port` is the default port.
    pub fn parse(text: &str, port: u16) -> Result<Self, &'static str> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.starts_with('/') {
                Ok(Self::Unix(path.into()))
            } else {
                Err("an absolute path after unix:")
            };
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self::Tcp(address));
        }
        match text {
            "*" => return Ok(Self::Any(port)),
            "localhost" => return Ok(Self::Tcp((Ipv4Addr::LOCALHOST, port).into())),
            _ => {}
        }
        text.trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .map(|ip| Self::Tcp((ip, port).into()))
            .map_err(|_| "IP, IP:PORT, or unix:/PATH")
    }

    /// Returns the socket addresses to try in order; none for a path.
    #[must_use]
    pub fn candidates(&self) -> Vec<SocketAddr> {
        match self {
            Self::Any(port) => vec![
                (Ipv6Addr::UNSPECIFIED, *port).into(),
                (Ipv4Addr::UNSPECIFIED, *port).into(),
            ],
            Self::Tcp(address) => vec![*address],
            Self::Unix(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mode_ignores_case() {
        assert_eq!("CLUSTER".parse(), Ok(Mode::Cluster));
        assert_eq!("Fork".parse(), Ok(Mode::Fork));
        assert!("forked".parse::<Mode>().is_err());
    }

    #[test]
    fn time_span_parses_its_units() {
        let span = |text: &str| text.parse::<TimeSpan>().map(|s| s.0.as_millis());
        assert_eq!(span("150ms"), Ok(150));
        assert_eq!(span("10"), Ok(10_000));
        assert_eq!(span("10s"), Ok(10_000));
        assert_eq!(span("2m"), Ok(120_000));
        for wrong in ["", "s", "-1s", "1.5s", "10x", "9999999999s", "1 s"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn workers_are_a_number_or_max() {
        assert_eq!("max".parse(), Ok(Workers::default()));
        assert_eq!("3".parse::<Workers>().map(|w| w.0.get()), Ok(3));
        assert!("0".parse::<Workers>().is_err());
        assert!("-1".parse::<Workers>().is_err());
    }

    #[test]
    fn address_without_a_port_has_the_default_port() {
        let parse = |text| Address::parse(text, 81);
        assert_eq!(
            parse("127.0.0.1"),
            Ok(Address::Tcp(([127, 0, 0, 1], 81).into()))
        );
        assert_eq!(
            parse("127.0.0.1:9"),
            Ok(Address::Tcp(([127, 0, 0, 1], 9).into()))
        );
        assert_eq!(
            parse("[::1]"),
            Ok(Address::Tcp((Ipv6Addr::LOCALHOST, 81).into()))
        );
        assert_eq!(
            parse("unix:/run/r.sock"),
            Ok(Address::Unix("/run/r.sock".into()))
        );
        assert!(parse("unix:r.sock").is_err());
        assert!(parse("nowhere:80").is_err());
    }
}
