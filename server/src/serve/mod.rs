//! The accept loop and the drain.
//!
//! A request that arrives on an idle connection while the server closes it is
//! lost, and a proxy must not retry a POST. So the peer should close first. Each
//! connection stays open for `--grace`, from the start of the drain or from its
//! opening, whichever is later. During the drain, each response has
//! `Connection: close`: a busy connection ends after its next response, and a new
//! one after its first. A request whose head has begun is served within its
//! timeout and `--drain`, even after the grace period.
//!
//! If systemd or the supervisor owns the listening socket, the process continues
//! to accept while a connection from before the drain is open, at most for the
//! grace period. Later connections do not prolong this, with one exception: while
//! one of them has sent nothing for 50 ms, the process waits for its first request
//! and accepts others. Then it accepts the backlog, stops accepting, closes idle
//! connections, and finishes the requests in flight until `--drain` expires.
//!
//! If the process owns the listening socket, it stops accepting immediately. The
//! port closes with the process in any case, and a refused connection is the one
//! failure after which a proxy may retry any request. Connections in the backlog
//! are accepted and served, because the kernel has completed their handshake. Idle
//! connections have the same grace period.

mod request_handler;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use request_handler::RequestHandler;

use crate::app::App;
use crate::connection::{DrainWait, TimedStream};
use crate::listener::{Listener, ListeningSocket, SocketOwner};
use crate::routes::Routes;
use crate::settings::Limits;

/// Interval at which a drain checks whether it must wait.
const CHECK_PERIOD: Duration = Duration::from_millis(2);

/// Delay after a failed accept, since a shortage of descriptors or memory does
/// not end immediately.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// The requested state of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunState {
    /// Serve requests.
    Serve,
    /// Drain and exit; another process keeps the port open.
    Drain,
    /// Drain and exit; the port closes.
    Stop,
}

/// The result of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drained {
    /// Number of connections that were open at the drain timeout.
    pub(crate) aborted: u64,
    /// Duration of the drain.
    pub(crate) duration: Duration,
}

/// An HTTP server for one listening socket.
pub(crate) struct Server {
    app: &'static App,
    routes: &'static Routes,
    limits: Limits,
    protocol: http1::Builder,
    graceful: GracefulShutdown,
    permits: Arc<Semaphore>,
}

impl Server {
    /// Creates a server that does not accept connections yet.
    pub(crate) fn new(app: &'static App, routes: &'static Routes, limits: Limits) -> Self {
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_header_size(limits.header)
            // Responses are small: copying one behind its head is cheaper than
            // a vectored write.
            .writev(false)
            // A client that has shut down its writing side still receives its
            // response. Detecting the shutdown while a response is produced
            // would need a read buffer for each request.
            .half_close(true);
        Self {
            app,
            routes,
            limits,
            protocol,
            graceful: GracefulShutdown::new(),
            permits: Arc::new(Semaphore::new(limits.connections)),
        }
    }

    /// Serves requests until `run_state` changes, then drains within `drain_timeout`.
    pub(crate) async fn run(
        self,
        listening: ListeningSocket,
        mut run_state: watch::Receiver<RunState>,
        drain_timeout: Duration,
    ) -> io::Result<Drained> {
        let listener = listening.listen()?;
        let sweeper = tokio::spawn(sweep(self.app, self.limits));
        let requested = loop {
            tokio::select! {
                biased;
                requested = stop_requested(&mut run_state) => break requested,
                () = self.accept(&listener) => {}
            }
        };
        let started = Instant::now();
        self.app.drain();
        self.app.connections.begin_drain();
        let open = self.app.connections.count();
        self.app.log.info(format!("draining {open} connections"));
        if requested == RunState::Stop || listening.owner == SocketOwner::ThisProcess {
            drop(listener);
            listening.drop_handshakes();
        } else {
            let _ = timeout(drain_timeout, self.wait_for_peers(Some(&listener))).await;
            drop(listener);
        }
        // Even if the parent owned the socket: when a port moves to another unit, systemd has
        // already closed its descriptor.
        self.accept_backlog(&listening);
        drop(listening);
        let drained = self.finish(started, drain_timeout).await;
        sweeper.abort();
        Ok(drained)
    }

