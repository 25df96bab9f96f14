//! Free ports that help texts propose.

use std::collections::{HashMap, HashSet};

use super::clash::Group;
use super::{Owner, ProxyClaims, pool_claims};
use crate::source::Span;
use crate::topology::address::{Port, PortRange};
use crate::topology::{Pool, Topology};

/// Sorted ranges without overlaps and gaps.
pub(super) fn merged(ranges: &[PortRange]) -> Vec<PortRange> {
    let mut sorted = ranges.to_vec();
    sorted.sort_by_key(|r| r.ends());
    let mut merged: Vec<PortRange> = Vec::new();
    for range in sorted {
        match merged.last_mut().and_then(|last| last.joined(range)) {
            Some(joined) => {
                merged.pop();
                merged.push(joined);
            }
            None => merged.push(range),
        }
    }
    merged
}

/// Up to 12 ranges, separated by commas.
pub(super) fn shown(ranges: &[PortRange]) -> String {
    const LIMIT: usize = 12;
    let shown = ranges.iter().take(LIMIT).map(ToString::to_string);
    let mut shown = shown.collect::<Vec<_>>().join(", ");
    if ranges.len() > LIMIT {
        shown.push_str(", …");
    }
    shown
}

/// The free ports that the help texts of one run propose. No two owners get the same port.
pub(super) struct Proposals<'t> {
    free: Free,
    /// The ranges of each pool that are to be replaced.
    moved: HashMap<&'t str, HashSet<Span>>,
    of_pools: HashMap<&'t str, Option<String>>,
    of_proxies: HashMap<(&'t str, &'static str), Option<u16>>,
}

impl<'t> Proposals<'t> {
    pub(super) fn new(groups: &[Group<'t>], free: Free) -> Self {
        let mut moved: HashMap<_, HashSet<_>> = HashMap::new();
        for clash in groups.iter().flat_map(|g| &g.clashes) {
            let (first, second) = (clash.first.owner, clash.second);
            if let Owner::Pool { name, .. } = second.owner
                && first.id() != second.owner.id()
            {
                moved.entry(name).or_default().insert(second.span);
            }
        }
        Self {
            free,
            moved,
            of_pools: HashMap::new(),
            of_proxies: HashMap::new(),
        }
    }

    /// The ports of `pool` with free ones instead of all that clash.
    pub(super) fn ports(&mut self, name: &'t str, pool: &Pool) -> Option<String> {
        if !self.of_pools.contains_key(name) {
            let moved = self.moved.remove(name).unwrap_or_default();
            let ports = self.free.instead(pool, &moved);
            self.of_pools.insert(name, ports);
        }
        self.of_pools.get(name).cloned().flatten()
    }

    /// A free port after `port` for a key of a proxy.
    pub(super) fn port(&mut self, owner: (&'t str, &'static str), port: u16) -> Option<u16> {
        let free = &mut self.free;
        let proposal = self.of_proxies.entry(owner);
        *proposal.or_insert_with(|| free.take(port, 1).map(|range| range.ends().0))
    }
}

/// The TCP ports that no host uses.
pub(super) struct Free {
    is_used: Vec<bool>,
}

impl Free {
    pub(super) fn new(topology: &Topology, proxies: &[ProxyClaims<'_>]) -> Self {
        let mut is_used = vec![false; usize::from(u16::MAX) + 1];
        let pools = topology.pools.iter();
        let pools = pools.flat_map(|(name, pool)| pool_claims(name.value.as_str(), pool));
        let proxies = proxies
            .iter()
            .flat_map(|(_, claims)| claims.iter().copied());
        for claim in pools.chain(proxies) {
            let (first, last) = claim.ports.ends();
            is_used[usize::from(first)..=usize::from(last)].fill(true);
        }
        Self { is_used }
    }

    /// Takes the first free range of `count` unprivileged ports after `port`, or the first one before.
    fn take(&mut self, port: u16, count: u64) -> Option<PortRange> {
        let range = self.block(port, count).or_else(|| self.block(0, count))?;
        let (first, last) = range.ends();
        self.is_used[usize::from(first)..=usize::from(last)].fill(true);
        Some(range)
    }

    /// The first free range of `count` unprivileged ports after `port`.
    fn block(&self, port: u16, count: u64) -> Option<PortRange> {
        let mut length = 0;
        for number in port.max(1023)..u16::MAX {
            let number = number + 1;
            length = if self.is_used[usize::from(number)] {
                0
            } else {
                length + 1
            };
            if length == count {
                let first = number - u16::try_from(count - 1).ok()?;
                return PortRange::new(Port::from_number(first)?, Port::from_number(number)?);
            }
        }
        None
    }

    /// The ports of `pool` with free ones instead of the ranges at `moved`.
    fn instead(&mut self, pool: &Pool, moved: &HashSet<Span>) -> Option<String> {
        let mut ranges = Vec::new();
        let mut after = 0;
        for range in pool.ports.iter() {
            if !moved.contains(&range.span) {
                ranges.push(range.value);
                continue;
            }
            let block = self.take(range.value.ends().1.max(after), range.value.count())?;
            after = block.ends().1;
            ranges.push(block);
        }
        let ranges = merged(&ranges);
        (ranges.len() <= 12).then(|| shown(&ranges))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::decode::Scalar as _;

    fn range(text: &str) -> PortRange {
        PortRange::read(text).expect("is a range")
    }

    #[test]
    fn adjacent_and_overlapping_ranges_are_merged() {
        let ranges = ["8085", "8080-8083", "8082-8084", "9000"].map(range);
        assert_eq!(shown(&merged(&ranges)), "8080-8085, 9000");
    }

    #[test]
    fn free_ports_are_not_used_and_not_privileged() {
        let mut is_used = vec![false; 65536];
        is_used[1024] = true;
        is_used[1027] = true;
        let mut free = Free { is_used };
        assert_eq!(free.block(80, 3), Some(range("1028-1030")));
        assert_eq!(free.take(80, 1), Some(range("1025")));
        assert_eq!(free.take(80, 1), Some(range("1026")));
        assert_eq!(free.take(65535, 1), Some(range("1028")));
        free.is_used.fill(true);
        assert_eq!(free.take(80, 1), None);
    }
}
