//! What a health check sends and expects: the Host header and the status codes.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::address::Port;
use super::decode::Leaf;
use super::name::is_label;

/// Codes that a final response can have. A 1xx response is interim (RFC 9110, section 15.2) and
/// is never the answer to a health check.
const CODES: std::ops::RangeInclusive<u16> = 200..=599;

/// One status code, or a range with both ends in it: `204`, `200-299`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StatusRange {
    first: u16,
    last: u16,
}

impl StatusRange {
    /// 200 to 299: every successful response.
    pub const SUCCESSFUL: Self = Self {
        first: 200,
        last: 299,
    };

    /// Whether every code of `other` is in it.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

impl fmt::Display for StatusRange {
    /// The form that `HAProxy` reads after `http-check expect status`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl Leaf for StatusRange {
    const WHAT: &'static str = "a status code from 200 to 599 or a range of them";

    fn schema() -> Value {
        json!({
            "type": ["integer", "string"], "minimum": 200, "maximum": 599,
            "pattern": "^[2-5][0-9][0-9](-[2-5][0-9][0-9])?$",
        })
    }

    fn read(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (code(first.trim()), code(last.trim())) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last }),
            (Some(first), Some(last)) => {
                Err(format!("write the lower code first: `{last}-{first}`"))
            }
            _ => Err(match class(text) {
                Some(digit) => format!("write `{digit}00-{digit}99`"),
                None => "write `204`, `200-299`, or a list: `[200-299, 401]`".to_owned(),
            }),
        }
    }
}

fn code(text: &str) -> Option<u16> {
    let is_plain = text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
    let code = is_plain.then(|| text.parse().ok()).flatten()?;
    CODES.contains(&code).then_some(code)
}

/// The digit of `2xx`.
fn class(text: &str) -> Option<char> {
    let digit = text.to_ascii_lowercase().strip_suffix("xx")?.parse().ok()?;
    ('2'..='5').contains(&digit).then_some(digit)
}

/// The value of a Host header (RFC 9110, section 7.2): a host name or an IP address, with or
/// without a port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostHeader(String);

impl HostHeader {
    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Leaf for HostHeader {
    const WHAT: &'static str = "a host name or an IP address, with or without a port";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^([a-z0-9.-]+|\\[[0-9a-fA-F:.]+\\])(:[0-9]+)?$" })
    }

    fn read(text: &str) -> Result<Self, String> {
        if is_host_header(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(match meant(text) {
            Some(meant) => format!("write `{meant}`"),
            None => {
                "write `shop.example.org`, `shop.example.org:8443` or `\"[::1]:80\"`".to_owned()
            }
        })
    }
}

fn is_host_header(text: &str) -> bool {
    let is_port = |port: &str| Port::read(port).is_ok();
    if let Some(rest) = text.strip_prefix('[') {
        let Some((ip, after)) = rest.split_once(']') else {
            return false;
        };
        let is_end = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
        return ip.parse::<Ipv6Addr>().is_ok() && is_end;
    }
    match text.split_once(':') {
        Some((host, port)) => is_host(host) && is_port(port),
        None => is_host(text),
    }
}

/// A name whose last label is a number is an IPv4 address or nothing (RFC 1123, section 2.1).
fn is_host(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<Ipv4Addr>().is_ok();
    }
    text.len() <= 253 && text.split('.').all(is_label)
}

/// The value inside a URL, in capitals, below a wildcard or without the brackets of IPv6.
fn meant(text: &str) -> Option<String> {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split('/').next().unwrap_or_default();
    let text = text.strip_prefix("*.").unwrap_or(text);
    let plain = text.trim_end_matches('.').to_ascii_lowercase();
    if plain.parse::<Ipv6Addr>().is_ok() {
        // Quoted, or YAML would read a list.
        return Some(format!("\"[{plain}]\""));
    }
    is_host_header(&plain).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_range_is_a_code_or_two_ends() {
        let printed = |text| StatusRange::read(text).map(|r| r.to_string());
        assert_eq!(printed("204"), Ok("204".to_owned()));
        assert_eq!(printed("200-299"), Ok("200-299".to_owned()));
        assert_eq!(printed("200 - 200"), Ok("200".to_owned()));
        assert_eq!(printed("200-599"), Ok("200-599".to_owned()));
        let swapped = "write the lower code first: `200-299`".to_owned();
        assert_eq!(printed("299-200"), Err(swapped));
        assert_eq!(printed("4XX"), Err("write `400-499`".to_owned()));
        for wrong in [
            "",
            "0",
            "99",
            "100",
            "199",
            "600",
            "200-600",
            "100-299",
            "2000",
            "+200",
            "-200",
            "200-",
            "200-299-399",
            "1xx",
            "xx",
            "2e2",
            "٢٠٠",
            "200,204",
            "200.0",
        ] {
            assert!(StatusRange::read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_host_header_is_a_name_or_an_address_with_or_without_a_port() {
        for right in [
            "localhost",
            "shop.example.org",
            "shop.example.org:8443",
            "xn--bcher-kva.example",
            "127.0.0.1",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:80",
            "[2001:db8::1]:65535",
            "3com.example",
        ] {
            let read = HostHeader::read(right).map(|h| h.0);
            assert_eq!(read.as_deref(), Ok(right));
        }
        for wrong in [
            "",
            " ",
            "_",
            "a b",
            "a\r\nX: y",
            "a:",
            "a:0",
            "a:65536",
            "a:080",
            "a:80:80",
            "a@b",
            "a?b",
            "a#b",
            "a%b",
            "a$b",
            "-a",
            "a..b",
            "[",
            "[::1",
            "[::1]80",
            "[::1]:",
            "[1.2.3.4]",
            "[fe80::1%eth0]",
            "1.2.3",
            "1.2.3.256",
            "80",
            "ä.example",
        ] {
            assert!(HostHeader::read(wrong).is_err(), "{wrong:?}");
        }
        assert!(HostHeader::read(&"a.".repeat(130)).is_err());
    }

    #[test]
    fn the_help_for_a_host_header_can_be_copied() {
        let help = |text| HostHeader::read(text).expect_err("is wrong");
        assert_eq!(
            help("https://shop.example.org/x"),
            "write `shop.example.org`"
        );
        assert_eq!(help("Shop.Example.ORG:80"), "write `shop.example.org:80`");
        assert_eq!(help("*.example.org"), "write `example.org`");
        assert_eq!(help("::1"), "write `\"[::1]\"`");
        assert!(help("my_shop").contains("`shop.example.org:8443`"));
    }
}
