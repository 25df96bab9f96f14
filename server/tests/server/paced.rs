//! POST requests on keepalive connections with pauses between them, as a proxy sends them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::client::Client;
use super::process::wait_until;

/// Idle time in milliseconds after which a client closes its connection.
const IDLE_TIMEOUT: u64 = 300;

/// The parameters of the load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Number of clients, each with one connection at a time.
    pub(crate) clients: u64,
    /// Maximum pause between two requests of a client, in milliseconds.
    pub(crate) max_pause: u64,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    path: &'static str,
    max_pause: u64,
    is_stopped: AtomicBool,
    answered: AtomicU64,
    failures: Mutex<Vec<String>>,
    /// Locked for reading during each request.
    sending: RwLock<()>,
}

/// Clients that send POST requests until they are stopped.
pub(crate) struct Paced {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

impl Paced {
    /// Starts the clients.
    pub(crate) fn start(address: SocketAddr, path: &'static str, pace: Pace) -> Self {
        let shared = Arc::new(Shared {
            address,
            path,
            max_pause: pace.max_pause,
            is_stopped: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            failures: Mutex::default(),
            sending: RwLock::new(()),
        });
        let client = |seed| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.run_client(StdRng::seed_from_u64(seed)))
        };
        let clients = (0..pace.clients).map(client).collect();
        Self { shared, clients }
    }

    /// Waits for this number of further responses.
    pub(crate) fn wait_for_responses(&self, more: u64) {
        let goal = self.shared.answered.load(Relaxed) + more;
        wait_until("more responses", || {
            self.shared.answered.load(Relaxed) >= goal
        });
    }

    /// Calls `begin` and stalls all clients for `time`: connections stay open, but
    /// nothing is sent, read, or closed, as in a suspended process.
    pub(crate) fn stall(&self, time: Duration, begin: impl FnOnce()) {
        let sending = self.shared.sending.write().expect("no panic");
        begin();
        thread::sleep(time);
        drop(sending);
    }

    /// Returns the number of failed requests.
    pub(crate) fn failed(&self) -> usize {
        self.shared.failures.lock().expect("no panic").len()
    }

    /// Stops the load, and returns the number of responses and the errors.
    pub(crate) fn finish(self) -> (u64, Vec<String>) {
        self.shared.is_stopped.store(true, Relaxed);
        for client in self.clients {
            client.join().expect("a client");
        }
        let failures = self.shared.failures.lock().expect("no panic").clone();
        (self.shared.answered.load(Relaxed), failures)
    }
}

impl Shared {
    fn run_client(&self, mut random: StdRng) {
        let mut connection = None;
        while !self.is_stopped.load(Relaxed) {
            let pause = random.random_range(0..self.max_pause);
            thread::sleep(Duration::from_millis(pause.min(IDLE_TIMEOUT)));
            if pause >= IDLE_TIMEOUT {
                connection = None;
            }
            let _sending = self.sending.read().expect("no panic");
            connection = self.post(connection).unwrap_or_else(|reason| {
                self.failures.lock().expect("no panic").push(reason);
                None
            });
        }
    }

    /// Sends a POST request, and returns the connection if it stays open.
    fn post(&self, connection: Option<Client>) -> Result<Option<Client>, String> {
        let connect = || Client::connect(self.address).map_err(|error| format!("connect: {error}"));
        let mut client = connection.map_or_else(connect, Ok)?;
        let response = client.post(self.path, b"0123456789");
        let response = response.map_err(|error| error.to_string())?;
        if response.status != 200 {
            return Err(format!("status {}", response.status));
        }
        self.answered.fetch_add(1, Relaxed);
        Ok((!response.closes()).then_some(client))
    }
}
