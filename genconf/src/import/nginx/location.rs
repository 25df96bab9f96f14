//! Locations, which become routes.

use super::scope::Scope;
use super::tree::Directive;
use super::upstream::left;
use super::{Reading, left as others};
use crate::import::Note;
use crate::import::plan::RoutePlan;
use crate::topology::decode::Leaf as _;
use crate::topology::path::UrlPath;

/// A route, and the blocks that its location is in.
pub(super) struct Found<'t> {
    /// The route.
    pub(super) route: RoutePlan,
    /// The blocks, the location's own last.
    pub(super) scope: Scope<'t>,
}

/// Reads a `location` and those within it.
pub(super) fn read<'t>(
    block: &'t Directive,
    outer: &Scope<'t>,
    found: &mut Vec<Found<'t>>,
    reading: &mut Reading,
) {
    let scope = outer.within(block);
    for inner in block.inside().iter().filter(|d| d.name == "location") {
        read(inner, &scope, found, reading);
    }
    match route(block, reading) {
        Ok(Some(route)) => {
            let same = |f: &Found<'_>| {
                f.route.path.trim_end_matches('/') == route.path.trim_end_matches('/')
            };
            if found.iter().any(same) {
                reading
                    .notes
                    .push(left(block, "this path is routed already"));
                return;
            }
            found.push(Found { route, scope });
            tell_inside(block, reading);
        }
        Ok(None) => {}
        Err(why) => reading.notes.push(left(block, &why)),
    }
}

fn route(block: &Directive, reading: &mut Reading) -> Result<Option<RoutePlan>, String> {
    let pass = block.inside().iter().find(|d| d.name == "proxy_pass");
    let Some(pass) = pass else {
        let nested = block.inside().iter().any(|d| d.name == "location");
        let why = "it passes no request on; genconf describes what does, other things stay in a web server of their own";
        return if nested {
            Ok(None)
        } else {
            Err(why.to_owned())
        };
    };
    let path = path(block, reading)?;
    let url = pass.arg();
    if url.contains('$') {
        return Err("where it passes requests is a variable; a pool is always the same".to_owned());
    }
    let rest = match url.split_once("://") {
        Some(("http", rest)) => rest,
        Some(("https", rest)) => {
            let why = "the proxy talks plain HTTP to its pools";
            reading
                .notes
                .push(Note::changed(pass.text(), why).at(pass.place));
            rest
        }
        _ => return Err(format!("`{url}` is not a URL")),
    };
    let (address, uri) = target(rest);
    if address.is_empty() {
        return Err(format!("`{url}` names nobody"));
    }
    let rewrite = uri.filter(|uri| *uri != path).map(str::to_owned);
    if let Some(uri) = &rewrite {
        UrlPath::read(uri).map_err(|why| format!("`{uri}` cannot replace its path: {why}"))?;
    }
    let choice = reading.upstreams.choose(address, pass.place);
    Ok(Some(RoutePlan {
        path,
        pool: choice.pool,
        balance: choice.balance,
        rewrite,
        ..RoutePlan::default()
    }))
}

/// Whom a URL names, and the URI behind it.
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

fn path(block: &Directive, reading: &mut Reading) -> Result<String, String> {
    let (modifier, path) = match block.args.as_slice() {
        [path] if path.starts_with('~') => ("~", path),
        [path] if path.starts_with('=') && path.len() > 1 => {
            return Err("write a space after `=`".to_owned());
        }
        [path] => ("", path),
        [modifier, path] => (modifier.as_str(), path),
        _ => return Err("it has no path".to_owned()),
    };
    if modifier.starts_with('~') {
        return Err("a route is a path and all below it, not a regular expression".to_owned());
    }
    if path.starts_with('@') {
        return Err("a named location is reached from within nginx only".to_owned());
    }
    UrlPath::read(path).map_err(|why| format!("its path cannot be a route: {why}"))?;
    if modifier == "=" {
        let why = "a route takes what is below its path, too";
        reading
            .notes
            .push(Note::changed(block.text(), why).at(block.place));
    }
    Ok(path.clone())
}

/// What a carried location says beside where it goes.
fn tell_inside(block: &Directive, reading: &mut Reading) {
    for directive in block.inside() {
        if directive.name == "add_header" {
            let why = "`headers` of a proxy are those of all its answers";
            reading.notes.push(left(directive, why));
            continue;
        }
        if ["set_real_ip_from", "real_ip_header"].contains(&directive.name.as_str()) {
            let why = "`trusted_proxies` apply to every route of a proxy";
            reading.notes.push(left(directive, why));
            continue;
        }
        if directive.name != "location" && !super::scope::is_read(&directive.name) {
            others::tell(directive, &mut reading.notes);
        }
    }
}