    /// Waits until idle connections may be closed. During a long wait, accepts
    /// connections if there is a listener.
    async fn wait_for_peers(&self, listener: Option<&Listener>) {
        loop {
            let drained = self.app.connections.drained();
            let accepting = match self.app.connections.drain_wait(self.limits.grace) {
                DrainWait::None => return,
                DrainWait::Short => None,
                DrainWait::Long => listener,
            };
            tokio::select! {
                () = drained => {}
                () = sleep(CHECK_PERIOD) => {}
                () = self.accept_on(accepting) => {}
            }
            // Let connections read received data before the next check.
            yield_now().await;
        }
    }

    async fn accept_on(&self, listener: Option<&Listener>) {
        let Some(listener) = listener else {
            return std::future::pending().await;
        };
        loop {
            self.accept(listener).await;
        }
    }

    async fn accept(&self, listener: &Listener) {
        // At the connection limit, new connections wait in the kernel, where a
        // sibling worker on the same socket can accept them.
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            return;
        };
        let accepted = match listener {
            Listener::Tcp(tcp) => tcp
                .accept()
                .await
                .map(|(stream, _)| self.open_tcp(stream, Some(permit))),
            Listener::Unix(unix) => unix
                .accept()
                .await
                .map(|(stream, _)| self.open(stream, Some(permit))),
        };
        if let Err(error) = accepted
            && !is_peer_error(&error)
        {
            self.app.log.warn(format!("cannot accept: {error}"));
            sleep(ACCEPT_RETRY_DELAY).await;
        }
    }

    /// Accepts the connections in the backlog, which would be reset when the port
    /// closes. The connection limit does not apply; the backlog is limited.
    fn accept_backlog(&self, listening: &ListeningSocket) {
        while let Ok((socket, _)) = listening.socket.accept() {
            if socket.set_nonblocking(true).is_err() {
                continue;
            }
            if socket
                .domain()
                .is_ok_and(|domain| domain == socket2::Domain::UNIX)
            {
                if let Ok(stream) = UnixStream::from_std(socket.into()) {
                    self.open(stream, None);
                }
            } else if let Ok(stream) = TcpStream::from_std(socket.into()) {
                self.open_tcp(stream, None);
            }
        }
    }

    fn open_tcp(&self, stream: TcpStream, permit: Option<OwnedSemaphorePermit>) {
        // Fails if the peer has closed the connection; the first read detects this.
        let _ = stream.set_nodelay(true);
        self.open(stream, permit);
    }

    fn open<S>(&self, stream: S, permit: Option<OwnedSemaphorePermit>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let registration = self.app.connections.register();
        let handler = RequestHandler {
            app: self.app,
            routes: self.routes,
            activity: Arc::clone(&registration.activity),
        };
        let service = service_fn(move |request| handler.handle(request));
        let io = TokioIo::new(TimedStream::new(stream, Arc::clone(&registration.activity)));
        let connection = self
            .graceful
            .watch(self.protocol.serve_connection(io, service));
        let id = registration.id;
        let task = tokio::spawn(async move {
            // Errors of a connection concern its client only.
            let _ = connection.await;
            drop((registration, permit));
        });
        self.app.connections.set_task(id, task.abort_handle());
    }

    /// Finishes the requests in flight, and aborts the connections that are open at the timeout.
    async fn finish(self, started: Instant, drain_timeout: Duration) -> Drained {
        let remaining = drain_timeout.saturating_sub(started.elapsed());
        let _ = timeout(remaining, self.wait_for_peers(None)).await;
        let remaining = drain_timeout.saturating_sub(started.elapsed());
        let aborted = match timeout(remaining, self.graceful.shutdown()).await {
            Ok(()) => 0,
            Err(_) => self.app.connections.abort_all(),
        };
        let duration = started.elapsed();
        Drained { aborted, duration }
    }
}

/// Waits until the process is to drain or to stop. A dropped sender counts as a request to drain.
async fn stop_requested(run_state: &mut watch::Receiver<RunState>) -> RunState {
    match run_state.wait_for(|state| *state != RunState::Serve).await {
        Ok(state) => *state,
        Err(_) => RunState::Drain,
    }
}

/// Whether a peer closed or reset its connection before it was accepted.
fn is_peer_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Aborts connections that exceed a limit, until the server exits.
async fn sweep(app: &'static App, limits: Limits) {
    let shortest = limits.request.min(limits.idle);
    let period = (shortest / 4).clamp(Duration::from_millis(10), Duration::from_millis(500));
    loop {
        sleep(period).await;
        let aborted = app.connections.sweep(&limits);
        app.metrics
            .timeouts
            .fetch_add(aborted, std::sync::atomic::Ordering::Relaxed);
    }
}
