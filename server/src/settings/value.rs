//! The values a setting can have. Each reads itself from text and says in
//! its error what it would have accepted.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// How the server occupies its port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// One process answers.
    #[default]
    Fork,
    /// A master keeps several workers behind one shared port.
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
            _ => Err("expected fork or cluster"),
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogForm {
    /// A line for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogForm {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected text or json"),
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
            _ => Err("expected a number from 1 to 1024, or max"),
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
            _ => Err("expected a whole number of at least 1"),
        }
    }
}

/// A span of time: `150ms`, `10s`, `2m`; a bare number is seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span(pub(super) Duration);

impl FromStr for Span {
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
            _ => Err("expected a time such as 150ms, 10s or 2m"),
        }
    }
}

/// Where the server listens when no socket was handed to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// All addresses of the host, IPv6 and IPv4.
    Any(u16),
    /// One address.
    Tcp(SocketAddr),
    /// A stream socket in the file system.
    Unix(PathBuf),
}

impl Address {
    /// Reads `text`, taking `port` where it names none.
    pub fn read(text: &str, port: u16) -> Result<Self, &'static str> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.starts_with('/') {
                Ok(Self::Unix(path.into()))
            } else {
                Err("expected an absolute path after unix:")
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
            .map_err(|_| "expected IP, IP:PORT or unix:/PATH")
    }

    /// The socket addresses to try, best first; none for a path.
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
    fn span_reads_its_units() {
        let span = |text: &str| text.parse::<Span>().map(|s| s.0.as_millis());
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
    fn address_takes_the_port_it_does_not_name() {
        let read = |text| Address::read(text, 81);
        assert_eq!(
            read("127.0.0.1"),
            Ok(Address::Tcp(([127, 0, 0, 1], 81).into()))
        );
        assert_eq!(
            read("127.0.0.1:9"),
            Ok(Address::Tcp(([127, 0, 0, 1], 9).into()))
        );
        assert_eq!(
            read("[::1]"),
            Ok(Address::Tcp((Ipv6Addr::LOCALHOST, 81).into()))
        );
        assert_eq!(
            read("unix:/run/r.sock"),
            Ok(Address::Unix("/run/r.sock".into()))
        );
        assert!(read("unix:r.sock").is_err());
        assert!(read("nowhere:80").is_err());
    }
}
