//! The blocks around a directive, from which it inherits.

use std::rc::Rc;

use super::directive::Directive;
use super::kept_access::is_access;

/// Directives that the topology has a key for.
const SUPPORTED: [&str; 23] = [
    "listen",
    "http2",
    "server_name",
    "client_max_body_size",
    "proxy_connect_timeout",
    "proxy_read_timeout",
    "proxy_send_timeout",
    "worker_shutdown_timeout",
    "proxy_next_upstream",
    "proxy_set_header",
    "add_header",
    "gzip",
    "limit_req",
    "limit_req_dry_run",
    "limit_req_status",
    "limit_req_zone",
    "set_real_ip_from",
    "real_ip_header",
    "real_ip_recursive",
    "ssl_certificate",
    "ssl_certificate_key",
    "ssl",
    "proxy_pass",
];

/// Directives without a key whose value matters for the report.
const CONSULTED: [&str; 1] = ["proxy_redirect"];

/// Whether the topology has a key for the directive, or the directive restricts access.
pub(super) fn is_handled(directive: &Directive) -> bool {
    SUPPORTED.contains(&directive.name.as_str()) || is_access(directive)
}

/// Nested blocks, outermost first, with the directives of each that the import uses.
#[derive(Clone, Debug)]
pub(super) struct Scope<'t>(Vec<Rc<[&'t Directive]>>);

impl<'t> Scope<'t> {
    /// The scope of the `http` block.
    pub(super) fn of(http: &'t [Directive]) -> Self {
        Self(vec![used(http)])
    }

    /// The scope of a block in this one.
    pub(super) fn within(&self, directive: &'t Directive) -> Self {
        let mut blocks = self.0.clone();
        blocks.push(used(directive.inside()));
        Self(blocks)
    }

    /// The directives of all blocks, outermost first.
    pub(super) fn every(&self) -> impl Iterator<Item = &'t Directive> {
        self.0.iter().flat_map(|block| block.iter().copied())
    }

    /// The directives of the outermost block.
    pub(super) fn outermost(&self) -> impl Iterator<Item = &'t Directive> {
        self.0
            .first()
            .into_iter()
            .flat_map(|block| block.iter().copied())
    }

    /// The directives of the innermost block.
    pub(super) fn own(&self) -> impl Iterator<Item = &'t Directive> {
        self.0
            .last()
            .into_iter()
            .flat_map(|block| block.iter().copied())
    }

    /// The directives with this name in effect. A block with such a directive inherits none.
    pub(super) fn all(&self, name: &str) -> Vec<&'t Directive> {
        self.group(&[name])
    }

    /// The directives with one of the names in effect. A block with one of them inherits none.
    pub(super) fn group(&self, names: &[&str]) -> Vec<&'t Directive> {
        let is_named = |d: &&Directive| names.contains(&d.name.as_str());
        let of = |block: &Rc<[&'t Directive]>| -> Vec<&'t Directive> {
            block.iter().copied().filter(is_named).collect()
        };
        let mut blocks = self.0.iter().rev().map(of);
        blocks.find(|all| !all.is_empty()).unwrap_or_default()
    }

    /// The directive with this name in effect.
    pub(super) fn find(&self, name: &str) -> Option<&'t Directive> {
        self.all(name).pop()
    }

    /// The value of an `on`/`off` directive, if it is set.
    pub(super) fn is_on(&self, name: &str) -> Option<bool> {
        self.find(name).map(|d| d.arg() == "on")
    }
}

/// The directives of a block that the import uses.
fn used(block: &[Directive]) -> Rc<[&Directive]> {
    let is_used = |d: &&Directive| is_handled(d) || CONSULTED.contains(&d.name.as_str());
    block.iter().filter(is_used).collect()
}
