//! Sizes and headers of a proxy.

use super::Reading;
use super::door::passing;
use super::timeout::{duration, is_timeout};
use super::tree::Directive;
use super::upstream::left;
use crate::import::plan::ProxyPlan;
use crate::topology::decode::Leaf as _;
use crate::topology::quantity::ByteSize;
use crate::topology::text::{HeaderName, HeaderValue};

/// Sizes and headers, from `http`, the server and its locations.
pub(super) fn settings(
    proxy: &mut ProxyPlan,
    server: &Directive,
    http: &[Directive],
    reading: &mut Reading,
) {
    let within = passing(server).into_iter().flat_map(Directive::inside);
    let within = within.filter(|d| d.name != "add_header");
    let all: Vec<_> = http.iter().chain(server.inside()).chain(within).collect();
    for directive in &all {
        let unread = match directive.name.as_str() {
            "client_max_body_size" => size(directive.arg())
                .map(|s| proxy.max_body = proxy.max_body.max(Some(s)))
                .is_none(),
            name if is_timeout(name) => duration(directive.arg()).is_none(),
            "add_header" => !header(proxy, directive),
            _ => false,
        };
        if unread {
            reading
                .notes
                .push(left(directive, "its value is none that the proxy can have"));
        }
    }
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
