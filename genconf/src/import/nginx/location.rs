//! Converts locations to routes.

use super::directive::Directive;
use super::scope::Scope;
use super::{ImportState, skipped, unsupported};
use crate::import::Finding;
use crate::import::draft::RouteDraft;
use crate::topology::decode::Scalar as _;
use crate::topology::path::UrlPath;

/// A route and the blocks around its location.
pub(super) struct ScopedRoute<'t> {
    /// The route.
    pub(super) route: RouteDraft,
    /// The blocks, innermost last.
    pub(super) scope: Scope<'t>,
}

/// Converts a `location` block and the ones nested in it.
pub(super) fn read<'t>(
    block: &'t Directive,
    outer: &Scope<'t>,
    found: &mut Vec<ScopedRoute<'t>>,
    state: &mut ImportState,
) {
    let scope = outer.within(block);
    for inner in block.inside().iter().filter(|d| d.name == "location") {
        read(inner, &scope, found, state);
    }
    match route(block, state) {
        Ok(Some(route)) => {
            let same = |f: &ScopedRoute<'_>| {
                f.route.path.trim_end_matches('/') == route.path.trim_end_matches('/')
            };
            if found.iter().any(same) {
                state
                    .findings
                    .push(skipped(block, "another location has the same path"));
                return;
            }
            found.push(ScopedRoute { route, scope });
            report_inside(block, state);
        }
        Ok(None) => {}
        Err(reason) => state.findings.push(skipped(block, &reason)),
    }
}

fn route(block: &Directive, state: &mut ImportState) -> Result<Option<RouteDraft>, String> {
    let pass = block.inside().iter().find(|d| d.name == "proxy_pass");
    let Some(pass) = pass else {
        let nested = block.inside().iter().any(|d| d.name == "location");
        let reason = "the location has no proxy_pass; serve it with a separate web server";
        return if nested {
            Ok(None)
        } else {
            Err(reason.to_owned())
        };
    };
    let path = path(block, state)?;
    let url = pass.arg();
    if url.contains('$') {
        return Err("variables in proxy_pass are not supported".to_owned());
    }
    let rest = match url.split_once("://") {
        Some(("http", rest)) => rest,
        Some(("https", rest)) => {
            let reason = "the proxy uses HTTP to its pools";
            state
                .findings
                .push(Finding::adjusted(pass.text(), reason).at(pass.position));
            rest
        }
        _ => return Err(format!("invalid URL `{url}`")),
    };
    let (address, uri) = target(rest);
    if address.is_empty() {
        return Err(format!("the URL `{url}` has no host"));
    }
    let rewrite = uri.filter(|uri| *uri != path).map(str::to_owned);
    if let Some(uri) = &rewrite {
        UrlPath::read(uri).map_err(|reason| format!("invalid rewrite `{uri}`: {reason}"))?;
    }
    let choice = state.upstreams.choose(address, pass.position);
    Ok(Some(RouteDraft {
        path,
        pool: choice.pool,
        balance: choice.balance,
        rewrite,
        ..RouteDraft::default()
    }))
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

fn path(block: &Directive, state: &mut ImportState) -> Result<String, String> {
    let (modifier, path) = match block.args.as_slice() {
        [path] if path.starts_with('~') => ("~", path),
        [path] if path.starts_with('=') && path.len() > 1 => {
            return Err("add a space after `=`".to_owned());
        }
        [path] => ("", path),
        [modifier, path] => (modifier.as_str(), path),
        _ => return Err("the path is missing".to_owned()),
    };
    if modifier.starts_with('~') {
        return Err("regular expressions are not supported; a route is a path prefix".to_owned());
    }
    if path.starts_with('@') {
        return Err("named locations are not supported".to_owned());
    }
    UrlPath::read(path).map_err(|reason| format!("invalid path: {reason}"))?;
    if modifier == "=" {
        let reason = "a route also matches the paths below";
        state
            .findings
            .push(Finding::adjusted(block.text(), reason).at(block.position));
    }
    Ok(path.clone())
}

/// Reports directives of an imported location that are skipped.
fn report_inside(block: &Directive, state: &mut ImportState) {
    for directive in block.inside() {
        if directive.name == "add_header" {
            let reason = "`headers` applies to every response of a proxy";
            state.findings.push(skipped(directive, reason));
            continue;
        }
        if ["set_real_ip_from", "real_ip_header"].contains(&directive.name.as_str()) {
            let reason = "`trusted_proxies` applies to every route of a proxy";
            state.findings.push(skipped(directive, reason));
            continue;
        }
        if directive.name != "location" && !super::scope::is_supported(&directive.name) {
            unsupported::report(directive, &mut state.findings);
        }
    }
}
