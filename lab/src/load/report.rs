//! The report of a load run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Failure;
use super::histogram::{Histogram, Quantiles};

/// Maximum number of failures that are listed; further ones are only counted.
const MAX_EVENTS: usize = 50;

/// Counts of one method's requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodCount {
    /// Requests sent, including failed attempts to send one.
    pub sent: u64,
    /// Responses with status 200 and the expected body.
    pub succeeded: u64,
    /// Failed requests, by the name of their [`Failure`].
    pub failed: BTreeMap<String, u64>,
}

impl MethodCount {
    /// Number of failed requests, of any kind.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.succeeded += other.succeeded;
        for (kind, count) in &other.failed {
            *self.failed.entry(kind.clone()).or_default() += count;
        }
    }
}

/// One failed request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FailureEvent {
    /// Milliseconds after the start of the run.
    pub at_ms: u128,
    /// `GET` or `POST`.
    pub method: String,
    /// Name of the failure.
    pub kind: String,
    /// Milliseconds from the request to the failure.
    pub took_ms: u128,
}

/// Counts and latencies of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// GET requests, which a proxy may retry.
    pub get: MethodCount,
    /// POST requests, which a proxy must not retry after it has sent them.
    pub post: MethodCount,
    /// Latency of successful requests, in milliseconds.
    pub latency_ms: Quantiles,
    /// Successful requests per instance, by the header `x-served-by`.
    pub by_instance: BTreeMap<String, u64>,
    /// Connections opened.
    pub connections: u64,
    /// Idle connections that the server closed, without a failed request.
    pub closed_idle: u64,
    /// Longest time without a success, in milliseconds.
    pub longest_gap_ms: u128,
    /// Duration of the run in seconds.
    pub seconds: f64,
    /// The first failures.
    pub events: Vec<FailureEvent>,
    #[serde(skip)]
    pub(super) histogram: Histogram,
}

impl Report {
    /// Number of requests sent, of both methods.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.get.sent + self.post.sent
    }

    /// Number of failed requests, of both methods.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.get.failures() + self.post.failures()
    }

    /// Whether every request is counted as succeeded or failed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        [&self.get, &self.post]
            .iter()
            .all(|count| count.sent == count.succeeded + count.failures())
    }

    pub(super) fn record_failure(&mut self, event: (Duration, &str, &Failure, Duration)) {
        let (at, method, failure, took) = event;
        let kind = failure.name();
        *self.count(method).failed.entry(kind.clone()).or_default() += 1;
        if self.events.len() < MAX_EVENTS {
            self.events.push(FailureEvent {
                at_ms: at.as_millis(),
                method: method.to_owned(),
                kind,
                took_ms: took.as_millis(),
            });
        }
    }

    pub(super) fn count(&mut self, method: &str) -> &mut MethodCount {
        match method {
            "POST" => &mut self.post,
            _ => &mut self.get,
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.get.merge(&other.get);
        self.post.merge(&other.post);
        self.histogram.merge(&other.histogram);
        self.connections += other.connections;
        self.closed_idle += other.closed_idle;
        for (instance, count) in &other.by_instance {
            *self.by_instance.entry(instance.clone()).or_default() += count;
        }
        self.events.extend(other.events.iter().cloned());
        self.events.sort_by_key(|event| event.at_ms);
        self.events.truncate(MAX_EVENTS);
    }

    pub(super) fn finalize(&mut self, duration: Duration, longest_gap: Duration) {
        self.latency_ms = self.histogram.quantiles();
        self.seconds = duration.as_secs_f64();
        self.longest_gap_ms = longest_gap.as_millis();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} GET failed {:?}, {} of {} POST failed {:?}, p99 {:.1} ms, max {:.0} ms, {:.1} s",
            self.get.failures(),
            self.get.sent,
            self.get.failed,
            self.post.failures(),
            self.post.sent,
            self.post.failed,
            self.latency_ms.p99,
            self.latency_ms.max,
            self.seconds
        )
    }
}
