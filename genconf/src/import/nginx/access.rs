//! Directives that restrict access.

use super::directive::Directive;

/// Directives that restrict access with any arguments.
const RESTRICTING: [&str; 8] = [
    "access_by_lua_file",
    "deny",
    "internal",
    "js_access",
    "limit_except",
    "secure_link",
    "secure_link_secret",
    "valid_referers",
];

/// Directives with a prefix of [`AUTHENTICATION`] that only have settings of others.
const SETTINGS: [&str; 8] = [
    "auth_basic_user_file",
    "auth_delay",
    "auth_http",
    "auth_jwt_key_file",
    "auth_ldap_servers",
    "auth_request_set",
    "auth_zone",
    "modsecurity_rules_file",
];

/// Start of the names of directives that authenticate clients, and of firewalls.
const AUTHENTICATION: [&str; 3] = ["auth_", "modsecurity", "naxsi"];

/// Whether the directive refuses some requests of the block that contains it.
pub(super) fn restricts(directive: &Directive) -> bool {
    let name = directive.name.as_str();
    match name {
        "ssl_verify_client" => directive.arg() == "on",
        "if" => directive.inside().iter().any(restricts),
        "return" => refusal(directive).is_some(),
        _ if SETTINGS.contains(&name) => false,
        _ if AUTHENTICATION.iter().any(|a| name.starts_with(a)) => directive.arg() != "off",
        _ => RESTRICTING.contains(&name),
    }
}

/// The status of a `return` directive that refuses requests.
pub(super) fn refusal(directive: &Directive) -> Option<u16> {
    let status = directive.arg().parse().ok();
    status.filter(|s| directive.name == "return" && (400..500).contains(s))
}

/// Whether locations in the block inherit the restriction. nginx inherits none of the rewrite module.
fn is_inherited(directive: &Directive) -> bool {
    directive.name == "deny" || AUTHENTICATION.iter().any(|a| directive.name.starts_with(a))
}

/// Whether the directive replaces an inherited one.
fn replaces(directive: &Directive, inherited: &Directive) -> bool {
    let is_address = |d: &Directive| ["allow", "deny"].contains(&d.name.as_str());
    directive.name == inherited.name || (is_address(directive) && is_address(inherited))
}

/// The first restriction in effect in a location.
pub(super) fn guard<'t>(
    location: &'t Directive,
    outer: Option<&'t Directive>,
) -> Option<&'t Directive> {
    let inside = location.inside();
    let own = || inside.iter().filter(|d| restricts(d));
    let inherited = outer
        .filter(|g| is_inherited(g))
        .filter(|g| !inside.iter().any(|d| replaces(d, g)));
    // One that nested locations inherit comes first.
    own()
        .find(|d| is_inherited(d))
        .or(inherited)
        .or(own().next())
}

/// Whether the location refuses every request, so that nothing else in it has an effect.
pub(super) fn refuses_all(location: &Directive) -> bool {
    let has = |name: &str| location.inside().iter().any(|d| d.name == name);
    let denies = |d: &Directive| d.name == "deny" && d.arg() == "all";
    let inside = location.inside();
    inside.iter().any(|d| refusal(d).is_some())
        || (inside.iter().any(denies) && !has("allow") && !has("satisfy"))
}
