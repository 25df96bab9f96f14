//! Limits of requests.

use super::location::Found;
use super::scope::Scope;
use super::tree::Directive;
use super::upstream::left;
use crate::import::Note;
use crate::import::plan::{ProxyPlan, RateLimitPlan};
use crate::topology::choice::Count;
use crate::topology::decode::Leaf as _;
use crate::topology::quantity::Rate;

/// Keys that are the address of the client.
const CLIENT: [&str; 4] = [
    "$binary_remote_addr",
    "${binary_remote_addr}",
    "$remote_addr",
    "${remote_addr}",
];

/// A limit, and where it is written.
struct Limit<'t> {
    directive: &'t Directive,
    zone: &'t str,
    plan: RateLimitPlan,
}

/// Sets `rate_limit` of the proxy, where one limit counts all of its requests, or else of routes.
pub(super) fn limits(proxy: &mut ProxyPlan, found: &mut [Found<'_>], notes: &mut Vec<Note>) {
    let limits: Vec<_> = found.iter().map(|f| limit(&f.scope, notes)).collect();
    let key =
        |limit: &Option<Limit<'_>>| limit.as_ref().map(|l| (l.zone.to_owned(), l.plan.clone()));
    if limits.iter().all(|l| key(l) == key(&limits[0])) {
        proxy.rate_limit = key(&limits[0]).map(|(_, plan)| plan);
        return;
    }
    for (at, (found, limit)) in found.iter_mut().zip(&limits).enumerate() {
        let Some(limit) = limit else {
            continue;
        };
        let mut others = limits.iter().enumerate().filter(|(other, _)| *other != at);
        if others.any(|(_, l)| l.as_ref().is_some_and(|l| l.zone == limit.zone)) {
            let why = "each route counts its own requests, not those of the zone";
            let note = Note::changed(limit.directive.text(), why);
            notes.push(note.at(limit.directive.place));
        }
        found.route.rate_limit = Some(limit.plan.clone());
    }
}

/// The first limit in effect that the language can express.
fn limit<'t>(scope: &Scope<'t>, notes: &mut Vec<Note>) -> Option<Limit<'t>> {
    if let Some(trial) = scope.find("limit_req_dry_run").filter(|d| d.arg() == "on") {
        notes.push(left(trial, "it limits nothing, and `rate_limit` would"));
        return None;
    }
    let mut chosen = None;
    for directive in scope.all("limit_req") {
        match read(directive, scope) {
            Ok(_) if chosen.is_some() => {
                notes.push(left(directive, "a route has one `rate_limit`"));
            }
            Ok(limit) => chosen = Some(limit),
            Err(why) => notes.push(left(directive, &why)),
        }
    }
    let limit = chosen?;
    let why = differs(&limit, scope);
    if !why.is_empty() {
        let note = Note::changed(limit.directive.text(), why.join(", "));
        notes.push(note.at(limit.directive.place));
    }
    Some(limit)
}

fn read<'t>(directive: &'t Directive, scope: &Scope<'t>) -> Result<Limit<'t>, String> {
    let name = value(directive, "zone=").unwrap_or_default();
    let of = |d: &&Directive| zone(d) == Some(name);
    let mut zones = scope.outermost().filter(|d| d.name == "limit_req_zone");
    let Some(declared) = zones.find(of) else {
        return Err(
            "its limit_req_zone was not read; `nginx -T | genconf import nginx -` reads all"
                .to_owned(),
        );
    };
    if !CLIENT.contains(&declared.arg()) {
        let key = declared.arg();
        return Err(format!(
            "`rate_limit` counts the requests of a client address, not by {key}"
        ));
    }
    let rate = value(declared, "rate=")
        .unwrap_or("1r/s")
        .replace("r/", "/");
    Rate::read(&rate).map_err(|why| format!("its rate cannot be one of `rate_limit`: {why}"))?;
    let burst = value(directive, "burst=").unwrap_or("0");
    // None is not possible; one is the least.
    let burst = if burst == "0" { "1" } else { burst };
    let burst = Count::read(burst)
        .map_err(|why| format!("its burst cannot be one of `rate_limit`: {why}"))?
        .number();
    Ok(Limit {
        directive,
        zone: name,
        plan: RateLimitPlan { rate, burst },
    })
}

/// What the limit does otherwise than nginx.
fn differs(limit: &Limit<'_>, scope: &Scope<'_>) -> Vec<String> {
    let mut why = Vec::new();
    let burst = value(limit.directive, "burst=").unwrap_or("0");
    let is_delayed = |arg: &String| arg.starts_with("delay=");
    if burst == "0" {
        why.push("the smallest `burst` is 1".to_owned());
    } else if !limit.directive.args.iter().any(|a| a == "nodelay")
        || limit.directive.args.iter().any(is_delayed)
    {
        why.push("requests within `burst` are not delayed".to_owned());
    }
    let status = scope.find("limit_req_status");
    let status = status.map_or("503", Directive::arg);
    if status != "429" {
        why.push(format!("requests over the limit get 429, not {status}"));
    }
    why
}

/// The value of an argument that begins with `key`.
fn value<'t>(directive: &'t Directive, key: &str) -> Option<&'t str> {
    directive.args.iter().find_map(|arg| arg.strip_prefix(key))
}

/// The name of the zone that a `limit_req_zone` declares.
fn zone(directive: &Directive) -> Option<&str> {
    Some(
        value(directive, "zone=")?
            .split(':')
            .next()
            .unwrap_or_default(),
    )
}
