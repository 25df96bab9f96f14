//! Addresses, ports, and port ranges.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::{Value, json};

use super::decode::Scalar;
use super::invalid::{Invalid, whole_number};

/// A TCP port, never 0.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Port(u16);

impl Port {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The port with this number; `None` for 0.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        if number == 0 {
            None
        } else {
            Some(Self(number))
        }
    }
}

impl Scalar for Port {
    const NOUN: &'static str = "a port";
    const EXAMPLE: &'static str = "8080";

    fn schema() -> Value {
        json!({ "type": ["integer", "string"], "minimum": 1, "maximum": 65535, "pattern": "^[0-9]+$" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        let number = whole_number(text, 1..=u16::MAX.into())?;
        Ok(Self(u16::try_from(number).unwrap_or(u16::MAX)))
    }
}

/// One port, or an inclusive range: `8082-8085`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PortRange {
    first: Port,
    last: Port,
}

impl PortRange {
    /// The range of one port.
    #[must_use]
    pub const fn single(port: Port) -> Self {
        Self {
            first: port,
            last: port,
        }
    }

    /// Whether it contains the port with this number.
    #[must_use]
    pub const fn holds(self, number: u16) -> bool {
        self.first.0 <= number && number <= self.last.0
    }

    /// Whether it contains every port of `other`.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// The number of ports.
    #[must_use]
    pub fn count(self) -> u64 {
        u64::from(self.last.0 - self.first.0) + 1
    }

    /// The range with these ends; `None` if they are in the wrong order.
    #[must_use]
    pub fn new(first: Port, last: Port) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// One range for both, if they overlap or are adjacent and `self` starts first.
    #[must_use]
    pub fn joined(self, other: Self) -> Option<Self> {
        let is_joined = u32::from(other.first.0) <= u32::from(self.last.0) + 1;
        let last = self.last.max(other.last);
        is_joined.then_some(Self { last, ..self })
    }

    /// The ports that both ranges contain.
    #[must_use]
    pub fn overlap(self, other: Self) -> Option<Self> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (first <= last).then_some(Self { first, last })
    }

    /// The first port and the last one.
    #[must_use]
    pub const fn ends(self) -> (u16, u16) {
        (self.first.0, self.last.0)
    }

    /// Every port of the range, in order.
    pub fn ports(self) -> impl Iterator<Item = Port> {
        (self.first.0..=self.last.0).map(Port)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ends() {
            (first, last) if first == last => write!(f, "{first}"),
            (first, last) => write!(f, "{first}-{last}"),
        }
    }
}

impl Scalar for PortRange {
    const NOUN: &'static str = "a port or a port range";
    const EXAMPLE: &'static str = "8080";

    fn schema() -> Value {
        json!({ "type": ["integer", "string"], "minimum": 1, "maximum": 65535, "pattern": "^[0-9]+(-[0-9]+)?$" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (first.trim(), last.trim());
        let is_number = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        if !is_number(first) || !is_number(last) {
            return Err(Invalid::expected(
                "a port or a port range",
                "use a port such as `8080`, or a range such as `8082-8085`",
            ));
        }
        let (first, last) = (Port::read(first)?, Port::read(last)?);
        if first > last {
            return Err(Invalid::must(
                "have the lower port first",
                format!("use `{}-{}`", last.0, first.0),
            ));
        }
        Ok(Self { first, last })
    }
}

/// The address of a host.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Address(IpAddr);

impl Address {
    /// The address.
    #[must_use]
    pub const fn ip(self) -> IpAddr {
        self.0
    }

    /// Whether other networks cannot reach it: loopback or link-local.
    #[must_use]
    pub const fn is_local(self) -> bool {
        match self.0.to_canonical() {
            IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local(),
        }
    }
}

impl Scalar for Address {
    const NOUN: &'static str = "an IP address";
    const EXAMPLE: &'static str = "192.0.2.10";

    fn schema() -> Value {
        json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        let ip: IpAddr = text.parse().map_err(|_| {
            Invalid::expected(
                "an IPv4 or IPv6 address",
                "use an IP address such as `192.168.56.11`; host names are not resolved",
            )
        })?;
        let is_broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
        if ip.is_unspecified() || ip.is_multicast() || is_broadcast {
            return Err(Invalid::must(
                "be the address of one host",
                "use the unicast address of the host, such as `192.168.56.11`",
            ));
        }
        Ok(Self(ip))
    }
}

/// The address and port of a listener: `80` for every IPv4 and IPv6 address, or `ADDRESS:PORT`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Listen {
    ip: Option<IpAddr>,
    port: u16,
}

impl Listen {
    /// Every address with `port`.
    #[must_use]
    pub const fn any(port: u16) -> Self {
        Self { ip: None, port }
    }

