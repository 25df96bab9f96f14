//! How long a proxy waits for its instances.

use super::door::title;
use super::tree::Directive;
use crate::import::Note;
use crate::import::plan::ProxyPlan;
use crate::topology::decode::Leaf as _;
use crate::topology::default::CONNECT_TIMEOUT;
use crate::topology::quantity::Duration;

/// What nginx waits where nothing is written (`ngx_http_proxy_module`).
const USUAL: Duration = Duration::from_millis(60_000);

const CONNECT: &str = "proxy_connect_timeout";

/// A key of `timeouts`, its directive, and what it is where nothing is
/// written: `None` is genconf's own.
const TIMEOUTS: [(&str, &str, Option<Duration>); 3] = [
    ("connect", CONNECT, None),
    ("read", "proxy_read_timeout", Some(USUAL)),
    ("send", "proxy_send_timeout", Some(USUAL)),
];

/// Whether the directive says such a time.
pub(super) fn is_timeout(name: &str) -> bool {
    TIMEOUTS.iter().any(|(_, directive, _)| *directive == name)
}

/// The time of a directive: nginx reads a bare number as seconds.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let bare = text.bytes().all(|b| b.is_ascii_digit());
    let seconds = if bare { "s" } else { "" };
    Duration::read(&format!("{text}{seconds}")).ok()
}

/// The longest of each kind that counts in any location.
pub(super) fn timeouts(
    proxy: &mut ProxyPlan,
    server: &Directive,
    http: &[Directive],
    notes: &mut Vec<Note>,
) {
    let mut unwritten = Vec::new();
    for (key, directive, usual) in TIMEOUTS {
        let outer = said(server.inside(), directive).or_else(|| said(http, directive));
        let mut waits = Vec::new();
        collect(server, directive, outer, &mut waits);
        let is_written = !waits.contains(&None);
        let longest = waits.into_iter().map(|w| w.or(usual)).max().flatten();
        if !is_written && (usual.is_some() || longest.is_none()) {
            unwritten.push(directive);
        }
        proxy.timeouts.extend(longest.map(|time| (key, time)));
    }
    unwritten.sort_by_key(|directive| *directive == CONNECT);
    if !unwritten.is_empty() {
        notes.push(Note::changed(title(server), why(&unwritten)).at(server.place));
    }
}

fn why(unwritten: &[&str]) -> String {
    let here = |directive: &&str| match *directive {
        CONNECT => format!("{CONNECT} is {CONNECT_TIMEOUT}, after which another instance is asked"),
        other => format!("{other} is {USUAL}"),
    };
    let here: Vec<_> = unwritten.iter().map(here).collect();
    let here = here.join(", ");
    format!("nginx waits {USUAL} where nothing is written; here {here}")
}

/// What counts in each location of `block` that passes requests on, where `outer` counts around it.
fn collect(
    block: &Directive,
    directive: &str,
    outer: Option<Duration>,
    waits: &mut Vec<Option<Duration>>,
) {
    for location in block.inside().iter().filter(|d| d.name == "location") {
        let own = said(location.inside(), directive).or(outer);
        if location.inside().iter().any(|d| d.name == "proxy_pass") {
            waits.push(own);
        }
        collect(location, directive, own, waits);
    }
}

fn said(block: &[Directive], directive: &str) -> Option<Duration> {
    let found = block.iter().rev().find(|d| d.name == directive)?;
    duration(found.arg())
}
