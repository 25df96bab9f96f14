//! The metrics of a process, in the Prometheus text format.
//!
//! All counters are relaxed atomics: they are sums, and the order in which two of
//! them change has no effect.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use hyper::StatusCode;

use crate::routes::{PATHS, Route};

/// The statuses that have a separate counter; any other status counts as `other`.
const STATUSES: [u16; 6] = [200, 400, 404, 405, 500, 503];

/// Upper bounds of the latency histogram in microseconds.
const BUCKETS: [u64; 12] = [
    25, 50, 100, 250, 500, 1_000, 2_500, 10_000, 50_000, 250_000, 1_000_000, 10_000_000,
];

/// The counters of one process.
#[derive(Debug)]
pub(crate) struct Metrics {
    started: Instant,
    total: AtomicU64,
    requests: [[AtomicU64; STATUSES.len() + 1]; PATHS.len()],
    latency: [AtomicU64; BUCKETS.len() + 1],
    latency_nanos: AtomicU64,
    /// Number of requests in flight.
    pub(crate) in_flight: AtomicU64,
    /// Number of draws tallied.
    pub(crate) draws: AtomicU64,
    /// Number of connections closed because of a timeout.
    pub(crate) timeouts: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            total: AtomicU64::new(0),
            requests: Default::default(),
            latency: Default::default(),
            latency_nanos: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            draws: AtomicU64::new(0),
            timeouts: AtomicU64::new(0),
        }
    }
}

impl Metrics {
    /// Records a response.
    pub(crate) fn record(&self, route: Route, status: StatusCode, duration: Duration) {
        let index = STATUSES.iter().position(|&known| known == status.as_u16());
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.iter().position(|&limit| micros <= limit);
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.requests[route.0][index.unwrap_or(STATUSES.len())].fetch_add(1, Relaxed);
        self.latency[bucket.unwrap_or(BUCKETS.len())].fetch_add(1, Relaxed);
        self.latency_nanos.fetch_add(nanos, Relaxed);
        self.total.fetch_add(1, Relaxed);
    }

    /// Returns the number of requests handled.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Relaxed)
    }

    /// Returns the time since the process started to serve.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Formats the metrics (Prometheus text format 0.0.4).
    ///
    /// Each worker of a cluster has separate metrics. The labels of
    /// `randoms_process` identify the worker.
    pub(crate) fn text(&self, process: &[(&str, &str)], gauges: &[(&str, &str, u64)]) -> String {
        let mut out = String::with_capacity(4096);
        write_process(&mut out, process);
        self.write_requests(&mut out);
        self.write_latency(&mut out);
        let counters = [
            (
                "randoms_draws_total",
                "Number of draws tallied.",
                &self.draws,
            ),
            (
                "randoms_connections_timed_out_total",
                "Connections closed because of a timeout.",
                &self.timeouts,
            ),
        ];
        for (name, help, value) in counters {
            write_single(&mut out, (name, help, "counter"), value.load(Relaxed));
        }
        let uptime = (
            "randoms_uptime_seconds",
            "Time since the start of the process.",
            "gauge",
        );
        write_single(&mut out, uptime, self.uptime().as_secs_f64());
        for &(name, help, value) in gauges {
            write_single(&mut out, (name, help, "gauge"), value);
        }
        out
    }

    fn write_requests(&self, out: &mut String) {
        let name = "randoms_requests_total";
        write_head(out, (name, "Requests handled.", "counter"));
        for (route, statuses) in PATHS.iter().zip(&self.requests) {
            for (index, count) in statuses.iter().enumerate() {
                let count = count.load(Relaxed);
                if count > 0 {
                    let status = STATUSES
                        .get(index)
                        .map_or_else(|| "other".to_owned(), ToString::to_string);
                    let labels = format!("route=\"{route}\",status=\"{status}\"");
                    let _ = writeln!(out, "{name}{{{labels}}} {count}");
                }
            }
        }
    }

    fn write_latency(&self, out: &mut String) {
        let name = "randoms_request_duration_seconds";
        write_head(
            out,
            (
                name,
                "Time from the request head to the response.",
                "histogram",
            ),
        );
        let mut sum = 0;
        for (limit, count) in BUCKETS.iter().zip(&self.latency) {
            sum += count.load(Relaxed);
            let seconds = Duration::from_micros(*limit).as_secs_f64();
            let _ = writeln!(out, "{name}_bucket{{le=\"{seconds}\"}} {sum}");
        }
        sum += self.latency[BUCKETS.len()].load(Relaxed);
        let seconds = Duration::from_nanos(self.latency_nanos.load(Relaxed)).as_secs_f64();
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {sum}");
        let _ = writeln!(out, "{name}_sum {seconds}\n{name}_count {sum}");
    }
}

/// Name, help text, and type of a metric.
type Head<'a> = (&'a str, &'a str, &'a str);

fn write_head(out: &mut String, (name, help, kind): Head<'_>) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn write_process(out: &mut String, labels: &[(&str, &str)]) {
    let name = "randoms_process";
    write_head(
        out,
        (name, "The process that returned these metrics.", "gauge"),
    );
    let label = |(name, value): &(&str, &str)| {
        // The format requires these three escapes.
        let value = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    };
    let labels: Vec<_> = labels.iter().map(label).collect();
    let _ = writeln!(out, "{name}{{{}}} 1", labels.join(","));
}

fn write_single(out: &mut String, head: Head<'_>, value: impl std::fmt::Display) {
    write_head(out, head);
    let _ = writeln!(out, "{} {value}", head.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histogram_is_cumulative_and_complete() {
        let metrics = Metrics::default();
        for micros in [1, 30, 30, 99_000_000] {
            let duration = Duration::from_micros(micros);
            metrics.record(Route::of("/info"), StatusCode::OK, duration);
        }
        let text = metrics.text(&[("mode", "a\"b")], &[]);
        for line in [
            "randoms_process{mode=\"a\\\"b\"} 1",
            "randoms_requests_total{route=\"/info\",status=\"200\"} 4",
            "randoms_request_duration_seconds_bucket{le=\"0.000025\"} 1",
            "randoms_request_duration_seconds_bucket{le=\"0.00005\"} 3",
            "randoms_request_duration_seconds_bucket{le=\"10\"} 3",
            "randoms_request_duration_seconds_bucket{le=\"+Inf\"} 4",
            "randoms_request_duration_seconds_count 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
