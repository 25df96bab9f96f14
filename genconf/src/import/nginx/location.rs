//! Converts locations to routes.

use super::access;
use super::directive::Directive;
use super::pattern::{Matching, Pattern};
use super::reason;
use super::rewriting::{self, changes_path};
use super::scope::{Scope, is_handled};
use super::{ImportState, skipped, unsupported};
use crate::import::Finding;
use crate::import::draft::RouteDraft;
use crate::topology::decode::Scalar as _;
use crate::topology::path::UrlPath;

/// A `location` block and what is in effect in it.
pub(super) struct Location<'t> {
    /// The block.
    pub(super) block: &'t Directive,
    /// Its pattern; `None` if nginx would reject it.
    pub(super) pattern: Option<Pattern<'t>>,
    /// The blocks around it, innermost last.
    pub(super) scope: Scope<'t>,
    /// The directive that restricts access to it.
    pub(super) guard: Option<&'t Directive>,
    /// The line of `raw` that keeps it.
    pub(super) line: Option<String>,
}

/// A route and the blocks around its location.
pub(super) struct ScopedRoute<'t> {
    /// The route.
    pub(super) route: RouteDraft,
    /// The location.
    pub(super) block: &'t Directive,
    /// The blocks, innermost last.
    pub(super) scope: Scope<'t>,
}

/// The locations in a block, with nested ones first.
pub(super) fn collect<'t>(
    outer: &'t Directive,
    scope: &Scope<'t>,
    guard: Option<&'t Directive>,
    found: &mut Vec<Location<'t>>,
) {
    for block in blocks(outer) {
        let scope = scope.within(block);
        let guard = access::guard(block, guard);
        collect(block, &scope, guard, found);
        let pattern = Pattern::of(block);
        found.push(Location {
            block,
            pattern,
            scope,
            guard,
            line: None,
        });
    }
}

/// The `location` blocks in a block, without nested ones.
pub(super) fn blocks(outer: &Directive) -> impl Iterator<Item = &Directive> {
    outer.inside().iter().filter(|d| d.name == "location")
}

/// The routes of the locations that restrict nothing.
pub(super) fn routes<'t>(
    locations: &[Location<'t>],
    state: &mut ImportState,
) -> Vec<ScopedRoute<'t>> {
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    let open = |l: &&Location<'_>| l.guard.is_none() && l.line.is_none();
    for location in locations.iter().filter(open) {
        match route(location, locations, state) {
            Ok(Some(route)) => {
                found.push(ScopedRoute {
                    route,
                    block: location.block,
                    scope: location.scope.clone(),
                });
                report_inside(location.block, state);
            }
            Ok(None) => {}
            Err(reason) => left_out.push((location, reason)),
        }
    }
    for (location, reason) in left_out {
        let reason = reason + &receiver(location, &found);
        state.findings.push(skipped(location.block, &reason));
    }
    found
}

