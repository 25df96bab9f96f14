//! POSTs on keepalive connections with pauses between them, as a proxy sends them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::client::Client;
use super::process::until;

/// A client closes a connection that has been idle for so many milliseconds.
const IDLE: u64 = 300;

/// The load that is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How many clients there are, each with one connection at a time.
    pub(crate) clients: u64,
    /// The longest pause between two requests of a client, in milliseconds.
    pub(crate) longest_pause: u64,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    path: &'static str,
    longest_pause: u64,
    is_over: AtomicBool,
    answered: AtomicU64,
    failures: Mutex<Vec<String>>,
    /// Locked for reading during each request.
    sending: RwLock<()>,
}

/// Clients that post until told to end.
pub(crate) struct Paced {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

impl Paced {
    /// Starts to post to a path.
    pub(crate) fn start(address: SocketAddr, path: &'static str, pace: Pace) -> Self {
        let shared = Arc::new(Shared {
            address,
            path,
            longest_pause: pace.longest_pause,
            is_over: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            failures: Mutex::default(),
            sending: RwLock::new(()),
        });
        let client = |seed| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.post_until_over(StdRng::seed_from_u64(seed)))
        };
        let clients = (0..pace.clients).map(client).collect();
        Self { shared, clients }
    }

    /// Waits for so many more answers.
    pub(crate) fn go_on(&self, more: u64) {
        let goal = self.shared.answered.load(Relaxed) + more;
        until("the load goes on", || {
            self.shared.answered.load(Relaxed) >= goal
        });
    }

    /// Holds all requests for `time` from `begin` on: connections stay open,
    /// but nothing is sent, read or closed, as in a process that is stopped.
    pub(crate) fn hold(&self, time: Duration, begin: impl FnOnce()) {
        let sending = self.shared.sending.write().expect("no panic");
        begin();
        thread::sleep(time);
        drop(sending);
    }

    /// How many requests have failed.
    pub(crate) fn failed(&self) -> usize {
        self.shared.failures.lock().expect("no panic").len()
    }

    /// Ends the load: the number of answers, and why others failed.
    pub(crate) fn finish(self) -> (u64, Vec<String>) {
        self.shared.is_over.store(true, Relaxed);
        for client in self.clients {
            client.join().expect("a client");
        }
        let failures = self.shared.failures.lock().expect("no panic").clone();
        (self.shared.answered.load(Relaxed), failures)
    }
}

impl Shared {
    fn post_until_over(&self, mut random: StdRng) {
        let mut kept = None;
        while !self.is_over.load(Relaxed) {
            let pause = random.random_range(0..self.longest_pause);
            thread::sleep(Duration::from_millis(pause.min(IDLE)));
            if pause >= IDLE {
                kept = None;
            }
            let _sending = self.sending.read().expect("no panic");
            kept = self.post(kept).unwrap_or_else(|reason| {
                self.failures.lock().expect("no panic").push(reason);
                None
            });
        }
    }

    /// Posts on a connection, and returns it where it may be kept.
    fn post(&self, kept: Option<Client>) -> Result<Option<Client>, String> {
        let connect = || Client::connect(self.address).map_err(|error| format!("connect: {error}"));
        let mut client = kept.map_or_else(connect, Ok)?;
        let answer = client.post(self.path, b"0123456789");
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("status {}", answer.status));
        }
        self.answered.fetch_add(1, Relaxed);
        Ok((!answer.closes()).then_some(client))
    }
}
