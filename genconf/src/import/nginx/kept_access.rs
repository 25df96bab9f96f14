//! Access control of a whole proxy, which `raw` keeps.

use super::access::restricts;
use super::directive::Directive;
use super::raw_line::{absolute, checked, raw_line};
use super::scope::Scope;
use super::variable;
use crate::import::Finding;
use crate::import::draft::ProxyDraft;

/// Directives that `raw` can keep. A block with one of a group inherits none of the group.
const GROUPS: [&[&str]; 12] = [
    &["allow", "deny"],
    &["satisfy"],
    &["auth_basic"],
    &["auth_basic_user_file"],
    &["ssl_verify_client"],
    &["ssl_client_certificate"],
    &["ssl_crl"],
    &["ssl_verify_depth"],
    &["valid_referers"],
    &["secure_link"],
    &["secure_link_md5"],
    &["secure_link_secret"],
];

/// Directives whose first argument is a file.
const WITH_FILE: [&str; 3] = ["auth_basic_user_file", "ssl_client_certificate", "ssl_crl"];

const KEPT: &str = "access control is kept as a line of `raw`, which genconf does not validate: test it before you switch to genconf";

const LOST: &str = "access control is not supported here: a line of `raw` answers every request of the proxy with 403; restore the access control before you switch to genconf";

/// Whether the directive is one that `raw` can keep, or restricts access.
pub(super) fn is_access(directive: &Directive) -> bool {
    let name = directive.name.as_str();
    restricts(directive) || GROUPS.iter().any(|group| group.contains(&name))
}

/// The access control of a block.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct AccessLines {
    /// Lines of `raw.global`.
    global: Vec<String>,
    /// Lines of `raw.server`.
    server: Vec<String>,
}

impl AccessLines {
    /// Whether nothing is restricted.
    pub(super) fn is_empty(&self) -> bool {
        self.server.is_empty()
    }

    /// Adds the lines to a proxy.
    pub(super) fn add_to(self, proxy: &mut ProxyDraft) {
        proxy.raw_global.extend(self.global);
        proxy.raw_server.extend(self.server);
    }
}

/// The access control in effect in a server; 403 for every request if `raw` cannot keep it.
pub(super) fn of_server(
    scope: &Scope<'_>,
    http: &[Directive],
    findings: &mut Vec<Finding>,
) -> AccessLines {
    let directives = effective(scope);
    if !directives
        .iter()
        .any(|d| restricts(d) || asks_certificate(d))
    {
        return AccessLines::default();
    }
    let restricting = directives
        .iter()
        .filter(|d| restricts(d) || asks_certificate(d));
    let lines = lines(&directives, http);
    for directive in restricting {
        let finding = match &lines {
            Some(_) => Finding::adjusted(directive.text(), reason(directive)),
            None => Finding::skipped(directive.text(), LOST),
        };
        findings.push(finding.at(directive.position));
    }
    lines.unwrap_or_else(|| AccessLines {
        global: Vec::new(),
        server: vec!["return 403;".to_owned()],
    })
}

/// The access control that every one of the locations has, if `raw` can keep it for the whole proxy.
pub(super) fn of_all(locations: &[&Directive], http: &[Directive]) -> Option<AccessLines> {
    let of = |location: &&Directive| {
        let own: Vec<_> = location.inside().iter().filter(|d| is_access(d)).collect();
        let is_restricted = own.iter().any(|d| restricts(d));
        lines(&own, http).filter(|_| is_restricted)
    };
    let first = of(locations.first()?)?;
    let is_same = locations.iter().all(|l| of(l).as_ref() == Some(&first));
    is_same.then_some(first)
}

/// Reports the access control of a location that applies to the whole proxy.
pub(super) fn report_shared(location: &Directive, findings: &mut Vec<Finding>) {
    for directive in location.inside().iter().filter(|d| restricts(d)) {
        let reason = format!("{}; it applies to the whole proxy", reason(directive));
        findings.push(Finding::adjusted(directive.text(), reason).at(directive.position));
    }
}

fn reason(directive: &Directive) -> String {
    let has_file = ["auth_basic", "ssl_verify_client"].contains(&directive.name.as_str());
    let file = if has_file {
        "; its file must be readable by all users"
    } else {
        ""
    };
    format!("{KEPT}{file}")
}

/// Whether the server requests a certificate, which instances can check.
fn asks_certificate(directive: &Directive) -> bool {
    directive.name == "ssl_verify_client" && directive.arg() != "off"
}

/// The access control in effect in the innermost block of a scope.
fn effective<'t>(scope: &Scope<'t>) -> Vec<&'t Directive> {
    let mut found: Vec<_> = GROUPS.iter().flat_map(|names| scope.group(names)).collect();
    let is_grouped = |d: &Directive| GROUPS.iter().any(|g| g.contains(&d.name.as_str()));
    let mut others: Vec<&Directive> = Vec::new();
    for directive in scope.every().filter(|d| restricts(d) && !is_grouped(d)) {
        // The innermost one replaces those of the blocks around it, except conditions.
        others.retain(|o| o.name == "if" || o.name != directive.name);
        others.push(directive);
    }
    found.extend(others);
    found
}

/// The condition for a `limit_except` block that denies all other methods. GET includes HEAD.
fn methods(directive: &Directive) -> Option<String> {
    let is_method = |m: &String| !m.is_empty() && m.bytes().all(|b| b.is_ascii_uppercase());
    let [inner] = directive.inside() else {
        return None;
    };
    if inner.text() != "deny all" || !directive.args.iter().all(is_method) {
        return None;
    }
    let has_get = directive.args.iter().any(|m| m == "GET");
    let head = if has_get { "|HEAD" } else { "" };
    let methods = directive.args.join("|");
    checked(format!(
        "if ($request_method !~ ^({methods}{head})$) {{ return 403; }}"
    ))
}

/// The lines of `raw`; `None` if one of the directives cannot be a line.
fn lines(directives: &[&Directive], http: &[Directive]) -> Option<AccessLines> {
    let mut lines = AccessLines::default();
    for directive in directives {
        let name = directive.name.as_str();
        if name == "limit_except" {
            lines.server.push(methods(directive)?);
            continue;
        }
        if name == "if" {
            for line in variable::definitions(directive, http)? {
                if !lines.global.contains(&line) {
                    lines.global.push(line);
                }
            }
        } else if !GROUPS.iter().any(|group| group.contains(&name)) {
            return None;
        }
        let mut directive = (*directive).clone();
        if let Some(file) = directive
            .args
            .first_mut()
            .filter(|_| WITH_FILE.contains(&name))
        {
            *file = absolute(file);
        }
        lines.server.push(raw_line(&directive)?);
    }
    Some(lines)
}
