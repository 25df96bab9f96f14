//! A histogram of latencies with buckets of equal relative width.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Buckets per doubling: a quantile is at most 1/16, about 6 %, too high.
const STEPS: u64 = 16;
/// Doublings covered: 2^32 µs is over an hour.
const DOUBLINGS: usize = 32;

/// Counts of latencies from 1 µs to an hour.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

/// Quantiles of a histogram, in milliseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Quantiles {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The 99.9th percentile.
    pub p999: f64,
    /// The maximum.
    pub max: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = usize::try_from(STEPS).unwrap_or(0) * (DOUBLINGS + 1);
        Self {
            counts: vec![0; buckets],
            total: 0,
            max: 0,
        }
    }
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let last = self.counts.len() - 1;
        self.counts[bucket(micros).min(last)] += 1;
        self.total += 1;
        self.max = self.max.max(micros);
    }

    /// Adds another histogram's counts.
    pub fn merge(&mut self, other: &Self) {
        for (own, added) in self.counts.iter_mut().zip(&other.counts) {
            *own += added;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// The quantiles.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        Quantiles {
            p50: self.per_mille(500),
            p99: self.per_mille(990),
            p999: self.per_mille(999),
            max: millis(self.max),
        }
    }

    fn per_mille(&self, share: u64) -> f64 {
        let rank = (self.total * share).div_ceil(1000);
        let mut counted = 0;
        for (index, count) in self.counts.iter().enumerate() {
            counted += count;
            if counted >= rank && *count > 0 {
                return millis(upper_edge(index).min(self.max));
            }
        }
        0.0
    }
}

fn bucket(micros: u64) -> usize {
    let index = if micros < STEPS {
        micros
    } else {
        let doubling = u64::from(micros.ilog2() - STEPS.ilog2());
        STEPS * doubling + (micros >> doubling)
    };
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn upper_edge(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let doubling = bucket / STEPS - 1;
    ((bucket % STEPS + STEPS + 1) << doubling) - 1
}

#[expect(clippy::cast_precision_loss, reason = "an hour in µs fits f64 exactly")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_within_its_bucket() {
        for micros in (0..5_000).chain([65_535, 65_536, 1_000_000, 20_000_000]) {
            let edge = upper_edge(bucket(micros));
            assert!(
                edge >= micros && edge <= micros + micros / STEPS,
                "{micros}: {edge}"
            );
        }
    }

    #[test]
    fn quantiles_of_a_thousand_equal_steps() {
        let mut histogram = Histogram::default();
        for step in 1..=1_000 {
            histogram.record(Duration::from_millis(step));
        }
        let found = histogram.quantiles();
        assert!((500.0..=532.0).contains(&found.p50), "{found:?}");
        assert!((990.0..=1000.0).contains(&found.p99), "{found:?}");
        assert!((found.max - 1000.0).abs() < 0.001, "{found:?}");
    }
}
