//! The schedule of one connection's requests.

use std::time::{Duration, Instant};

use super::LoadConfig;

/// Delays the requests of one connection, so that all connections together keep the rate.
#[derive(Debug)]
pub(super) struct RateLimiter {
    /// Time between two requests of the connection; `None` without a rate.
    interval: Option<Duration>,
    next: Instant,
}

impl RateLimiter {
    /// The limiter of connection number `connection`, counted from 0.
    ///
    /// First requests are spread over one interval: connections in step would measure bursts.
    pub(super) fn new(connection: u32, config: &LoadConfig) -> Self {
        let interval = config
            .rate
            .map(|rate| Duration::from_secs(1) * config.connections / rate.max(1));
        let offset = interval.unwrap_or_default() * connection / config.connections.max(1);
        Self {
            interval,
            next: Instant::now() + offset,
        }
    }

    /// Waits until the next request is due.
    pub(super) async fn wait(&mut self) {
        if let Some(interval) = self.interval {
            tokio::time::sleep_until(self.next.into()).await;
            self.next = self.next.max(Instant::now()) + interval;
        }
    }
}
