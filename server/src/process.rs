//! A process that serves requests: the only process, or a worker of a cluster.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::app::App;
use crate::identity::{Identity, Role};
use crate::listener::{ListeningSocket, SocketOwner};
use crate::log::Log;
use crate::notify::{Notifier, watchdog_timeout};
use crate::routes::Routes;
use crate::serve::{RunState, Server};
use crate::settings::Settings;
use crate::watchdog;

/// Time to write the remaining log lines before the process exits.
pub(crate) const LOG_FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// A process that serves requests.
pub(crate) struct Process {
    pub(crate) role: Role,
    pub(crate) listening: ListeningSocket,
    pub(crate) notifier: Notifier,
    /// Interval of the watchdog pings; `None` sends none.
    pub(crate) ping_interval: Option<Duration>,
    pub(crate) run_state: watch::Sender<RunState>,
}

/// Serves requests in a single process.
pub(crate) fn run_single(settings: &Settings, log: Log) -> io::Result<()> {
    let process = Process {
        role: Role::Single,
        listening: ListeningSocket::open(&settings.address)?,
        notifier: Notifier::from_environment(),
        ping_interval: watchdog_timeout().map(|timeout| timeout / 3),
        run_state: watch::Sender::new(RunState::Serve),
    };
    process.serve(settings, log)
}

impl Process {
    /// Serves requests until the process is stopped.
    pub(crate) fn serve(self, settings: &Settings, log: Log) -> io::Result<()> {
        let descriptors = raise_descriptor_limit();
        let mut settings = settings.clone();
        // The log, the timers, and the listener need descriptors, too.
        let available = descriptors.saturating_sub(32).max(1);
        settings.limits.connections = settings.limits.connections.min(available);
        let app = App::new(Identity::read(self.role), log);
        runtime(settings.threads)?.block_on(self.run(&settings, app))
    }

    async fn run(self, settings: &Settings, app: &'static App) -> io::Result<()> {
        let routes = Routes::new(app);
        let notifier = Arc::new(self.notifier);
        spawn_signal_handler(&self.run_state, self.role, self.listening.owner)?;
        if let Some(interval) = self.ping_interval {
            let pings = watchdog::send_pings(Arc::clone(&notifier), routes, interval);
            tokio::spawn(pings);
        }
        let address = self.listening.address_text();
        let server = Server::new(app, routes, settings.limits);
        let run_state = self.run_state.subscribe();
        spawn_stop_notification(self.run_state.subscribe(), Arc::clone(&notifier));
        let serving = server.run(self.listening, run_state, settings.drain);
        let pid = app.identity.pid;
        app.log.info(format!("listening on {address} (pid {pid})"));
        notifier.ready(&format!("Listening on {address}."));
        let drained = serving.await?;
        let millis = drained.duration.as_millis();
        let requests = app.metrics.total();
        match drained.aborted {
            0 => app.log.info(format!(
                "stopped after {requests} requests, drained in {millis} ms"
            )),
            aborted => app.log.warn(format!(
                "drain timeout: closed {aborted} connections after {millis} ms"
            )),
        }
        Ok(())
    }
}

/// Reports to systemd when the process starts to drain.
fn spawn_stop_notification(mut run_state: watch::Receiver<RunState>, notifier: Arc<Notifier>) {
    tokio::spawn(async move {
        if run_state
            .wait_for(|state| *state != RunState::Serve)
            .await
            .is_ok()
        {
            notifier.stopping();
        }
    });
}

/// Stops the process on SIGTERM and SIGINT. SIGHUP stops a single process; a
/// worker ignores it, because its supervisor uses SIGHUP for a rolling restart.
fn spawn_signal_handler(
    run_state: &watch::Sender<RunState>,
    role: Role,
    owner: SocketOwner,
) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let run_state = run_state.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {
                    if role != Role::Single {
                        continue;
                    }
                }
            }
            run_state.send_replace(match owner {
                SocketOwner::ThisProcess => RunState::Stop,
                SocketOwner::Parent => RunState::Drain,
            });
        }
    });
    Ok(())
}

/// Creates the runtime. A single thread needs no work stealing.
fn runtime(threads: usize) -> io::Result<Runtime> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.worker_threads(threads).enable_all().build()
}

/// Raises the soft limit of open descriptors to the hard limit, and returns the
/// limit. The default soft limit of 1024 exists for programs that use select(2).
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
