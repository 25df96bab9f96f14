//! A load run: virtual users, each with one connection, that send one request after another.

use std::sync::Arc;
use std::time::Instant;

use super::connection::{Connection, Response};
use super::progress::Progress;
use super::rate_limiter::RateLimiter;
use super::{Expect, Failure, Hold, LoadConfig, Report, response};

/// Runs load to its end. Calls `ready` once there are as many successes as connections.
pub async fn run(config: LoadConfig, hold: Hold, ready: impl FnOnce()) -> Report {
    let config = Arc::new(config);
    let progress = Arc::new(Progress::new(hold));
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let sender = Arc::new(std::sync::Mutex::new(Some(sender)));
    let users: Vec<_> = (0..config.connections)
        .map(|number| {
            let sender = Arc::clone(&sender);
            let mut user = VirtualUser::new(number, &config, &progress);
            tokio::spawn(async move {
                user.run(&move || {
                    let sender = sender.lock().ok().and_then(|mut sender| sender.take());
                    if let Some(sender) = sender {
                        let _ = sender.send(());
                    }
                })
                .await;
                user.report
            })
        })
        .collect();
    drop(sender);
    if receiver.await.is_ok() {
        ready();
    }
    let mut total = Report::default();
    for user in users {
        if let Ok(report) = user.await {
            total.merge(&report);
        }
    }
    total.finalize(progress.elapsed(), progress.longest_gap());
    total
}

/// A client with one keepalive connection.
struct VirtualUser {
    config: Arc<LoadConfig>,
    progress: Arc<Progress>,
    rate_limiter: RateLimiter,
    connection: Option<Connection>,
    report: Report,
}

impl VirtualUser {
    fn new(number: u32, config: &Arc<LoadConfig>, progress: &Arc<Progress>) -> Self {
        Self {
            config: Arc::clone(config),
            progress: Arc::clone(progress),
            rate_limiter: RateLimiter::new(number, config),
            connection: None,
            report: Report::default(),
        }
    }

    async fn run(&mut self, ready: &impl Fn()) {
        let get = self.config.request("GET");
        let post = self.config.request("POST");
        while let Some(number) = self.progress.next(&self.config) {
            self.rate_limiter.wait().await;
            let succeeded = if self.config.is_post(number) {
                self.request("POST", &post).await
            } else {
                self.request("GET", &get).await
            };
            if succeeded && self.progress.record_success() + 1 == u64::from(self.config.connections)
            {
                ready();
            }
        }
    }

    /// Sends one request and counts its outcome; returns whether it succeeded.
    async fn request(&mut self, method: &'static str, bytes: &[u8]) -> bool {
        let start = Instant::now();
        self.report.count(method).sent += 1;
        let timeout = self.config.timeout;
        let outcome = tokio::time::timeout(timeout, self.send(bytes))
            .await
            .unwrap_or(Err(Failure::Timeout))
            .and_then(|response| self.check(response));
        match outcome {
            Ok(()) => {
                self.report.count(method).succeeded += 1;
                self.report.histogram.record(start.elapsed());
                true
            }
            Err(failure) => {
                if !matches!(failure, Failure::Status(_) | Failure::WrongBody) {
                    self.connection = None;
                }
                let event = (self.progress.elapsed(), method, &failure, start.elapsed());
                self.report.record_failure(event);
                false
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<Response, Failure> {
        if self.connection.as_ref().is_some_and(Connection::is_closed) {
            self.report.closed_idle += 1;
            self.connection = None;
        }
        let mut connection = if let Some(open) = self.connection.take() {
            open
        } else {
            self.report.connections += 1;
            Connection::open(&self.config.target).await?
        };
        let response = connection.send(bytes).await?;
        if !response.closes {
            self.connection = Some(connection);
        }
        Ok(response)
    }

    fn check(&mut self, response: Response) -> Result<(), Failure> {
        if response.status != 200 {
            return Err(Failure::Status(response.status));
        }
        let is_expected = match self.config.expect {
            Expect::Tally => response::is_tally(&response.body, self.config.cant),
            Expect::Any => true,
        };
        if !is_expected {
            return Err(Failure::WrongBody);
        }
        let instance = response.instance.unwrap_or_else(|| "unnamed".to_owned());
        *self.report.by_instance.entry(instance).or_default() += 1;
        Ok(())
    }
}
