//! The Host header and the status codes of a health check.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::address::Port;
use super::decode::Scalar;
use super::invalid::{Invalid, whole_number};
use super::name::{IDN_HELP, is_label};

/// Status codes of final responses; 1xx responses are interim (RFC 9110, section 15.2).
const CODES: std::ops::RangeInclusive<u16> = 200..=599;

/// One status code, or an inclusive range: `204`, `200-299`.
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

    /// Whether it contains every code of `other`.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

impl From<StatusRange> for model::StatusRange {
    fn from(range: StatusRange) -> Self {
        Self {
            first: range.first,
            last: range.last,
        }
    }
}

impl fmt::Display for StatusRange {
    /// The format of `http-check expect status` in `HAProxy`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl Scalar for StatusRange {
    const NOUN: &'static str = "a status code or a range of status codes";
    const EXAMPLE: &'static str = "200-299";

    fn schema() -> Value {
        json!({
            "type": ["integer", "string"], "minimum": 200, "maximum": 599,
            "pattern": "^[2-5][0-9][0-9](-[2-5][0-9][0-9])?$",
        })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (first.trim(), last.trim());
        let is_number = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        if !is_number(first) || !is_number(last) {
            let help = match class(text) {
                Some(digit) => format!("use `{digit}00-{digit}99`"),
                None => "use `204`, `200-299`, or a list: `[200-299, 401]`".to_owned(),
            };
            return Err(Invalid::expected("a status code or a range", help));
        }
        let (first, last) = (code(first)?, code(last)?);
        if first > last {
            let help = format!("use `{last}-{first}`");
            return Err(Invalid::must("have the lower status code first", help));
        }
        Ok(Self { first, last })
    }
}

fn code(text: &str) -> Result<u16, Invalid> {
    let (min, max) = (*CODES.start(), *CODES.end());
    let read = whole_number(text, min.into()..=max.into());
    let code = read.map_err(|invalid| invalid.found(format!("`{text}`")))?;
    Ok(u16::try_from(code).unwrap_or(max))
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

impl Scalar for HostHeader {
    const NOUN: &'static str = "a host name or an IP address";
    const EXAMPLE: &'static str = "example.org";

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^([a-z0-9.-]+|\\[[0-9a-fA-F:.]+\\])(:[0-9]+)?$" })
    }

    fn read(text: &str) -> Result<Self, Invalid> {
        if is_host_header(text) {
            return Ok(Self(text.to_owned()));
        }
        let help = match host_in(text) {
            Some(host) => format!("use `{host}`"),
            None if !text.is_ascii() => IDN_HELP.to_owned(),
            None => "use `shop.example.org`, `shop.example.org:8443`, or `\"[::1]:80\"`".to_owned(),
        };
        let expected = "a host name or an IP address, with an optional port";
        Err(Invalid::expected(expected, help))
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

/// A name whose last label is a number must be an IPv4 address (RFC 1123, section 2.1).
fn is_host(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<Ipv4Addr>().is_ok();
    }
    text.len() <= 253 && text.split('.').all(is_label)
}

/// The host in a URL, with uppercase letters, with a wildcard, or an IPv6 address without brackets.
fn host_in(text: &str) -> Option<String> {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split('/').next().unwrap_or_default();
    let text = text.strip_prefix("*.").unwrap_or(text);
    let plain = text.trim_end_matches('.').to_ascii_lowercase();
    if plain.parse::<Ipv6Addr>().is_ok() {
        // Without quotes YAML reads a list.
        return Some(format!("\"[{plain}]\""));
    }
    is_host_header(&plain).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_range_is_a_code_or_a_range() {
        let printed = |text| StatusRange::read(text).map(|r| r.to_string());
        assert_eq!(printed("204"), Ok("204".to_owned()));
        assert_eq!(printed("200-299"), Ok("200-299".to_owned()));
        assert_eq!(printed("200 - 200"), Ok("200".to_owned()));
        assert_eq!(printed("200-599"), Ok("200-599".to_owned()));
        let swapped = Invalid::must("have the lower status code first", "use `200-299`");
        assert_eq!(printed("299-200"), Err(swapped));
        let class = Invalid::expected("a status code or a range", "use `400-499`");
        assert_eq!(printed("4XX"), Err(class));
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
            assert_eq!(read, Ok(right.to_owned()));
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
        let host = |text| host_in(text).unwrap_or_default();
        assert_eq!(host("https://shop.example.org/x"), "shop.example.org");
        assert_eq!(host("Shop.Example.ORG:80"), "shop.example.org:80");
        assert_eq!(host("*.example.org"), "example.org");
        assert_eq!(host("::1"), "\"[::1]\"");
        assert_eq!(host("my_shop"), "");
    }
}