    /// The same addresses with another port.
    #[must_use]
    pub const fn at(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The port.
    #[must_use]
    pub const fn port(self) -> u16 {
        self.port
    }

    /// The address; `None` for every address.
    #[must_use]
    pub const fn ip(self) -> Option<IpAddr> {
        self.ip
    }

    /// The sockets to listen on. Without an address they are two: one for IPv4, one for IPv6
    /// (`BindIPv6Only=ipv6-only`, systemd.socket(5)).
    #[must_use]
    pub fn sockets(self) -> Vec<SocketAddr> {
        let any = [
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        ];
        let ips = self.ip.map_or(any.to_vec(), |ip| vec![ip]);
        let socket = |ip| SocketAddr::new(ip, self.port);
        ips.into_iter().map(socket).collect()
    }
}

impl Scalar for Listen {
    const NOUN: &'static str = "a port, or an address and a port";
    const EXAMPLE: &'static str = "80";

    fn schema() -> Value {
        json!({ "type": ["integer", "string"], "minimum": 1, "maximum": 65535 })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        if text.parse::<i128>().is_ok() {
            return Port::read(text).map(|port| Self::any(port.0));
        }
        let mapped = |ip: IpAddr| ip.is_ipv6() && ip.to_canonical().is_ipv4();
        match text.parse::<SocketAddr>() {
            Ok(socket) if mapped(socket.ip()) => {
                let socket = SocketAddr::new(socket.ip().to_canonical(), socket.port());
                Err(Invalid::must(
                    "not be an IPv4-mapped IPv6 address",
                    format!("use `{socket}`"),
                ))
            }
            Ok(socket) if socket.port() > 0 => Ok(Self {
                ip: Some(socket.ip()),
                port: socket.port(),
            }),
            Ok(_) => Err(Invalid::out_of_range(
                "have a port from 1 to 65535",
                "use a port such as `127.0.0.1:8080`",
            )),
            Err(_) => Err(Invalid::expected(
                "a port, or an IP address and a port",
                "use `80`, `127.0.0.1:8080`, or `\"[::1]:8080\"`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_both_ends() {
        let ports =
            |text| PortRange::read(text).map(|r| r.ports().map(Port::number).collect::<Vec<_>>());
        assert_eq!(ports("8082-8085"), Ok(vec![8082, 8083, 8084, 8085]));
        assert_eq!(ports("65535"), Ok(vec![65535]));
        let swapped = Invalid::must("have the lower port first", "use `8-9`");
        assert_eq!(ports("9-8"), Err(swapped));
        for wrong in ["0", "65536", "010", "1-", "-1", "1e3", "0x10", "1-2-3", ""] {
            assert!(ports(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_listen_is_a_port_or_a_socket_address() {
        let listen = |text| {
            let sockets = Listen::read(text).map(Listen::sockets).unwrap_or_default();
            sockets.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(Listen::read("80"), Ok(Listen::any(80)));
        assert_eq!(listen("80"), ["0.0.0.0:80", "[::]:80"]);
        assert_eq!(listen("[::]:80"), ["[::]:80"]);
        for wrong in ["localhost:80", "127.0.0.1:0", "[::ffff:127.0.0.1]:80"] {
            assert!(Listen::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_is_of_one_host_and_may_be_local() {
        let local = |text| Address::read(text).map(Address::is_local).ok();
        for text in [
            "127.0.0.1",
            "169.254.1.2",
            "::1",
            "fe80::1",
            "::ffff:127.0.0.2",
        ] {
            assert_eq!(local(text), Some(true), "{text}");
        }
        for text in ["192.168.56.11", "2001:db8::1", "fd00::1", "203.0.113.9"] {
            assert_eq!(local(text), Some(false), "{text}");
        }
        for text in ["0.0.0.0", "::", "255.255.255.255", "224.0.0.1", "ff02::1"] {
            assert_eq!(local(text), None, "{text}");
        }
    }
}
