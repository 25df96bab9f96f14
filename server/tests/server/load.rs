//! A load generator that counts each request as answered correctly or failed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::client::{Client, Response};
use super::process::wait_until;

/// Idle time after which a failed request is not counted. The server may close a
/// connection that is idle for its grace period of 2 s (RFC 9112, section 9.5), and a
/// busy machine can suspend a client for that long.
const STALE_AFTER: Duration = Duration::from_millis(1900);

/// A failed request.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The process that sent the last response on the connection.
    pub(crate) served_by: Option<String>,
    /// The error.
    #[expect(dead_code, reason = "read in the message of a failed assertion")]
    pub(crate) reason: String,
}

/// The results of the requests.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) answered: u64,
    pub(crate) posts: u64,
    pub(crate) failures: Vec<Failure>,
    /// Refused connections, which a client may retry.
    pub(crate) refused: u64,
    /// Failed requests on connections that had been idle for the grace period.
    pub(crate) stale: u64,
    pub(crate) slowest: Duration,
}

/// Clients that send GET and POST requests until they are stopped.
pub(crate) struct Load {
    is_stopped: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Summary>>,
}

impl Load {
    /// Starts the clients, each with one connection at a time.
    pub(crate) fn start(address: SocketAddr, clients: usize) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let client = |_| {
            let (is_stopped, answered) = (Arc::clone(&is_stopped), Arc::clone(&answered));
            thread::spawn(move || run_client(address, &is_stopped, &answered))
        };
        Self {
            clients: (0..clients).map(client).collect(),
            is_stopped,
            answered,
        }
    }

    /// Returns the number of responses so far.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Relaxed)
    }

    /// Waits for this number of further responses.
    pub(crate) fn wait_for_responses(&self, more: u64) {
        let goal = self.answered() + more;
        wait_until("more responses", || self.answered() >= goal);
    }

    /// Stops the load and sums up the results.
    pub(crate) fn finish(self) -> Summary {
        self.is_stopped.store(true, Relaxed);
        let mut total = Summary::default();
        for client in self.clients {
            let summary = client.join().expect("a client");
            total.answered += summary.answered;
            total.posts += summary.posts;
            total.failures.extend(summary.failures);
            total.refused += summary.refused;
            total.stale += summary.stale;
            total.slowest = total.slowest.max(summary.slowest);
        }
        total
    }
}

fn run_client(address: SocketAddr, is_stopped: &AtomicBool, answered: &AtomicU64) -> Summary {
    let mut summary = Summary::default();
    while !is_stopped.load(Relaxed) {
        match Client::connect(address) {
            Ok(client) => send_requests(client, is_stopped, (&mut summary, answered)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                summary.refused += 1;
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) => summary.failures.push(Failure {
                served_by: None,
                reason: format!("connect: {error}"),
            }),
        }
    }
    summary
}

fn send_requests(
    mut client: Client,
    is_stopped: &AtomicBool,
    (summary, answered): (&mut Summary, &AtomicU64),
) {
    let mut served_by = None;
    let mut idle_since = Instant::now();
    while !is_stopped.load(Relaxed) {
        let sent = Instant::now();
        let is_stale = sent - idle_since > STALE_AFTER && served_by.is_some();
        match send_request(&mut client, summary.answered) {
            Ok(response) => {
                summary.answered += 1;
                summary.posts += summary.answered % 2;
                answered.fetch_add(1, Relaxed);
                summary.slowest = summary.slowest.max(sent.elapsed());
                if response.closes() {
                    return;
                }
                served_by = response.header("x-served-by").map(str::to_owned);
            }
            Err(_) if is_stale => {
                summary.stale += 1;
                return;
            }
            Err(error) => {
                let reason = error.to_string();
                summary.failures.push(Failure { served_by, reason });
                return;
            }
        }
        idle_since = Instant::now();
    }
}

/// Sends a POST or a GET in turn, and checks the sum of the tally.
fn send_request(client: &mut Client, number: u64) -> io::Result<Response> {
    let cant = number % 50;
    let path = format!("/api/randoms?cant={cant}");
    let response = if number.is_multiple_of(2) {
        let size = usize::try_from(number % 3000).unwrap_or_default();
        client.post(&path, &vec![b'x'; size])?
    } else {
        client.get(&path)?
    };
    if response.status != 200 || response.sum() != cant {
        let reason = format!("{} {}", response.status, response.body);
        return Err(io::Error::other(reason));
    }
    Ok(response)
}
