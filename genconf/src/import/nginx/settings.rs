//! Sizes of bodies, and headers of responses.

use super::scope::Scope;
use super::tree::Directive;
use super::upstream::left;
use crate::import::Note;
use crate::import::plan::{ProxyPlan, RoutePlan};
use crate::topology::decode::Leaf as _;
use crate::topology::default::MAX_BODY;
use crate::topology::quantity::ByteSize;
use crate::topology::text::{HeaderName, HeaderValue};

/// Why a value is left out.
const NO_VALUE: &str = "its value is none that the proxy can have";

/// In place of no limit, which the language does not have.
const UNLIMITED: ByteSize = ByteSize::from_bytes(1 << 40);

/// The largest body and the headers of a proxy.
pub(super) fn of_proxy(proxy: &mut ProxyPlan, server: &Scope<'_>, notes: &mut Vec<Note>) {
    let size = max_body(server, notes);
    proxy.max_body = (size != MAX_BODY).then_some(size);
    for directive in server.every().filter(|d| d.name == "add_header") {
        if !header(proxy, directive) {
            notes.push(left(directive, NO_VALUE));
        }
    }
}

/// The largest body of a route, where it is not that of its proxy.
pub(super) fn of_route(
    route: &mut RoutePlan,
    scope: &Scope<'_>,
    server: &Scope<'_>,
    notes: &mut Vec<Note>,
) {
    let size = max_body(scope, notes);
    route.max_body = (size != max_body(server, notes)).then_some(size);
}

/// The largest body in a block. The defaults of nginx and genconf are the same.
fn max_body(scope: &Scope<'_>, notes: &mut Vec<Note>) -> ByteSize {
    let Some(directive) = scope.find("client_max_body_size") else {
        return MAX_BODY;
    };
    if directive.arg() == "0" {
        let why = format!("a body has a limit, here {UNLIMITED}");
        notes.push(Note::changed(directive.text(), why).at(directive.place));
        return UNLIMITED;
    }
    size(directive.arg()).unwrap_or_else(|| {
        notes.push(left(directive, NO_VALUE));
        MAX_BODY
    })
}

/// nginx writes `10m`, `512k`, `1g`, or bytes.
fn size(text: &str) -> Option<ByteSize> {
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_end_matches(['k', 'm', 'g']);
    let unit = match &lower[number.len()..] {
        "" => "B",
        "k" => "KiB",
        "m" => "MiB",
        "g" => "GiB",
        _ => return None,
    };
    ByteSize::read(&format!("{number}{unit}")).ok()
}

fn header(proxy: &mut ProxyPlan, directive: &Directive) -> bool {
    let [name, value, ..] = directive.args.as_slice() else {
        return false;
    };
    let own = name.eq_ignore_ascii_case("strict-transport-security") && proxy.tls.is_some();
    if own || HeaderName::read(name).is_err() || HeaderValue::read(value).is_err() {
        return false;
    }
    if !proxy
        .headers
        .iter()
        .any(|(n, _)| n.eq_ignore_ascii_case(name))
    {
        proxy.headers.push((name.clone(), value.clone()));
    }
    true
}
