//! The accept loop and the drain that ends it.
//!
//! A request that is sent on an idle connection while the server closes it is
//! lost, and a proxy must not repeat a POST. So the peer should be the one to
//! close, and the server gives it time: each connection is left open for
//! `--grace`, counted from the order to drain or from its opening, whichever is
//! later. During that time every answer has `Connection: close`. A busy
//! connection therefore ends with its next answer, and a new one with its first.
//! A request whose head has begun is answered, also after the grace, within its
//! timeout and `--drain`.
//!
//! Where systemd or the master keeps the listening socket, the process goes on
//! accepting while a connection from before the order is open, at most for the
//! grace. Connections opened after the order do not prolong this, with one
//! exception: while one of them has sent nothing for 50 ms, the process waits for
//! its first request and accepts others. Then it accepts what is in the backlog,
//! stops accepting, closes idle connections, and finishes the requests in flight
//! until `--drain` is over.
//!
//! Where the process owns its port, it stops accepting at once. The port closes
//! with the process in any case, and a refused connection is the one failure after
//! which a proxy may send any request to another server. Connections in the
//! backlog are accepted and answered, since the kernel has completed their
//! handshake. Idle connections have the same grace.

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
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use answer::Answerer;

use crate::app::App;
use crate::connection::{Felt, Wait};
use crate::listener::{Bound, Keeper, Listener};
use crate::routes::Routes;
use crate::settings::Limits;

/// How often a drain checks whether it still has to wait.
const CHECK_PERIOD: Duration = Duration::from_millis(2);

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
        self.app.connections.begin_drain();
        let open = self.app.connections.count();
        self.app.log.note(format!("draining {open} connections"));
        if order == Order::Stop || bound.keeper == Keeper::Nobody {
            drop(listener);
            bound.refuse_handshakes();
        } else {
            let _ = timeout(deadline, self.wait_for_peers(Some(&listener))).await;
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

    /// Waits until idle connections may be closed. During a long wait, it accepts
    /// connections if there is a listener.
    async fn wait_for_peers(&self, listener: Option<&Listener>) {
        loop {
            let drained = self.app.connections.drained();
            let accepting = match self.app.connections.wait_of(self.limits.grace) {
                Wait::Over => return,
                Wait::Short => None,
                Wait::Long => listener,
            };
            tokio::select! {
                () = drained => {}
                () = sleep(CHECK_PERIOD) => {}
                () = self.accept_on(accepting) => {}
            }
            // Lets connections read what has arrived before the next check.
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
        let left = deadline.saturating_sub(began.elapsed());
        let _ = timeout(left, self.wait_for_peers(None)).await;
        let left = deadline.saturating_sub(began.elapsed());
        let cut = match timeout(left, self.graceful.shutdown()).await {
            Ok(()) => 0,
            Err(_) => self.app.connections.abort_all(),
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
