//! A process that serves: alone, or as one of a master's workers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::app::App;
use crate::identity::{Identity, Role};
use crate::listener::{Bound, Keeper};
use crate::log::Log;
use crate::notify::{Supervisor, watchdog_bound};
use crate::routes::Routes;
use crate::serve::{Order, Server};
use crate::settings::Settings;
use crate::watchdog;

/// How long the last log lines may take.
pub(crate) const LAST_LINES: Duration = Duration::from_millis(500);

/// What a serving process is made of.
pub(crate) struct Process {
    pub(crate) role: Role,
    pub(crate) bound: Bound,
    pub(crate) supervisor: Supervisor,
    /// How often the supervisor wants to hear that the process is alive.
    pub(crate) pings: Option<Duration>,
    pub(crate) orders: watch::Sender<Order>,
}

/// Serves as the only process.
pub(crate) fn alone(settings: &Settings, log: Log) -> io::Result<()> {
    let process = Process {
        role: Role::Alone,
        bound: Bound::obtain(&settings.address)?,
        supervisor: Supervisor::from_environment(),
        pings: watchdog_bound().map(|bound| bound / 3),
        orders: watch::Sender::new(Order::Serve),
    };
    process.serve(settings, log)
}

impl Process {
    /// Serves until told to end.
    pub(crate) fn serve(self, settings: &Settings, log: Log) -> io::Result<()> {
        let descriptors = raise_descriptor_limit();
        let mut settings = settings.clone();
        // What is not a connection (log, timers, the listener) needs some too.
        let places = descriptors.saturating_sub(32).max(1);
        settings.limits.connections = settings.limits.connections.min(places);
        let app = App::new(Identity::discover(self.role), log);
        runtime(settings.threads)?.block_on(self.run(&settings, app))
    }

    async fn run(self, settings: &Settings, app: &'static App) -> io::Result<()> {
        let routes = Routes::new(app);
        let supervisor = Arc::new(self.supervisor);
        spawn_signals(&self.orders, self.role, self.bound.keeper)?;
        if let Some(period) = self.pings {
            let pings = watchdog::ping(Arc::clone(&supervisor), routes, period);
            tokio::spawn(pings);
        }
        let address = self.bound.describe();
        let server = Server::new(app, routes, settings.limits);
        let orders = self.orders.subscribe();
        spawn_stopping(self.orders.subscribe(), Arc::clone(&supervisor));
        let serving = server.run(self.bound, orders, settings.drain);
        let pid = app.identity.pid;
        app.log.note(format!("listening on {address} as {pid}"));
        supervisor.ready(&format!("Answering on {address}."));
        let ended = serving.await?;
        let took = ended.took.as_millis();
        let requests = app.metrics.total();
        match ended.cut {
            0 => app.log.note(format!(
                "ended after {requests} requests, drained in {took} ms"
            )),
            cut => app.log.warn(format!(
                "drain deadline: cut {cut} connections after {took} ms"
            )),
        }
        Ok(())
    }
}

/// Tells the supervisor as soon as the end begins.
fn spawn_stopping(mut orders: watch::Receiver<Order>, supervisor: Arc<Supervisor>) {
    tokio::spawn(async move {
        if orders
            .wait_for(|order| *order != Order::Serve)
            .await
            .is_ok()
        {
            supervisor.stopping();
        }
    });
}

/// SIGTERM and SIGINT end the process. So does the terminal hanging up, but a
/// worker leaves SIGHUP to its master, which means something else by it.
fn spawn_signals(orders: &watch::Sender<Order>, role: Role, keeper: Keeper) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let orders = orders.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {
                    if role != Role::Alone {
                        continue;
                    }
                }
            }
            orders.send_replace(match keeper {
                Keeper::Nobody => Order::Stop,
                Keeper::Other => Order::Drain,
            });
        }
    });
    Ok(())
}

/// One thread needs no runtime that can steal work from others.
fn runtime(threads: usize) -> io::Result<Runtime> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.worker_threads(threads).enable_all().build()
}

/// Raises the soft limit of open descriptors to the hard one and returns it.
/// The soft default of 1024 is for programs that use select(2).
fn raise_descriptor_limit() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    current.map_or(usize::MAX, |number| {
        usize::try_from(number).unwrap_or(usize::MAX)
    })
}
