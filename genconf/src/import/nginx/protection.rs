//! Access control of a proxy and its locations.

use super::closed_location::{below_exact, close};
use super::directive::Directive;
use super::kept_access::{AccessLines, is_access, of_all, of_server, report_shared};
use super::location::{Location, ScopedRoute};
use super::pattern::{Matching, Pattern};
use super::reason::protocol;
use super::scope::Scope;
use super::{access, challenge};
use crate::import::Finding;
use crate::import::draft::ProxyDraft;

/// What `raw` must contain so that nothing becomes public.
pub(super) struct Protection<'t> {
    server: AccessLines,
    findings: Vec<Finding>,
    /// Access control that every location with a route has.
    shared: Option<AccessLines>,
    /// Locations with it.
    sharing: Vec<&'t Directive>,
}

impl<'t> Protection<'t> {
    /// The access control of a server. Locations that it covers become unrestricted, and
    /// challenge locations get their lines.
    pub(super) fn of(
        locations: &mut [Location<'t>],
        server: (&'t Directive, &Scope<'t>),
        http: &[Directive],
    ) -> Self {
        let (block, scope) = server;
        let mut findings = Vec::new();
        let server = of_server(scope, http, &mut findings);
        for location in locations.iter_mut().filter(|l| l.guard.is_none()) {
            location.line = challenge::line(location.block, block);
        }
        let passing = locations
            .iter()
            .filter(|l| protocol(l.block) == Some("HTTP"));
        let passing: Vec<_> = passing.map(|l| l.block).collect();
        let shared = of_all(&passing, http).filter(|_| server.is_empty());
        let mut sharing = Vec::new();
        if shared.is_some() {
            let is_passing = |l: &&mut Location<'t>| protocol(l.block) == Some("HTTP");
            for location in locations.iter_mut().filter(is_passing) {
                location.guard = None;
                sharing.push(location.block);
            }
        }
        Self {
            server,
            findings,
            shared,
            sharing,
        }
    }

    /// Adds the lines to the proxy and reports them.
    pub(super) fn apply(
        self,
        proxy: &mut ProxyDraft,
        (locations, found): (&[Location<'_>], &[ScopedRoute<'_>]),
        findings: &mut Vec<Finding>,
    ) {
        if !self.server.is_empty() {
            for route in found {
                report_exemptions(route.block, findings);
            }
        }
        findings.extend(self.findings);
        self.server.add_to(proxy);
        for block in self.sharing {
            report_shared(block, findings);
        }
        self.shared.unwrap_or_default().add_to(proxy);
        for location in locations {
            if let Some(line) = &location.line {
                findings.push(challenge::finding(location.block));
                proxy.raw_server.push(line.clone());
            }
        }
        proxy.raw_server.extend(close(locations, findings));
        for route in found {
            widen(route, locations, proxy, findings);
        }
    }
}

/// Reports the restricted locations of a server without routes.
pub(super) fn report_unused(locations: &[Location<'_>], findings: &mut Vec<Finding>) {
    for location in locations {
        let Some(guard) = location.guard else {
            continue;
        };
        let reason = format!(
            "its access control (`{}`) is not supported; restore the access control before you switch to genconf",
            guard.text()
        );
        let finding = Finding::skipped(location.block.text(), reason);
        findings.push(finding.at(location.block.position));
    }
}

/// Reports directives of a location that replace the access control of its server.
fn report_exemptions(location: &Directive, findings: &mut Vec<Finding>) {
    let exempts = |d: &&Directive| is_access(d) && !access::restricts(d);
    for directive in location.inside().iter().filter(exempts) {
        let reason = "the access control of the server also applies to this location";
        findings.push(Finding::adjusted(directive.text(), reason).at(directive.position));
    }
}

/// Reports paths that a route matches and its location does not. Where these paths are restricted, a
/// line of `raw` refuses them.
fn widen(
    route: &ScopedRoute<'_>,
    locations: &[Location<'_>],
    proxy: &mut ProxyDraft,
    findings: &mut Vec<Finding>,
) {
    let Some(pattern) = Pattern::of(route.block) else {
        return;
    };
    let has_expressions = proxy.raw_server.iter().any(|l| l.starts_with("location ~"));
    let reason = match pattern.matching {
        Matching::Exact => match below_exact(&pattern, locations) {
            Some(line) => {
                proxy.raw_server.push(line);
                return;
            }
            None => "a route also matches the paths below",
        },
        _ if pattern.modifier == "^~" && has_expressions => {
            "lines of `raw` with a regular expression take precedence over the route"
        }
        _ => return,
    };
    let finding = Finding::adjusted(route.block.text(), reason);
    findings.push(finding.at(route.block.position));
}
