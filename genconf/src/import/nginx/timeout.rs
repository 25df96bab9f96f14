//! Timeouts of requests to instances.

use super::directive::Directive;
use super::location::ScopedRoute;
use super::scope::Scope;
use super::skipped;
use crate::import::Finding;
use crate::import::draft::{ProxyDraft, RouteDraft};
use crate::topology::default::{
    CONNECT_TIMEOUT, DRAIN_TIMEOUT, READ_TIMEOUT, SEND_TIMEOUT, TUNNEL_TIMEOUT,
};
use crate::topology::quantity::Duration;

/// Default timeout of nginx (`ngx_http_proxy_module`).
const NGINX_DEFAULT: Duration = Duration::from_millis(60_000);

/// Longest timeout in a topology.
const MAX_TIMEOUT: Duration = Duration::from_millis(24 * 3_600_000);

const CONNECT: &str = "proxy_connect_timeout";
const READ: &str = "proxy_read_timeout";

/// Keys of `timeouts` that a route can set, with their directives and defaults.
const BOTH: [(&str, &str, Duration); 2] = [
    ("read", READ, READ_TIMEOUT),
    ("send", "proxy_send_timeout", SEND_TIMEOUT),
];

/// Units in the order of `ngx_parse_time`, in milliseconds. nginx rejects years and months in timeouts.
const UNITS: [(&str, u64); 8] = [
    ("y", 365 * 86_400_000),
    ("M", 30 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Parses `90`, `1h30m`, or `1d` to milliseconds. A number without a unit is seconds.
fn millis(text: &str) -> Option<u64> {
    let (mut total, mut rest, mut units) = (0_u64, text.trim_end(), &UNITS[..]);
    while !rest.is_empty() {
        let (number, after) = split_prefix(rest, |c| c.is_ascii_digit());
        let (unit, next) = split_prefix(after, |c| c.is_ascii_alphabetic());
        let unit = if unit.is_empty() { "s" } else { unit };
        let at = units.iter().position(|(name, _)| *name == unit)?;
        let part = number.parse::<u64>().ok()?.checked_mul(units[at].1)?;
        total = total.checked_add(part)?;
        units = &units[at + 1..];
        rest = next.trim_start();
    }
    (!text.is_empty()).then_some(total)
}

/// Splits `text` after its longest prefix of characters that `is_in` accepts.
fn split_prefix(text: &str, is_in: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is_in(c)).unwrap_or(text.len()))
}

/// The value of a directive.
fn duration(directive: &Directive, findings: &mut Vec<Finding>) -> Option<Duration> {
    match millis(directive.arg()) {
        None | Some(0) => {
            findings.push(skipped(
                directive,
                "expected a time greater than 0, such as `60s`",
            ));
            None
        }
        Some(millis) if millis > MAX_TIMEOUT.millis() => {
            let finding = Finding::adjusted(directive.text(), "the maximum timeout is 24h");
            findings.push(finding.at(directive.position));
            Some(MAX_TIMEOUT)
        }
        Some(millis) => Some(Duration::from_millis(millis)),
    }
}

/// The timeout in effect in a block, or the default of nginx.
fn effective(scope: &Scope<'_>, directive: &str, findings: &mut Vec<Finding>) -> Duration {
    let found = scope.find(directive);
    found
        .and_then(|d| duration(d, findings))
        .unwrap_or(NGINX_DEFAULT)
}

/// Source of the connect timeout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ConnectTimeout {
    /// The default of nginx.
    Default,
    /// A directive.
    Configured,
}

/// Sets the timeouts of a proxy.
pub(super) fn of_proxy(
    proxy: &mut ProxyDraft,
    server: &Scope<'_>,
    found: &[ScopedRoute<'_>],
    findings: &mut Vec<Finding>,
) -> ConnectTimeout {
    // Routes cannot set it: the longest one applies.
    let connects = found.iter().filter_map(|f| f.scope.find(CONNECT));
    let connect = connects.filter_map(|d| duration(d, findings)).max();
    let configured = connect.filter(|time| *time != CONNECT_TIMEOUT);
    proxy
        .timeouts
        .extend(configured.map(|time| ("connect", time)));
    for (key, directive, default) in BOTH {
        let time = effective(server, directive, findings);
        proxy
            .timeouts
            .extend((time != default).then_some((key, time)));
    }
    // nginx has one timeout for responses, WebSocket connections, and event streams.
    let read = effective(server, READ, findings);
    let tunnel = (read > TUNNEL_TIMEOUT).then_some(("tunnel", read));
    proxy.timeouts.extend(tunnel);
    connect.map_or(ConnectTimeout::Default, |_| ConnectTimeout::Configured)
}

/// Sets the timeouts of a route that differ from those of its proxy.
pub(super) fn of_route(
    route: &mut RouteDraft,
    scope: &Scope<'_>,
    server: &Scope<'_>,
    findings: &mut Vec<Finding>,
) {
    for (key, directive, _) in BOTH {
        let time = effective(scope, directive, findings);
        let differs = time != effective(server, directive, findings);
        route.timeouts.extend(differs.then_some((key, time)));
    }
    let read = effective(scope, READ, findings);
    let outer = effective(server, READ, findings).max(TUNNEL_TIMEOUT);
    let tunnel = (read > TUNNEL_TIMEOUT && read != outer).then_some(("tunnel", read));
    route.timeouts.extend(tunnel);
    let upgrades = scope.all("proxy_set_header");
    let is_websocket = upgrades
        .iter()
        .any(|d| d.arg().eq_ignore_ascii_case("upgrade"));
    if let Some(configured) = scope.find(READ).filter(|_| is_websocket)
        && read < outer
        && read != NGINX_DEFAULT
    {
        let reason =
            format!("idle WebSocket connections are closed after {outer} (`timeouts.tunnel`)");
        findings.push(Finding::adjusted(configured.text(), reason).at(configured.position));
    }
}

/// The drain timeout, if `worker_shutdown_timeout` is set.
pub(super) fn drain(tree: &[Directive], findings: &mut Vec<Finding>) -> Option<Duration> {
    let configured = tree.iter().find(|d| d.name == "worker_shutdown_timeout")?;
    duration(configured, findings).filter(|time| *time != DRAIN_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn times_are_parsed_like_in_nginx() {
        for (text, expected) in [
            ("90", 90_000),
            ("500ms", 500),
            ("1d", 86_400_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("1m30", 90_000),
            ("1w2d", 777_600_000),
            ("1M", 2_592_000_000),
            ("1y", 31_536_000_000),
            ("0", 0),
        ] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        for wrong in [
            "",
            "s",
            "1x",
            "30m1h",
            "1h1h",
            "1.5s",
            "-1",
            "1hm",
            "99999999999999999y",
        ] {
            assert_eq!(millis(wrong), None, "{wrong:?}");
        }
    }
}
