//! The table of cases by kind. Cases that wait longest come first.

mod compression;
mod doc_examples;
mod early_responses;
mod events;
mod headers;
mod health;
mod host_header;
mod large_bodies;
mod logs;
mod paths;
mod reloads;
mod requests;
mod responses;
mod retries;
mod tls;
mod trusted_proxies;
mod tunnels;
mod upgrades;

use crate::case::Case;

/// Every case.
const TABLE: &[&[Case]] = &[
    reloads::CASES,
    events::CASES,
    tunnels::CASES,
    retries::CASES,
    responses::CASES,
    large_bodies::CASES,
    health::CASES,
    early_responses::CASES,
    trusted_proxies::CASES,
    logs::CASES,
    requests::CASES,
    headers::CASES,
    tls::CASES,
    compression::CASES,
    paths::CASES,
    host_header::CASES,
    upgrades::CASES,
    doc_examples::CASES,
];

/// Every case, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    TABLE.iter().copied().flatten()
}
