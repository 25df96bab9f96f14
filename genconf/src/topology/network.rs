//! Networks in CIDR notation.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::decode::Scalar;
use super::invalid::Invalid;

/// A network in CIDR notation (RFC 4632), or one address: `10.0.0.0/8`, `192.0.2.7`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    fn width(address: IpAddr) -> u8 {
        if address.is_ipv4() { 32 } else { 128 }
    }

    /// The address with every bit after the prefix cleared.
    fn base(self) -> IpAddr {
        match self.address {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix));
                Ipv4Addr::from_bits(ip.to_bits() & mask.unwrap_or(0)).into()
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix));
                Ipv6Addr::from_bits(ip.to_bits() & mask.unwrap_or(0)).into()
            }
        }
    }
}

impl fmt::Display for Network {
    /// `10.0.0.0/8`; a single address has no prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == Self::width(self.address) {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

impl Scalar for Network {
    const NOUN: &'static str = "an IP address or a network";
    const EXAMPLE: &'static str = "10.0.0.0/8";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let unreadable = || {
            Invalid::expected(
                "an IP address, or a network in CIDR notation",
                "use an address such as `192.0.2.7`, or a network such as `10.0.0.0/8`",
            )
        };
        let address: IpAddr = address.parse().map_err(|_| unreadable())?;
        if prefix.is_some_and(|p| p.parse::<i64>().is_err()) {
            return Err(unreadable());
        }
        if address.is_ipv6() && address.to_canonical().is_ipv4() {
            return Err(Invalid::must(
                "not be an IPv4-mapped IPv6 address",
                format!("use `{}`", address.to_canonical()),
            ));
        }
        let width = Self::width(address);
        let is_canonical = |p: &&str| !p.starts_with('+') && (*p == "0" || !p.starts_with('0'));
        let prefix = match prefix {
            None => width,
            Some(prefix) => Some(prefix)
                .filter(is_canonical)
                .and_then(|p| p.parse().ok())
                .filter(|p| *p <= width)
                .ok_or_else(|| {
                    Invalid::out_of_range(
                        format!("have a prefix length from 0 to {width}"),
                        format!("use `{address}/{width}` for a single address"),
                    )
                })?,
        };
        let network = Self { address, prefix };
        let base = network.base();
        if base != address {
            return Err(Invalid::must(
                "not have host bits set",
                format!("use `{base}/{prefix}` for the network"),
            ));
        }
        Ok(network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_no_bits_after_its_prefix() {
        let network = |text| Network::read(text).map(|n| n.to_string());
        for (written, read) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7/32", "192.0.2.7"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::1", "::1"),
        ] {
            assert_eq!(network(written), Ok(read.to_owned()), "{written}");
        }
        let help = "use `10.0.0.0/8` for the network";
        let invalid = Invalid::must("not have host bits set", help);
        assert_eq!(network("10.1.2.3/8"), Err(invalid));
        for wrong in [
            "",
            "10/8",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "::/129",
            "::ffff:10.0.0.0/104",
            "example.org",
            "10.0.0.0/8/8",
            "10.0.0.1;",
        ] {
            assert!(network(wrong).is_err(), "{wrong:?}");
        }
    }
}