/// The proxy's response to requests for a location without a route, if it has any route.
fn receiver(location: &Location<'_>, found: &[ScopedRoute<'_>]) -> String {
    let Some(pattern) = location.pattern.filter(|_| !found.is_empty()) else {
        return String::new();
    };
    let matches = |route: &str| {
        let rest = pattern.path.strip_prefix(route.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let paths = found.iter().map(|f| f.route.path.as_str());
    match pattern.matching {
        Matching::Named => String::new(),
        Matching::Regex => "; other routes receive its requests".to_owned(),
        _ => match paths.filter(|p| matches(p)).max_by_key(|p| p.len()) {
            Some(path) => format!("; route `{path}` receives its requests"),
            None => "; its requests get 404".to_owned(),
        },
    }
}

fn route(
    location: &Location<'_>,
    locations: &[Location<'_>],
    state: &mut ImportState,
) -> Result<Option<RouteDraft>, String> {
    let block = location.block;
    if let Some(reason) = reason::without_route(block) {
        let responds = block.inside().iter().any(|d| d.name == "return");
        let is_group = blocks(block).next().is_some() && !responds;
        let is_group = is_group && reason::protocol(block).is_none();
        return if is_group { Ok(None) } else { Err(reason) };
    }
    let pattern = location.pattern.ok_or("the path is missing or invalid")?;
    check_path(&pattern)?;
    check_precedence(location, &pattern, locations)?;
    let pass = block.inside().iter().find(|d| d.name == "proxy_pass");
    let pass = pass.ok_or("the location has no proxy_pass")?;
    let (address, uri) = url(pass)?;
    let rewriting = rewriting::of(block, &pattern, uri)?;
    if pass.arg().starts_with("https://") {
        let reason = "the proxy uses HTTP to its pools";
        let finding = Finding::adjusted(pass.text(), reason);
        state.findings.push(finding.at(pass.position));
    }
    if let Some(difference) = rewriting.difference {
        let finding = Finding::adjusted(block.text(), difference);
        state.findings.push(finding.at(block.position));
    }
    let choice = state.upstreams.choose(address, pass.position);
    Ok(Some(RouteDraft {
        path: pattern.path.to_owned(),
        pool: choice.pool,
        balance: choice.balance,
        rewrite: rewriting.rewrite,
        ..RouteDraft::default()
    }))
}

/// The address and the path in the URL of `proxy_pass`.
fn url(pass: &Directive) -> Result<(&str, Option<&str>), String> {
    let url = pass.arg();
    if url.contains('$') {
        return Err("variables in proxy_pass are not supported".to_owned());
    }
    let Some(("http" | "https", rest)) = url.split_once("://") else {
        return Err(format!("invalid URL `{url}`"));
    };
    let (address, uri) = target(rest);
    if address.is_empty() {
        return Err(format!("the URL `{url}` has no host"));
    }
    Ok((address, uri))
}

/// The address of a URL and the path after it.
fn target(rest: &str) -> (&str, Option<&str>) {
    if let Some(socket) = rest.strip_prefix("unix:") {
        let (path, uri) = socket
            .split_once(':')
            .map_or((socket, None), |(p, u)| (p, Some(u)));
        return (&rest[..5 + path.len()], uri.filter(|u| !u.is_empty()));
    }
    match rest.find('/') {
        Some(at) => (&rest[..at], Some(&rest[at..])),
        None => (rest, None),
    }
}

fn check_path(pattern: &Pattern<'_>) -> Result<(), String> {
    match pattern.matching {
        Matching::Regex => {
            Err("regular expressions are not supported; a route is a path prefix".to_owned())
        }
        Matching::Named => Err("named locations are not supported".to_owned()),
        _ => UrlPath::read(pattern.path)
            .map(|_| ())
            .map_err(|reason| format!("invalid path: {reason}")),
    }
}

/// A route matches its path and the paths below it, with and without a slash at the end. Of the
/// locations with the same path, the one that matches most of these is the route.
fn check_precedence(
    location: &Location<'_>,
    pattern: &Pattern<'_>,
    locations: &[Location<'_>],
) -> Result<(), String> {
    let at = |l: &Location<'_>| (l.block.position.line, l.block.position.column);
    let order = |l: &Location<'_>, p: &Pattern<'_>| (p.rank(), at(l));
    for other in locations.iter().filter(|l| at(l) != at(location)) {
        let Some(theirs) = other.pattern.filter(|p| p.has_path_of(pattern)) else {
            continue;
        };
        let text = other.block.text();
        if other.guard.is_some() {
            return Err(format!("`{text}` has the same path and restricts access"));
        }
        if other.line.is_some() {
            return Err(format!("`{text}` has the same path and is a line of `raw`"));
        }
        if order(other, &theirs) < order(location, pattern) {
            return Err(format!(
                "a route also matches the paths below, and `{text}` has the same path"
            ));
        }
    }
    Ok(())
}

/// Reports directives of an imported location that are skipped.
fn report_inside(block: &Directive, state: &mut ImportState) {
    for directive in block.inside() {
        let reason = match directive.name.as_str() {
            "add_header" => "`headers` applies to every response of a proxy",
            "set_real_ip_from" | "real_ip_header" => {
                "`trusted_proxies` applies to every route of a proxy"
            }
            "rewrite" if changes_path(directive) => continue,
            "rewrite" => "redirects are not supported; instances receive these requests",
            "location" => continue,
            _ if is_handled(directive) => continue,
            _ => {
                unsupported::report(directive, &mut state.findings);
                continue;
            }
        };
        state.findings.push(skipped(directive, reason));
    }
}
