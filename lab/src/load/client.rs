//! A run: some connections, each sending one request after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::{Answer, Connection};
use super::pace::Pace;
use super::{Expect, Failure, Hold, Plan, Report, answer};

/// Runs `plan` to its end; `flowing` is called once as many right answers have
/// come as there are connections.
pub async fn run(plan: Plan, hold: Hold, flowing: impl FnOnce()) -> Report {
    let plan = Arc::new(plan);
    let pace = Arc::new(Pace::new(hold));
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = Arc::new(std::sync::Mutex::new(Some(tell)));
    let users: Vec<_> = (0..plan.connections)
        .map(|number| {
            let tell = Arc::clone(&tell);
            let mut user = User::new(number, &plan, &pace);
            tokio::spawn(async move {
                user.run(&move || {
                    if let Some(tell) = tell.lock().ok().and_then(|mut tell| tell.take()) {
                        let _ = tell.send(());
                    }
                })
                .await;
                user.report
            })
        })
        .collect();
    drop(tell);
    if told.await.is_ok() {
        flowing();
    }
    let mut whole = Report::default();
    for user in users {
        if let Ok(report) = user.await {
            whole.merge(&report);
        }
    }
    whole.close(pace.elapsed(), pace.silence());
    whole
}

/// One of the run's kept-alive connections.
struct User {
    /// Which of the connections this is, from 0.
    number: u32,
    plan: Arc<Plan>,
    pace: Arc<Pace>,
    connection: Option<Connection>,
    report: Report,
}

impl User {
    fn new(number: u32, plan: &Arc<Plan>, pace: &Arc<Pace>) -> Self {
        Self {
            number,
            plan: Arc::clone(plan),
            pace: Arc::clone(pace),
            connection: None,
            report: Report::default(),
        }
    }

    async fn run(&mut self, flowing: &impl Fn()) {
        let get = self.plan.request("GET");
        let post = self.plan.request("POST");
        let gap = self
            .plan
            .rate
            .map(|rate| Duration::from_secs(1) * self.plan.connections / rate.max(1));
        // Spread over one gap: users that speak in chorus measure bursts.
        let mut due =
            Instant::now() + gap.unwrap_or_default() * self.number / self.plan.connections.max(1);
        while let Some(number) = self.pace.next(&self.plan) {
            if let Some(gap) = gap {
                tokio::time::sleep_until(due.into()).await;
                due = due.max(Instant::now()) + gap;
            }
            let right = if self.plan.is_post(number) {
                self.request("POST", &post).await
            } else {
                self.request("GET", &get).await
            };
            if right && self.pace.note_right() + 1 == u64::from(self.plan.connections) {
                flowing();
            }
        }
    }

    /// Sends one request and accounts for it; tells whether it was answered right.
    async fn request(&mut self, method: &'static str, bytes: &[u8]) -> bool {
        let start = Instant::now();
        self.report.count(method).sent += 1;
        let timeout = self.plan.timeout;
        let judged = tokio::time::timeout(timeout, self.ask(bytes))
            .await
            .unwrap_or(Err(Failure::Timeout))
            .and_then(|answer| self.judge(answer));
        match judged {
            Ok(()) => {
                self.report.count(method).right += 1;
                self.report.histogram.note(start.elapsed());
                true
            }
            Err(failure) => {
                if !matches!(failure, Failure::Status(_) | Failure::WrongBody) {
                    self.connection = None;
                }
                let event = (self.pace.elapsed(), method, &failure, start.elapsed());
                self.report.note_failure(event);
                false
            }
        }
    }

    async fn ask(&mut self, bytes: &[u8]) -> Result<Answer, Failure> {
        if self.connection.as_ref().is_some_and(Connection::is_closed) {
            self.report.closed_idle += 1;
            self.connection = None;
        }
        let mut connection = if let Some(kept) = self.connection.take() {
            kept
        } else {
            self.report.connections += 1;
            Connection::open(&self.plan.target).await?
        };
        let answer = connection.ask(bytes).await?;
        if !answer.closes {
            self.connection = Some(connection);
        }
        Ok(answer)
    }

    fn judge(&mut self, answer: Answer) -> Result<(), Failure> {
        if answer.status != 200 {
            return Err(Failure::Status(answer.status));
        }
        let is_right = match self.plan.expect {
            Expect::Tally => answer::is_tally(&answer.body, self.plan.cant),
            Expect::Any => true,
        };
        if !is_right {
            return Err(Failure::WrongBody);
        }
        let instance = answer.served_by.unwrap_or_else(|| "unnamed".to_owned());
        *self.report.served_by.entry(instance).or_default() += 1;
        Ok(())
    }
}
