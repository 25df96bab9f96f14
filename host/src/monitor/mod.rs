//! Probes the instances of a host, and restarts those that hang.
//!
//! One process for the whole host, which runs for as long as the host does: nothing is started and
//! nothing is logged while all instances are healthy.

mod instance;
mod pool;

use std::convert::Infallible;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use model::{Monitor, PoolStatus, ProbedPool};
use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::monotonic_us;
use crate::health_check::HttpChecker;
use crate::systemd::Bus;
use pool::{Environment, PoolMonitor};

/// Runs the monitor of a host until it is stopped.
pub(crate) async fn run(spec: &model::HostSpec) -> Result<(), String> {
    let monitor = spec
        .monitor
        .as_ref()
        .ok_or_else(|| format!("no instance on {} is probed", spec.host))?;
    let systemd = Arc::new(Bus::new());
    let mut tasks = JoinSet::new();
    let mut rounds = Vec::new();
    for pool in &monitor.pools {
        let (sender, receiver) = watch::channel(0);
        rounds.push(receiver);
        let file = Path::new(&monitor.runtime_directory).join(format!("{}.json", pool.name));
        let probe = probe(
            PoolMonitor::new(pool.clone()),
            Arc::clone(&systemd),
            file,
            sender,
        );
        tasks.spawn(async { match probe.await {} });
    }
    tasks.spawn(ping_watchdog(rounds, longest_round(monitor)));
    notify(&[NotifyState::Ready, NotifyState::Status(&summary(monitor))]);
    // Only the watchdog's task returns. Another one that ends has panicked.
    match tasks.join_next().await {
        Some(Ok(reason)) => Err(reason),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("no pool is probed".to_owned()),
    }
}

fn summary(monitor: &Monitor) -> String {
    let instances: usize = monitor.pools.iter().map(|p| p.instances.len()).sum();
    format!(
        "Probing {instances} instances of {} pools.",
        monitor.pools.len()
    )
}

/// Probes one pool, round by round, until the process ends.
async fn probe(
    mut pool: PoolMonitor,
    systemd: Arc<Bus>,
    file: PathBuf,
    rounds: watch::Sender<u64>,
) -> Infallible {
    let interval = Duration::from_millis(pool.spec().probe.interval_ms);
    let mut is_written = true;
    loop {
        let environment = Environment {
            systemd: &*systemd,
            checker: &HttpChecker,
            now_us: &monotonic_us,
        };
        for line in pool.round(environment).await {
            print(&line);
        }
        let written = write_status(&file, pool.status());
        // A full /run does not stop the checks. Logged once, not in every round.
        if let (Err(error), true) = (&written, is_written) {
            print(&format!("{}: {error}", file.display()));
        }
        is_written = written.is_ok();
        rounds.send_replace(pool.status().rounds);
        tokio::time::sleep(interval).await;
    }
}

/// Standard output is the journal, which may be unavailable for a moment: probing goes on.
fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Replaces the status file, so that a reader never sees half of one.
fn write_status(file: &Path, status: &PoolStatus) -> std::io::Result<()> {
    let new = file.with_extension("new");
    std::fs::write(&new, serde_json::to_vec(status)?)?;
    std::fs::rename(&new, file)
}

/// Upper limit for the time between the ends of two rounds: the wait, a check of each endpoint that
/// does not respond, and requests to a busy systemd.
fn longest_round(monitor: &Monitor) -> Duration {
    let round = |pool: &ProbedPool| pool.probe.interval_ms + pool.probe.timeout_ms;
    let longest = monitor.pools.iter().map(round).max().unwrap_or_default();
    Duration::from_millis(longest) + Duration::from_mins(2)
}

/// Sends watchdog pings for as long as every pool completes its rounds.
async fn ping_watchdog(mut rounds: Vec<watch::Receiver<u64>>, limit: Duration) -> String {
    let Some(timeout) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut ends = vec![tokio::time::Instant::now(); rounds.len()];
    loop {
        notify(&[NotifyState::Watchdog]);
        tokio::time::sleep(timeout / 2).await;
        for (round, end) in rounds.iter_mut().zip(&mut ends) {
            if round.has_changed().unwrap_or(false) {
                round.mark_unchanged();
                *end = tokio::time::Instant::now();
            } else if end.elapsed() > limit {
                return format!("a round of probes took longer than {} s", limit.as_secs());
            }
        }
    }
}

/// Does nothing if systemd did not start the process.
fn notify(state: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(state);
}
