//! Where things listen: addresses, ports, ranges of ports.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::{Value, json};

use super::decode::Leaf;

const PORT_HELP: &str = "a port is a whole number from 1 to 65535";

/// A TCP port, never 0.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Port(u16);

impl Port {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The port with this number; 0 is none.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        if number == 0 {
            None
        } else {
            Some(Self(number))
        }
    }
}

impl Leaf for Port {
    const WHAT: &'static str = "a port";

    fn schema() -> Value {
        json!({ "type": ["integer", "string"], "minimum": 1, "maximum": 65535, "pattern": "^[0-9]+$" })
    }

    fn read(text: &str) -> Result<Self, String> {
        let canonical = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        match text.parse() {
            Ok(number @ 1..) if canonical => Ok(Self(number)),
            _ => Err(PORT_HELP.to_owned()),
        }
    }
}

/// One port, or a range with both ends in it: `8082-8085`.
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

    /// Whether the port with this number is in it.
    #[must_use]
    pub const fn holds(self, number: u16) -> bool {
        self.first.0 <= number && number <= self.last.0
    }

    /// Whether every port of `other` is in it.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// How many ports it has.
    #[must_use]
    pub fn count(self) -> u64 {
        u64::from(self.last.0 - self.first.0) + 1
    }

    /// Every port of the range, in order.
    pub fn ports(self) -> impl Iterator<Item = Port> {
        (self.first.0..=self.last.0).map(Port)
    }
}

impl Leaf for PortRange {
    const WHAT: &'static str = "a port or a range of ports";

    fn schema() -> Value {
        json!({ "type": ["integer", "string"], "minimum": 1, "maximum": 65535, "pattern": "^[0-9]+(-[0-9]+)?$" })
    }

    fn read(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (Port::read(first.trim())?, Port::read(last.trim())?);
        if first > last {
            return Err(format!(
                "write the lower port first: `{}-{}`",
                last.0, first.0
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

    /// Whether it is met on its own host or its own wire alone: loopback or link-local.
    #[must_use]
    pub const fn is_near(self) -> bool {
        match self.0.to_canonical() {
            IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local(),
        }
    }
}

impl Leaf for Address {
    const WHAT: &'static str = "an IP address";

    fn schema() -> Value {
        json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] })
    }

    fn read(text: &str) -> Result<Self, String> {
        let help =
            "write an address such as `192.168.56.11`; names can change under a running proxy";
        let ip: IpAddr = text.parse().map_err(|_| help.to_owned())?;
        let is_for_all = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
        if ip.is_unspecified() || ip.is_multicast() || is_for_all {
            return Err("this address does not name one host".to_owned());
        }
        Ok(Self(ip))
    }
}

/// Where a proxy listens: `80`, on every IPv4 and IPv6 address, or `ADDRESS:PORT`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Listen {
    ip: Option<IpAddr>,
    port: u16,
}

impl Listen {
    /// Every address at `port`.
    #[must_use]
    pub const fn any(port: u16) -> Self {
        Self { ip: None, port }
    }

    /// The same address, or every one, at another port.
    #[must_use]
    pub const fn at(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The port.
    #[must_use]
    pub const fn port(self) -> u16 {
        self.port
    }

    /// The address; none where the port stands alone.
    #[must_use]
    pub const fn ip(self) -> Option<IpAddr> {
        self.ip
    }

    /// The sockets to listen on. A port alone is two of them, each of which takes connections of
    /// its own family only (`BindIPv6Only=ipv6-only`, systemd.socket(5)).
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

impl Leaf for Listen {
    const WHAT: &'static str = "a port or an address with a port";

    fn schema() -> Value {
        json!({ "type": ["integer", "string"], "minimum": 1, "maximum": 65535 })
    }

    fn read(text: &str) -> Result<Self, String> {
        if let Ok(port) = Port::read(text) {
            return Ok(Self::any(port.0));
        }
        let mapped = |ip: IpAddr| ip.is_ipv6() && ip.to_canonical().is_ipv4();
        match text.parse::<SocketAddr>() {
            Ok(socket) if mapped(socket.ip()) => {
                Err("write the IPv4 address itself: `127.0.0.1:8080`".to_owned())
            }
            Ok(socket) if socket.port() > 0 => Ok(Self {
                ip: Some(socket.ip()),
                port: socket.port(),
            }),
            _ => Err("write `80`, `127.0.0.1:8080` or `[::]:80`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_both_ends_and_say_what_is_wrong() {
        let ports =
            |text| PortRange::read(text).map(|r| r.ports().map(Port::number).collect::<Vec<_>>());
        assert_eq!(ports("8082-8085"), Ok(vec![8082, 8083, 8084, 8085]));
        assert_eq!(ports("65535"), Ok(vec![65535]));
        assert_eq!(
            ports("9-8"),
            Err("write the lower port first: `8-9`".to_owned())
        );
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
    fn an_address_names_one_host_and_says_whether_others_reach_it() {
        let near = |text| Address::read(text).map(Address::is_near).ok();
        for text in [
            "127.0.0.1",
            "169.254.1.2",
            "::1",
            "fe80::1",
            "::ffff:127.0.0.2",
        ] {
            assert_eq!(near(text), Some(true), "{text}");
        }
        for text in ["192.168.56.11", "2001:db8::1", "fd00::1", "203.0.113.9"] {
            assert_eq!(near(text), Some(false), "{text}");
        }
        for text in ["0.0.0.0", "::", "255.255.255.255", "224.0.0.1", "ff02::1"] {
            assert_eq!(near(text), None, "{text}");
        }
    }
}
