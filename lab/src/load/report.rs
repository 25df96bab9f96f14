//! What a load run found, and its sums.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Failure;
use super::histogram::{Histogram, Quantiles};

/// Failures told one by one; more are only counted.
const EVENTS: usize = 50;

/// The account of one method's requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Requests sent, or tried to.
    pub sent: u64,
    /// Answered 200 with a right body.
    pub right: u64,
    /// The others by the word of their [`Failure`].
    pub failed: BTreeMap<String, u64>,
}

impl Count {
    /// How many failed, of any kind.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.right += other.right;
        for (kind, count) in &other.failed {
            *self.failed.entry(kind.clone()).or_default() += count;
        }
    }
}

/// One failure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// Milliseconds after the start of the run.
    pub at_ms: u128,
    /// `GET` or `POST`.
    pub method: String,
    /// The word of the failure.
    pub kind: String,
    /// Milliseconds from the request to the failure.
    pub took_ms: u128,
}

/// The account of a whole run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// Safe requests.
    pub get: Count,
    /// Requests a proxy must not repeat by itself.
    pub post: Count,
    /// Latency of right answers, in milliseconds.
    pub latency_ms: Quantiles,
    /// Right answers per instance, by the header `x-served-by`.
    pub served_by: BTreeMap<String, u64>,
    /// Connections opened.
    pub connections: u64,
    /// Connections found closed while idle; no request was harmed.
    pub closed_idle: u64,
    /// Longest time without any right answer, in milliseconds.
    pub silence_ms: u128,
    /// Length of the run in seconds.
    pub seconds: f64,
    /// The first failures one by one.
    pub events: Vec<Event>,
    #[serde(skip)]
    pub(super) histogram: Histogram,
}

impl Report {
    /// Requests sent, both methods.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.get.sent + self.post.sent
    }

    /// Requests failed, both methods.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.get.failures() + self.post.failures()
    }

    /// Whether every request sent is either right or failed.
    #[must_use]
    pub fn is_accounted(&self) -> bool {
        [&self.get, &self.post]
            .iter()
            .all(|count| count.sent == count.right + count.failures())
    }

    pub(super) fn note_failure(&mut self, event: (Duration, &str, &Failure, Duration)) {
        let (at, method, failure, took) = event;
        let kind = failure.word();
        *self.count(method).failed.entry(kind.clone()).or_default() += 1;
        if self.events.len() < EVENTS {
            self.events.push(Event {
                at_ms: at.as_millis(),
                method: method.to_owned(),
                kind,
                took_ms: took.as_millis(),
            });
        }
    }

    pub(super) fn count(&mut self, method: &str) -> &mut Count {
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
        for (instance, count) in &other.served_by {
            *self.served_by.entry(instance.clone()).or_default() += count;
        }
        self.events.extend(other.events.iter().cloned());
        self.events.sort_by_key(|event| event.at_ms);
        self.events.truncate(EVENTS);
    }

    pub(super) fn close(&mut self, length: Duration, silence: Duration) {
        self.latency_ms = self.histogram.quantiles();
        self.seconds = length.as_secs_f64();
        self.silence_ms = silence.as_millis();
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
