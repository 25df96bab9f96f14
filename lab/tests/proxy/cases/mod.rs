//! The table of cases, by their kinds. Those that wait longest are first.

mod answers;
mod compression;
mod documents;
mod early;
mod encryption;
mod events;
mod headers;
mod health;
mod hosts;
mod logs;
mod paths;
mod reloads;
mod requests;
mod retries;
mod storage;
mod trusted;
mod tunnels;
mod upgrades;

use crate::table::Case;

/// Every case.
const TABLE: &[&[Case]] = &[
    reloads::CASES,
    events::CASES,
    tunnels::CASES,
    retries::CASES,
    answers::CASES,
    storage::CASES,
    health::CASES,
    early::CASES,
    trusted::CASES,
    logs::CASES,
    requests::CASES,
    headers::CASES,
    encryption::CASES,
    compression::CASES,
    paths::CASES,
    hosts::CASES,
    upgrades::CASES,
    documents::CASES,
];

/// Every case, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    TABLE.iter().copied().flatten()
}
