//! The blocks around a directive, from which it inherits.

use std::rc::Rc;

use super::tree::Directive;

/// Directives that a proxy or a route has a key for.
const READ: [&str; 22] = [
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
    "proxy_pass",
];

/// Whether a proxy or a route has a key for the directive.
pub(super) fn is_read(name: &str) -> bool {
    READ.contains(&name)
}

/// Blocks within each other, the outermost first; of each the directives that a key is made of.
#[derive(Clone, Debug)]
pub(super) struct Scope<'t>(Vec<Rc<[&'t Directive]>>);

impl<'t> Scope<'t> {
    /// The block of `http`.
    pub(super) fn of(http: &'t [Directive]) -> Self {
        Self(vec![read(http)])
    }

    /// The block of a directive in this one.
    pub(super) fn within(&self, directive: &'t Directive) -> Self {
        let mut blocks = self.0.clone();
        blocks.push(read(directive.inside()));
        Self(blocks)
    }

    /// The directives of all blocks, those of the outermost first.
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

    /// The directives of this name that are in effect: a block that has one inherits none.
    pub(super) fn all(&self, name: &str) -> Vec<&'t Directive> {
        let of = |block: &Rc<[&'t Directive]>| -> Vec<&'t Directive> {
            block.iter().copied().filter(|d| d.name == name).collect()
        };
        let mut blocks = self.0.iter().rev().map(of);
        blocks.find(|all| !all.is_empty()).unwrap_or_default()
    }

    /// The directive of this name that is in effect.
    pub(super) fn find(&self, name: &str) -> Option<&'t Directive> {
        self.all(name).pop()
    }

    /// Whether the switch of this name is written, and on.
    pub(super) fn is_on(&self, name: &str) -> Option<bool> {
        self.find(name).map(|d| d.arg() == "on")
    }
}

/// The directives of a block that a key is made of.
fn read(block: &[Directive]) -> Rc<[&Directive]> {
    block.iter().filter(|d| is_read(&d.name)).collect()
}
