//! Request rate limits (`limit_req`).

use super::directive::Directive;
use super::location::ScopedRoute;
use super::scope::Scope;
use super::skipped;
use crate::import::Finding;
use crate::import::draft::{ProxyDraft, RateLimitDraft};
use crate::topology::choice::Count;
use crate::topology::decode::Scalar as _;
use crate::topology::quantity::Rate;

/// Zone keys that are the client address.
const CLIENT_ADDRESS: [&str; 4] = [
    "$binary_remote_addr",
    "${binary_remote_addr}",
    "$remote_addr",
    "${remote_addr}",
];

/// A limit and its directive.
struct Limit<'t> {
    directive: &'t Directive,
    zone: &'t str,
    draft: RateLimitDraft,
}

/// Sets `rate_limit` of the proxy if every route has the same limit, otherwise that of the routes.
pub(super) fn limits(
    proxy: &mut ProxyDraft,
    found: &mut [ScopedRoute<'_>],
    findings: &mut Vec<Finding>,
) {
    let limits: Vec<_> = found.iter().map(|f| limit(&f.scope, findings)).collect();
    let key =
        |limit: &Option<Limit<'_>>| limit.as_ref().map(|l| (l.zone.to_owned(), l.draft.clone()));
    if limits.iter().all(|l| key(l) == key(&limits[0])) {
        proxy.rate_limit = key(&limits[0]).map(|(_, draft)| draft);
        return;
    }
    for (at, (found, limit)) in found.iter_mut().zip(&limits).enumerate() {
        let Some(limit) = limit else {
            continue;
        };
        let mut others = limits.iter().enumerate().filter(|(other, _)| *other != at);
        if others.any(|(_, l)| l.as_ref().is_some_and(|l| l.zone == limit.zone)) {
            let reason = "each route has a separate counter; in nginx the zone is shared";
            let finding = Finding::adjusted(limit.directive.text(), reason);
            findings.push(finding.at(limit.directive.position));
        }
        found.route.rate_limit = Some(limit.draft.clone());
    }
}

/// The first supported limit in effect.
fn limit<'t>(scope: &Scope<'t>, findings: &mut Vec<Finding>) -> Option<Limit<'t>> {
    if let Some(dry_run) = scope.find("limit_req_dry_run").filter(|d| d.arg() == "on") {
        findings.push(skipped(dry_run, "`rate_limit` has no dry run"));
        return None;
    }
    let mut chosen = None;
    for directive in scope.all("limit_req") {
        match read(directive, scope) {
            Ok(_) if chosen.is_some() => {
                findings.push(skipped(directive, "a route has one `rate_limit`"));
            }
            Ok(limit) => chosen = Some(limit),
            Err(reason) => findings.push(skipped(directive, &reason)),
        }
    }
    let limit = chosen?;
    let reasons = differences(&limit, scope);
    if !reasons.is_empty() {
        let finding = Finding::adjusted(limit.directive.text(), reasons.join(", "));
        findings.push(finding.at(limit.directive.position));
    }
    Some(limit)
}

fn read<'t>(directive: &'t Directive, scope: &Scope<'t>) -> Result<Limit<'t>, String> {
    let name = value(directive, "zone=").unwrap_or_default();
    let of = |d: &&Directive| zone(d) == Some(name);
    let mut zones = scope.outermost().filter(|d| d.name == "limit_req_zone");
    let Some(declared) = zones.find(of) else {
        return Err(
            "its limit_req_zone is in another file; to import all files: nginx -T | genconf import nginx -"
                .to_owned(),
        );
    };
    if !CLIENT_ADDRESS.contains(&declared.arg()) {
        let key = declared.arg();
        return Err(format!(
            "`rate_limit` counts requests per client address, not per {key}"
        ));
    }
    let rate = value(declared, "rate=")
        .unwrap_or("1r/s")
        .replace("r/", "/");
    Rate::read(&rate).map_err(|reason| format!("invalid rate: {reason}"))?;
    let burst = value(directive, "burst=").unwrap_or("0");
    // The minimum is 1.
    let burst = if burst == "0" { "1" } else { burst };
    let burst = Count::read(burst)
        .map_err(|reason| format!("invalid burst: {reason}"))?
        .number();
    Ok(Limit {
        directive,
        zone: name,
        draft: RateLimitDraft { rate, burst },
    })
}

/// How the limit differs from nginx.
fn differences(limit: &Limit<'_>, scope: &Scope<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    let burst = value(limit.directive, "burst=").unwrap_or("0");
    let is_delayed = |arg: &String| arg.starts_with("delay=");
    if burst == "0" {
        reasons.push("the minimum of `burst` is 1".to_owned());
    } else if !limit.directive.args.iter().any(|a| a == "nodelay")
        || limit.directive.args.iter().any(is_delayed)
    {
        reasons.push("requests within `burst` are not delayed".to_owned());
    }
    let status = scope.find("limit_req_status");
    let status = status.map_or("503", Directive::arg);
    if status != "429" {
        reasons.push(format!("rejected requests get 429, not {status}"));
    }
    reasons
}

/// The value of the argument with the prefix `key`.
fn value<'t>(directive: &'t Directive, key: &str) -> Option<&'t str> {
    directive.args.iter().find_map(|arg| arg.strip_prefix(key))
}

/// The name of the zone of a `limit_req_zone` directive.
fn zone(directive: &Directive) -> Option<&str> {
    Some(
        value(directive, "zone=")?
            .split(':')
            .next()
            .unwrap_or_default(),
    )
}
