//! Cluster mode: the supervisor process opens the listening socket and manages
//! the workers. It serves no requests.
//!
//! A worker is a new execution of this program, not a fork of a running runtime.
//! It inherits the listening socket, and its standard input is a channel to the
//! supervisor. When the channel closes, the worker exits.

mod backoff;
mod process_table;
mod supervisor;
mod worker;
mod worker_parameters;

use std::io;
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_setfd};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use crate::listener::{ListeningSocket, SocketOwner};
use crate::log::Log;
use crate::notify::{Notifier, watchdog_timeout};
use crate::serve::RunState;
use crate::settings::Settings;
use supervisor::{Config, Supervisor};
use worker::{Message, SpawnSpec, descriptor_of};
pub(crate) use worker_parameters::WorkerParameters;

/// Time without a ping after which a worker is killed, if systemd sets no watchdog timeout.
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs the supervisor process until it receives SIGTERM or SIGINT.
pub(crate) fn run(settings: &Settings, log: &Log) -> io::Result<()> {
    let listening = ListeningSocket::open(&settings.address)?;
    // Workers inherit this descriptor only.
    fcntl_setfd(&listening.socket, FdFlags::empty())?;
    let config = config(settings, &listening)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let (sender, events) = mpsc::unbounded_channel();
            let supervisor = Supervisor::new(config, log.clone(), sender);
            let process = SupervisorProcess {
                listening: Some(listening),
                notifier: Notifier::from_environment(),
                watchdog: watchdog_timeout(),
                supervisor,
                log: log.clone(),
                reported: Reported::Nothing,
            };
            process.run(events).await
        })
}

fn config(settings: &Settings, listening: &ListeningSocket) -> io::Result<Config> {
    let ping_timeout = watchdog_timeout().unwrap_or(PING_TIMEOUT);
    let ping_interval = (ping_timeout / 4).as_millis();
    let parameters = WorkerParameters {
        supervisor_pid: rustix::process::getpid().as_raw_nonzero().get(),
        socket: descriptor_of(&listening.socket),
        number: 0,
        workers: settings.workers.0.get(),
        ping_interval: u64::try_from(ping_interval).unwrap_or(u64::MAX).max(1),
    };
    Ok(Config {
        spec: SpawnSpec::of_this_process()?,
        parameters,
        ping_timeout,
        drain: settings.drain,
        respawn: settings.respawn,
    })
}

/// The state of the workers that was last reported to systemd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reported {
    Nothing,
    Replacing,
    Ready,
}

struct SupervisorProcess {
    /// The listening socket; `None` once the process is stopping.
    listening: Option<ListeningSocket>,
    notifier: Notifier,
    watchdog: Option<Duration>,
    supervisor: Supervisor,
    log: Log,
    reported: Reported,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl SupervisorProcess {
    async fn run(mut self, mut events: mpsc::UnboundedReceiver<Message>) -> io::Result<()> {
        let mut signals = Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        };
        let period = self.watchdog.map_or(PING_TIMEOUT, |timeout| timeout) / 12;
        let mut ticks =
            interval(period.clamp(Duration::from_millis(20), Duration::from_millis(250)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_ping = Instant::now();
        self.log_start();
        loop {
            self.supervisor.start_due_workers();
            self.report_changes();
            if self.listening.is_none() && self.supervisor.is_empty() {
                self.log.info("all workers stopped");
                return Ok(());
            }
            let due = self.supervisor.next_due();
            tokio::select! {
                Some(message) = events.recv() => self.supervisor.on_event(message),
                _ = signals.terminate.recv() => self.stop(),
                _ = signals.interrupt.recv() => self.stop(),
                _ = signals.hangup.recv() => self.supervisor.replace_all(),
                () = wait_until(due) => {}
                _ = ticks.tick() => {
                    self.supervisor.kill_overdue();
                    self.ping(&mut last_ping);
                }
            }
        }
    }

    fn log_start(&self) {
        if let Some(listening) = &self.listening {
            let pid = std::process::id();
            let address = listening.address_text();
            self.log
                .info(format!("supervisor (pid {pid}) opened {address}"));
        }
    }

    /// Reports to systemd when all workers are ready, and when workers are being replaced.
    fn report_changes(&mut self) {
        let now = if self.supervisor.is_steady() {
            Reported::Ready
        } else {
            Reported::Replacing
        };
        if self.listening.is_none() || now == self.reported {
            return;
        }
        match (self.reported, now) {
            (Reported::Nothing, Reported::Ready) => {
                self.notifier.ready("All workers are ready.");
                self.log.info(self.supervisor.process_table());
            }
            (_, Reported::Ready) => {
                self.notifier.status("All workers are ready.");
                self.log.info(self.supervisor.process_table());
            }
            (Reported::Nothing, _) => return,
            (_, _) => self.notifier.status("Replacing workers."),
        }
        self.reported = now;
    }

    fn stop(&mut self) {
        let Some(listening) = self.listening.take() else {
            return;
        };
        self.notifier.stopping();
        self.log.info("stopping all workers");
        // A port that this process bound closes with the last worker, so the
        // workers must accept the connections in its backlog.
        self.supervisor.stop_all(match listening.owner {
            SocketOwner::ThisProcess => RunState::Stop,
            SocketOwner::Parent => RunState::Drain,
        });
    }

    /// Sends a watchdog ping to systemd if at least one worker is responsive.
    fn ping(&self, last_ping: &mut Instant) {
        if let Some(timeout) = self.watchdog
            && last_ping.elapsed() >= timeout / 3
            && self.supervisor.has_responsive_worker()
        {
            *last_ping = Instant::now();
            self.notifier.ping();
        }
    }
}

async fn wait_until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
