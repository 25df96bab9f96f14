//! Retries (`proxy_next_upstream`).

use super::scope::Scope;
use crate::import::Finding;
use crate::import::draft::RouteDraft;
use crate::topology::choice::Retry;

/// Sets `retry` and reports differences.
pub(super) fn retry(route: &mut RouteDraft, scope: &Scope<'_>, findings: &mut Vec<Finding>) {
    let Some(directive) = scope.find("proxy_next_upstream") else {
        return;
    };
    let has = |flag: &str| directive.args.iter().any(|a| a == flag);
    let mut reasons = Vec::new();
    if has("non_idempotent") {
        route.retry = Some(Retry::Idempotent);
        reasons.push("POST and PATCH are never retried");
    }
    if has("off") {
        reasons
            .push("GET, HEAD, and OPTIONS are retried once if the connection to an instance fails");
    }
    let is_response = |flag: &String| flag.starts_with("http_") || flag == "invalid_header";
    if directive.args.iter().any(is_response) {
        reasons.push("requests are retried if the connection fails, not because of a response");
    }
    if !reasons.is_empty() {
        findings
            .push(Finding::adjusted(directive.text(), reasons.join("; ")).at(directive.position));
    }
}
