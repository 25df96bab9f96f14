//! How long a proxy waits for its instances.

use super::location::Found;
use super::scope::Scope;
use super::tree::Directive;
use super::upstream::left;
use crate::import::Note;
use crate::import::plan::{ProxyPlan, RoutePlan};
use crate::topology::default::{
    CONNECT_TIMEOUT, DRAIN_TIMEOUT, READ_TIMEOUT, SEND_TIMEOUT, TUNNEL_TIMEOUT,
};
use crate::topology::quantity::Duration;

/// What nginx waits where nothing is written (`ngx_http_proxy_module`).
const USUAL: Duration = Duration::from_millis(60_000);

/// The longest that the language takes.
const LONGEST: Duration = Duration::from_millis(24 * 3_600_000);

const CONNECT: &str = "proxy_connect_timeout";
const READ: &str = "proxy_read_timeout";

/// Keys of `timeouts` that a route can have, their directives and their defaults.
const BOTH: [(&str, &str, Duration); 2] = [
    ("read", READ, READ_TIMEOUT),
    ("send", "proxy_send_timeout", SEND_TIMEOUT),
];

/// Units in the order in which nginx takes them, and their milliseconds (`ngx_parse_time`). Years
/// and months are not in a file that nginx accepts: timeouts are in milliseconds there.
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

/// Milliseconds of `90`, `1h30m` or `1d`; a number without a unit is seconds.
fn millis(text: &str) -> Option<u64> {
    let (mut total, mut rest, mut units) = (0_u64, text.trim_end(), &UNITS[..]);
    while !rest.is_empty() {
        let (number, behind) = run(rest, |c| c.is_ascii_digit());
        let (unit, next) = run(behind, |c| c.is_ascii_alphabetic());
        let unit = if unit.is_empty() { "s" } else { unit };
        let at = units.iter().position(|(name, _)| *name == unit)?;
        let part = number.parse::<u64>().ok()?.checked_mul(units[at].1)?;
        total = total.checked_add(part)?;
        units = &units[at + 1..];
        rest = next.trim_start();
    }
    (!text.is_empty()).then_some(total)
}

/// What `text` begins with, and the rest.
fn run(text: &str, is_in: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is_in(c)).unwrap_or(text.len()))
}

/// The time of a directive.
fn duration(directive: &Directive, notes: &mut Vec<Note>) -> Option<Duration> {
    match millis(directive.arg()) {
        None | Some(0) => {
            notes.push(left(directive, "its value is none that the proxy can have"));
            None
        }
        Some(millis) if millis > LONGEST.millis() => {
            let note = Note::changed(directive.text(), "the longest timeout is 24h");
            notes.push(note.at(directive.place));
            Some(LONGEST)
        }
        Some(millis) => Some(Duration::from_millis(millis)),
    }
}

/// What a directive says in a block; nginx's own where none is in effect.
fn waits(scope: &Scope<'_>, directive: &str, notes: &mut Vec<Note>) -> Duration {
    let found = scope.find(directive);
    found.and_then(|d| duration(d, notes)).unwrap_or(USUAL)
}

/// Whether nothing in nginx says how long to wait for a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unwritten {
    /// It is nginx's default.
    Yes,
    /// It is written.
    No,
}

/// The timeouts of a proxy, as its server has them.
pub(super) fn of_proxy(
    proxy: &mut ProxyPlan,
    server: &Scope<'_>,
    found: &[Found<'_>],
    notes: &mut Vec<Note>,
) -> Unwritten {
    // A route has no key for it: the longest is in effect.
    let connects = found.iter().filter_map(|f| f.scope.find(CONNECT));
    let connect = connects.filter_map(|d| duration(d, notes)).max();
    let written = connect.filter(|time| *time != CONNECT_TIMEOUT);
    proxy.timeouts.extend(written.map(|time| ("connect", time)));
    for (key, directive, default) in BOTH {
        let time = waits(server, directive, notes);
        proxy
            .timeouts
            .extend((time != default).then_some((key, time)));
    }
    // nginx has one timeout for responses, websockets and event streams.
    let read = waits(server, READ, notes);
    let tunnel = (read > TUNNEL_TIMEOUT).then_some(("tunnel", read));
    proxy.timeouts.extend(tunnel);
    connect.map_or(Unwritten::Yes, |_| Unwritten::No)
}

/// The timeouts of a route that differ from those of its proxy.
pub(super) fn of_route(
    route: &mut RoutePlan,
    scope: &Scope<'_>,
    server: &Scope<'_>,
    notes: &mut Vec<Note>,
) {
    for (key, directive, _) in BOTH {
        let time = waits(scope, directive, notes);
        let differs = time != waits(server, directive, notes);
        route.timeouts.extend(differs.then_some((key, time)));
    }
    let read = waits(scope, READ, notes);
    let outer = waits(server, READ, notes).max(TUNNEL_TIMEOUT);
    let tunnel = (read > TUNNEL_TIMEOUT && read != outer).then_some(("tunnel", read));
    route.timeouts.extend(tunnel);
    let upgrades = scope.all("proxy_set_header");
    let is_websocket = upgrades
        .iter()
        .any(|d| d.arg().eq_ignore_ascii_case("upgrade"));
    if let Some(written) = scope.find(READ).filter(|_| is_websocket)
        && read < outer
        && read != USUAL
    {
        let why = format!("an idle websocket is closed after {outer} (`timeouts.tunnel`)");
        notes.push(Note::changed(written.text(), why).at(written.place));
    }
}

/// How long the connections of replaced workers live, where that is written.
pub(super) fn drain(tree: &[Directive], notes: &mut Vec<Note>) -> Option<Duration> {
    let written = tree.iter().find(|d| d.name == "worker_shutdown_timeout")?;
    duration(written, notes).filter(|time| *time != DRAIN_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn times_are_read_as_nginx_reads_them() {
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
