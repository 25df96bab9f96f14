//! Locations whose access control the topology cannot express: lines of `raw` refuse their requests.

use super::access::{refusal, refuses_all};
use super::directive::Directive;
use super::location::Location;
use super::pattern::{Matching, Pattern};
use super::raw_line::{add_location, checked};
use super::reason::{self, protocol};
use super::token::quoted;
use crate::import::Finding;

const RESTORE: &str = "restore the access control before you switch to genconf";

/// Closes every location with a restriction. Returns the lines of `raw.server`.
pub(super) fn close(locations: &[Location<'_>], findings: &mut Vec<Finding>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for location in locations {
        let Some(guard) = location.guard.filter(|_| !is_not_found(location)) else {
            continue;
        };
        let own: Option<Vec<_>> = own_lines(location, guard, locations)
            .into_iter()
            .map(checked)
            .collect();
        findings.push(finding(location, guard, own.as_deref()));
        for line in own.unwrap_or_default() {
            add_location(&mut lines, line);
        }
    }
    lines
}

/// Whether the location responds with 404 to requests without a route, as every proxy does.
fn is_not_found(location: &Location<'_>) -> bool {
    let mut inside = location.block.inside().iter();
    location
        .pattern
        .is_some_and(|p| p.path == "/" && p.matching == Matching::Prefix)
        && inside.any(|d| refusal(d) == Some(404))
}

/// The line that refuses paths below a route, if the location of the route matches no such path and
/// the paths below it are restricted.
pub(super) fn below_exact(exact: &Pattern<'_>, locations: &[Location<'_>]) -> Option<String> {
    let path = exact.trimmed();
    let below = format!("{path}/");
    let patterns = locations.iter().filter_map(|l| Some((l, l.pattern?)));
    let covering = patterns.filter(|(_, p)| p.covers(&below));
    let longest = covering.max_by_key(|(_, p)| p.path.len());
    let status = status(longest?.0.guard?);
    let expression = quoted(&format!("^\\Q{below}\\E"));
    checked(format!("location ~ {expression} {{ return {status}; }}"))
}

/// The status for requests that a directive refuses.
fn status(guard: &Directive) -> u16 {
    match guard.name.as_str() {
        "internal" => 404,
        _ => refusal(guard).unwrap_or(403),
    }
}

/// The lines for one location.
fn own_lines(
    location: &Location<'_>,
    guard: &Directive,
    locations: &[Location<'_>],
) -> Vec<String> {
    let Some(pattern) = location.pattern.filter(|p| p.matching != Matching::Named) else {
        return Vec::new();
    };
    let status = status(guard);
    let words = ["location", pattern.modifier, pattern.path];
    let words = words.into_iter().filter(|w| !w.is_empty()).map(quoted);
    let words = words.collect::<Vec<_>>().join(" ");
    let mut lines = vec![format!("{words} {{ return {status}; }}")];
    // nginx redirects `/a` to `/a/` if `location /a/` passes requests on.
    let has_own_exact = locations
        .iter()
        .filter_map(|l| l.pattern)
        .any(|p| p.matching == Matching::Exact && p.path == pattern.trimmed());
    let is_redirected = pattern.matching == Matching::Prefix
        && pattern.path.len() > 1
        && pattern.path.ends_with('/')
        && protocol(location.block).is_some();
    if is_redirected && !has_own_exact {
        let path = quoted(pattern.trimmed());
        lines.push(format!("location = {path} {{ return {status}; }}"));
    }
    lines
}

fn finding(location: &Location<'_>, guard: &Directive, lines: Option<&[String]>) -> Finding {
    let block = location.block;
    let is_closed = lines.is_some_and(|l| !l.is_empty());
    if refuses_all(block) && is_closed {
        let reason = format!(
            "its access control (`{}`) is kept as a line of `raw`, which genconf does not validate: test it before you switch to genconf",
            guard.text()
        );
        return Finding::adjusted(block.text(), reason).at(block.position);
    }
    let access = format!("its access control (`{}`) is not supported", guard.text());
    let is_named = location
        .pattern
        .is_some_and(|p| p.matching == Matching::Named);
    let reason = if is_closed {
        let own = reason::without_route(block).map_or(String::new(), |r| format!("; {r}"));
        format!(
            "{access}: the route is left out and a line of `raw` refuses its requests{own}; {RESTORE}"
        )
    } else if is_named {
        format!("{access}, and named locations are not supported; {RESTORE}")
    } else {
        format!("{access} and is lost: other routes receive its requests; {RESTORE}")
    };
    Finding::skipped(block.text(), reason).at(block.position)
}
