//! Addresses with a port that an app listens on, and the placeholder for the port.

use super::port_argument::PLACEHOLDER;
use super::ports::FIRST;

/// The port of an endpoint of Twisted: `tcp:8000` or `tcp:port=8000:interface=127.0.0.1`.
pub(super) fn endpoint(text: &str) -> Option<(u16, String)> {
    let mut parts: Vec<_> = text.split(':').map(str::to_owned).collect();
    let is_tcp = ["tcp", "tcp4", "tcp6"].contains(&parts[0].as_str());
    for (index, part) in parts.iter_mut().enumerate().skip(1).filter(|_| is_tcp) {
        let (key, value) = part.split_once('=').unwrap_or(("", part));
        let is_port = key == "port" || (key.is_empty() && index == 1);
        if let Some((port, placeholder)) = port_of(value).filter(|_| is_port) {
            let equals = if key.is_empty() { "" } else { "port=" };
            *part = format!("{equals}{placeholder}");
            return Some((port, parts.join(":")));
        }
    }
    None
}

/// A port and its placeholder.
pub(super) fn port_of(value: &str) -> Option<(u16, String)> {
    Some((number(value)?, PLACEHOLDER.to_owned()))
}

/// A port that is not 0.
fn number(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port > 0)
}

/// A number that is probably a port, and its placeholder.
pub(super) fn unprivileged(text: &str) -> Option<(u16, String)> {
    port_of(text).filter(|(port, _)| *port >= FIRST)
}

/// An address of the host itself.
pub(super) fn own_address(text: &str) -> Option<(u16, String)> {
    const HOSTS: [&str; 7] = [
        "",
        "*",
        "localhost",
        "127.0.0.1",
        "0.0.0.0",
        "[::]",
        "[::1]",
    ];
    let (host, _) = text.rsplit_once(':')?;
    addresses(text).filter(|_| HOSTS.contains(&host))
}

/// The port of the first address in a list, and the list with the placeholder for this port.
pub(super) fn addresses(list: &str) -> Option<(u16, String)> {
    let separator = if list.contains(',') { "," } else { ";" };
    let parts: Vec<_> = list.split(separator).collect();
    let port = parts.iter().find_map(|part| Some(address(part)?.1))?;
    let replaced = parts.iter().map(|part| match address(part) {
        Some((before, number, after)) if number == port => {
            format!("{before}{PLACEHOLDER}{after}")
        }
        _ => (*part).to_owned(),
    });
    Some((port, replaced.collect::<Vec<_>>().join(separator)))
}

/// The port of `127.0.0.1:8082`, `:8082`, or `tcp://[::]:8082`, and the text before and after it.
fn address(text: &str) -> Option<(&str, u16, &str)> {
    let start = match text.split_once("://") {
        Some(("tcp" | "http", rest)) => text.len() - rest.len(),
        Some(_) => return None,
        None => 0,
    };
    let end = text[start..]
        .find(['/', '?'])
        .map_or(text.len(), |found| start + found);
    let colon = start + text[start..end].rfind(':')?;
    let host = &text[start..colon];
    let is_host = host
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b".-_*+[]:".contains(&b));
    let is_bracketed = !host.contains(':') || (host.starts_with('[') && host.ends_with(']'));
    let port = number(&text[colon + 1..end]).filter(|_| is_host && is_bracketed)?;
    Some((&text[..=colon], port, &text[end..]))
}
