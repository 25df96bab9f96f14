//! The master of a cluster: it holds the port, keeps the workers, and answers
//! no request itself.
//!
//! A worker is this program executed again, never a fork of a process with a
//! runtime in it. It finds the listening socket by its number, and the master
//! at the other end of its standard input: when that closes, it ends.

mod backoff;
mod crew;
mod inheritance;
mod roster;
mod worker;

use std::io;
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_setfd};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use crate::listener::{Bound, Keeper};
use crate::log::Log;
use crate::notify::{Supervisor, watchdog_bound};
use crate::serve::Order;
use crate::settings::Settings;
use crew::{Crew, Terms};
pub(crate) use inheritance::Inheritance;
use worker::{Message, Recipe, number_of};

/// Silence after which a worker counts as hung, when systemd sets no bound.
const SILENCE: Duration = Duration::from_secs(10);

/// Runs the master of a cluster until it is told to end.
pub(crate) fn run(settings: &Settings, log: &Log) -> io::Result<()> {
    let bound = Bound::obtain(&settings.address)?;
    // The one descriptor that workers are to find open.
    fcntl_setfd(&bound.socket, FdFlags::empty())?;
    let terms = terms(settings, &bound)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let (sender, news) = mpsc::unbounded_channel();
            let crew = Crew::new(terms, log.clone(), sender);
            let master = Master {
                bound: Some(bound),
                supervisor: Supervisor::from_environment(),
                watchdog: watchdog_bound(),
                crew,
                log: log.clone(),
                announced: Announced::Never,
            };
            master.keep(news).await
        })
}

fn terms(settings: &Settings, bound: &Bound) -> io::Result<Terms> {
    let silence = watchdog_bound().unwrap_or(SILENCE);
    let beat = (silence / 4).as_millis();
    let inheritance = Inheritance {
        master: rustix::process::getpid().as_raw_nonzero().get(),
        socket: number_of(&bound.socket),
        index: 0,
        of: settings.workers.0.get(),
        beat: u64::try_from(beat).unwrap_or(u64::MAX).max(1),
    };
    Ok(Terms {
        recipe: Recipe::of_this_process()?,
        inheritance,
        silence,
        drain: settings.drain,
        respawn: settings.respawn,
    })
}

/// What the world was told about the crew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Announced {
    Never,
    Incomplete,
    Complete,
}

struct Master {
    bound: Option<Bound>,
    supervisor: Supervisor,
    watchdog: Option<Duration>,
    crew: Crew,
    log: Log,
    announced: Announced,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Master {
    async fn keep(mut self, mut news: mpsc::UnboundedReceiver<Message>) -> io::Result<()> {
        let mut signals = Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        };
        let period = self.watchdog.map_or(SILENCE, |bound| bound) / 12;
        let mut ticks =
            interval(period.clamp(Duration::from_millis(20), Duration::from_millis(250)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pinged = Instant::now();
        self.greet();
        loop {
            self.crew.fill();
            self.announce();
            if self.bound.is_none() && self.crew.is_empty() {
                self.log.note("all workers have left");
                return Ok(());
            }
            let due = self.crew.next_due();
            tokio::select! {
                Some(message) = news.recv() => self.crew.hear(message),
                _ = signals.terminate.recv() => self.stop(),
                _ = signals.interrupt.recv() => self.stop(),
                _ = signals.hangup.recv() => self.crew.replace_all(),
                () = until(due) => {}
                _ = ticks.tick() => {
                    self.crew.enforce();
                    self.ping(&mut pinged);
                }
            }
        }
    }

    fn greet(&self) {
        if let Some(bound) = &self.bound {
            let pid = std::process::id();
            self.log
                .note(format!("master {pid} holds {}", bound.describe()));
        }
    }

    /// Tells the world when the crew has become complete, or incomplete.
    fn announce(&mut self) {
        let now = if self.crew.is_settled() {
            Announced::Complete
        } else {
            Announced::Incomplete
        };
        if self.bound.is_none() || now == self.announced {
            return;
        }
        match (self.announced, now) {
            (Announced::Never, Announced::Complete) => {
                self.supervisor.ready("All workers answer.");
                self.log.note(self.crew.roster());
            }
            (_, Announced::Complete) => {
                self.supervisor.status("All workers answer.");
                self.log.note(self.crew.roster());
            }
            (Announced::Never, _) => return,
            (_, _) => self.supervisor.status("Replacing workers."),
        }
        self.announced = now;
    }

    fn stop(&mut self) {
        let Some(bound) = self.bound.take() else {
            return;
        };
        self.supervisor.stopping();
        self.log.note("stopping all workers");
        // A port that is ours closes with the last worker, which therefore
        // takes what still waits there.
        self.crew.dismiss_all(match bound.keeper {
            Keeper::Nobody => Order::Stop,
            Keeper::Other => Order::Drain,
        });
    }

    /// The master is as alive as its workers.
    fn ping(&self, pinged: &mut Instant) {
        if let Some(bound) = self.watchdog
            && pinged.elapsed() >= bound / 3
            && self.crew.has_pulse()
        {
            *pinged = Instant::now();
            self.supervisor.alive();
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
