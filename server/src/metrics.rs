//! What is counted, and its text for Prometheus.
//!
//! All counters are relaxed atomics: they are sums, and no decision hangs on
//! the order in which two of them change.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use hyper::StatusCode;

use crate::routes::{PATHS, Route};

/// The statuses this server gives; anything else is counted as `other`.
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
    /// Requests being answered.
    pub(crate) in_flight: AtomicU64,
    /// Draws tallied.
    pub(crate) draws: AtomicU64,
    /// Connections closed because their client was too slow or silent.
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
    /// Counts an answer.
    pub(crate) fn answered(&self, route: Route, status: StatusCode, took: Duration) {
        let place = STATUSES.iter().position(|&known| known == status.as_u16());
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.iter().position(|&bound| micros <= bound);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.requests[route.0][place.unwrap_or(STATUSES.len())].fetch_add(1, Relaxed);
        self.latency[bucket.unwrap_or(BUCKETS.len())].fetch_add(1, Relaxed);
        self.latency_nanos.fetch_add(nanos, Relaxed);
        self.total.fetch_add(1, Relaxed);
    }

    /// Requests answered so far.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Relaxed)
    }

    /// Time since the process began to serve.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// The text of `/metrics` (Prometheus exposition format 0.0.4).
    ///
    /// Each worker of a cluster counts for itself; the labels of
    /// `randoms_process` say whose figures these are.
    pub(crate) fn text(&self, process: &[(&str, &str)], gauges: &[(&str, &str, u64)]) -> String {
        let mut out = String::with_capacity(4096);
        write_process(&mut out, process);
        self.write_requests(&mut out);
        self.write_latency(&mut out);
        let counters = [
            ("randoms_draws_total", "Draws tallied.", &self.draws),
            (
                "randoms_connections_timed_out_total",
                "Connections closed because the client was too slow.",
                &self.timeouts,
            ),
        ];
        for (name, help, value) in counters {
            write_single(&mut out, (name, help, "counter"), value.load(Relaxed));
        }
        let uptime = ("randoms_uptime_seconds", "Time since the start.", "gauge");
        write_single(&mut out, uptime, self.uptime().as_secs_f64());
        for &(name, help, value) in gauges {
            write_single(&mut out, (name, help, "gauge"), value);
        }
        out
    }

    fn write_requests(&self, out: &mut String) {
        let name = "randoms_requests_total";
        write_head(out, (name, "Requests answered.", "counter"));
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
        write_head(out, (name, "Time from head to answer.", "histogram"));
        let mut sum = 0;
        for (bound, count) in BUCKETS.iter().zip(&self.latency) {
            sum += count.load(Relaxed);
            let seconds = Duration::from_micros(*bound).as_secs_f64();
            let _ = writeln!(out, "{name}_bucket{{le=\"{seconds}\"}} {sum}");
        }
        sum += self.latency[BUCKETS.len()].load(Relaxed);
        let seconds = Duration::from_nanos(self.latency_nanos.load(Relaxed)).as_secs_f64();
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {sum}");
        let _ = writeln!(out, "{name}_sum {seconds}\n{name}_count {sum}");
    }
}

/// Name, help text and kind of a metric.
type Head<'a> = (&'a str, &'a str, &'a str);

fn write_head(out: &mut String, (name, help, kind): Head<'_>) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn write_process(out: &mut String, labels: &[(&str, &str)]) {
    let name = "randoms_process";
    write_head(out, (name, "The process that answered this.", "gauge"));
    let label = |(name, value): &(&str, &str)| {
        // The three that the format escapes, as Rust does.
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
            let took = Duration::from_micros(micros);
            metrics.answered(Route::of("/info"), StatusCode::OK, took);
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
