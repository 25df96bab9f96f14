//! The accept loop and its end.
//!
//! The loop is our own, around the routes as a service, because the end is:
//! for a short grace answer everything with `Connection: close`, so that a
//! proxy's cached connection is not cut under a request; stop accepting, where
//! somebody else keeps the port after that grace, since what comes then waits
//! for the next process, and otherwise before it; wait a little for the first
//! request of connections that have had none, since who opens one per request
//! cannot repeat it; then close what is idle; and let our own deadline end the
//! rest.

mod answer;

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
use tokio::time::{sleep, timeout};

use answer::Answerer;

use crate::app::App;
use crate::connection::Felt;
use crate::listener::{Bound, Keeper, Listener};
use crate::routes::Routes;
use crate::settings::Limits;

/// How long answers on open connections go on after the order to end: a proxy
/// that is sending into a cached connection gets its answer and is told to
/// close it.
const GRACE: Duration = Duration::from_millis(150);

/// How long the request of a new connection is waited for after the end of
/// accepting: on a busy machine its sender may not have had a turn yet.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// Pause between two looks whether such a request has come.
const LOOK_PAUSE: Duration = Duration::from_millis(10);

/// Pause after a failed accept: what is short (descriptors, memory) is not
/// there again a microsecond later.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What the process is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Go on.
    Serve,
    /// End; somebody else keeps the port.
    Drain,
    /// End together with the port.
    Stop,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Connections the deadline cut.
    pub(crate) cut: u64,
    /// From the order to the end.
    pub(crate) took: Duration,
}

/// Serves one listening socket.
pub(crate) struct Server {
    app: &'static App,
    routes: &'static Routes,
    limits: Limits,
    protocol: http1::Builder,
    graceful: GracefulShutdown,
    places: Arc<Semaphore>,
}

impl Server {
    /// A server that has not begun.
    pub(crate) fn new(app: &'static App, routes: &'static Routes, limits: Limits) -> Self {
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_header_size(limits.header)
            // Answers are small: copying one behind its head is cheaper than
            // telling the kernel of two pieces.
            .writev(false)
            // A client that has said all still wants its answer. And looking
            // for its end while the answer is made would cost each request a
            // read buffer of its own.
            .half_close(true);
        Self {
            app,
            routes,
            limits,
            protocol,
            graceful: GracefulShutdown::new(),
            places: Arc::new(Semaphore::new(limits.connections)),
        }
    }

    /// Accepts until ordered to end, then ends within `deadline`.
    pub(crate) async fn run(
        self,
        bound: Bound,
        mut orders: watch::Receiver<Order>,
        deadline: Duration,
    ) -> io::Result<Ended> {
        let listener = bound.listen()?;
        let sweeper = tokio::spawn(sweep(self.app, self.limits));
        let order = loop {
            tokio::select! {
                biased;
                order = ended(&mut orders) => break order,
                () = self.accept(&listener) => {}
            }
        };
        let began = Instant::now();
        self.app.drain();
        let open = self.app.connections.count();
        self.app.log.note(format!("draining {open} connections"));
        if order == Order::Stop || bound.keeper == Keeper::Nobody {
            drop(listener);
            bound.refuse_handshakes();
        } else {
            let _ = timeout(GRACE.min(deadline), self.accept_while_busy(&listener)).await;
            drop(listener);
        }
        // Also of a port that was somebody's: where a socket passes to another unit, systemd has
        // let go of it by now.
        self.take_the_waiting(&bound);
        drop(bound);
        let ended = self.end(began, deadline).await;
        sweeper.abort();
        Ok(ended)
    }

    /// Accepts on, for as long as a connection is open: nobody who comes now has
    /// to wait for the next process yet.
    async fn accept_while_busy(&self, listener: &Listener) {
        loop {
            tokio::select! {
                biased;
                () = self.app.connections.none_left() => return,
                () = self.accept(listener) => {}
            }
        }
    }

    async fn accept(&self, listener: &Listener) {
        // Without a free place the rest waits in the kernel, where a brother
        // on the same socket may take it.
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return;
        };
        let accepted = match listener {
            Listener::Tcp(tcp) => tcp
                .accept()
                .await
                .map(|(stream, _)| self.open_tcp(stream, Some(place))),
            Listener::Unix(unix) => unix
                .accept()
                .await
                .map(|(stream, _)| self.open(stream, Some(place))),
        };
        if let Err(error) = accepted
            && !is_of_the_peer(&error)
        {
            self.app.log.warn(format!("cannot accept: {error}"));
            sleep(ACCEPT_PAUSE).await;
        }
    }

    /// Accepts what waits in the kernel: with the port gone it would be reset.
    /// The cap on connections does not count here, the backlog is one itself.
    fn take_the_waiting(&self, bound: &Bound) {
        while let Ok((socket, _)) = bound.socket.accept() {
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

    fn open_tcp(&self, stream: TcpStream, place: Option<OwnedSemaphorePermit>) {
        // A peer that is gone already is found by the first read.
        let _ = stream.set_nodelay(true);
        self.open(stream, place);
    }

    fn open<S>(&self, stream: S, place: Option<OwnedSemaphorePermit>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let registration = self.app.connections.register();
        let answerer = Answerer {
            app: self.app,
            routes: self.routes,
            pulse: Arc::clone(&registration.pulse),
        };
        let service = service_fn(move |request| answerer.answer(request));
        let io = TokioIo::new(Felt::new(stream, Arc::clone(&registration.pulse)));
        let connection = self
            .graceful
            .watch(self.protocol.serve_connection(io, service));
        let id = registration.id;
        let task = tokio::spawn(async move {
            // How a client ends its connection is its own affair.
            let _ = connection.await;
            drop((registration, place));
        });
        self.app.connections.served_by(id, task.abort_handle());
    }

    async fn end(self, began: Instant, deadline: Duration) -> Ended {
        let connections = &self.app.connections;
        // The grace ends early as soon as no connection is open.
        let grace = GRACE.min(deadline).saturating_sub(began.elapsed());
        let _ = timeout(grace, connections.none_left()).await;
        while connections.are_expecting() && began.elapsed() < FIRST_REQUEST.min(deadline) {
            sleep(LOOK_PAUSE).await;
        }
        let left = deadline.saturating_sub(began.elapsed());
        let cut = match timeout(left, self.graceful.shutdown()).await {
            Ok(()) => 0,
            Err(_) => connections.abort_all(),
        };
        let took = began.elapsed();
        Ended { cut, took }
    }
}

/// Waits for an order to end. Whoever could give one being gone is one.
async fn ended(orders: &mut watch::Receiver<Order>) -> Order {
    match orders.wait_for(|order| *order != Order::Serve).await {
        Ok(order) => *order,
        Err(_) => Order::Drain,
    }
}

/// A connection that broke before it was accepted concerns its peer alone.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Ends connections that wait too long, for as long as the server runs.
async fn sweep(app: &'static App, limits: Limits) {
    let shortest = limits.request.min(limits.idle);
    let period = (shortest / 4).clamp(Duration::from_millis(10), Duration::from_millis(500));
    loop {
        sleep(period).await;
        let ended = app.connections.sweep(&limits);
        app.metrics
            .timeouts
            .fetch_add(ended, std::sync::atomic::Ordering::Relaxed);
    }
}
