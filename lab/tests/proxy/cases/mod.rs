//! The table of cases, by their kinds. Those that wait longest are first.

mod early;
mod headers;
mod hosts;
mod paths;
mod retries;
mod tunnels;
mod upgrades;

use crate::table::Case;

/// Every case.
const TABLE: &[&[Case]] = &[
    tunnels::CASES,
    retries::CASES,
    early::CASES,
    headers::CASES,
    paths::CASES,
    hosts::CASES,
    upgrades::CASES,
];

/// Every case, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    TABLE.iter().copied().flatten()
}
