//! Load that accounts for each request: answered whole and right, or failed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::client::{Answer, Client};
use super::process::until;

/// A server may end a connection that has been idle for its grace of 2 s
/// without a word (RFC 9112, section 9.5). A client that the machine left
/// unscheduled for this long between two requests proves nothing.
const STALE: Duration = Duration::from_millis(1900);

/// A request that was begun and not answered.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Who gave the last answer on the connection.
    pub(crate) served_by: Option<String>,
    /// Why.
    #[expect(dead_code, reason = "read in the message of a failed assertion")]
    pub(crate) reason: String,
}

/// What became of the requests.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) answered: u64,
    pub(crate) posts: u64,
    pub(crate) failures: Vec<Failure>,
    /// Connections the kernel refused: nothing was promised.
    pub(crate) refused: u64,
    /// Requests sent into a connection that had been idle for the grace.
    pub(crate) stale: u64,
    pub(crate) slowest: Duration,
}

/// Clients that ask and post until told to end.
pub(crate) struct Load {
    is_over: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Account>>,
}

impl Load {
    /// Starts so many clients, each with one connection at a time.
    pub(crate) fn start(address: SocketAddr, clients: usize) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let client = |_| {
            let (is_over, answered) = (Arc::clone(&is_over), Arc::clone(&answered));
            thread::spawn(move || ask_until(address, &is_over, &answered))
        };
        Self {
            clients: (0..clients).map(client).collect(),
            is_over,
            answered,
        }
    }

    /// Requests answered so far.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Relaxed)
    }

    /// Waits for so many more answers.
    pub(crate) fn go_on(&self, more: u64) {
        let goal = self.answered() + more;
        until("the load goes on", || self.answered() >= goal);
    }

    /// Ends the load and adds up.
    pub(crate) fn finish(self) -> Account {
        self.is_over.store(true, Relaxed);
        let mut total = Account::default();
        for client in self.clients {
            let account = client.join().expect("a client");
            total.answered += account.answered;
            total.posts += account.posts;
            total.failures.extend(account.failures);
            total.refused += account.refused;
            total.stale += account.stale;
            total.slowest = total.slowest.max(account.slowest);
        }
        total
    }
}

fn ask_until(address: SocketAddr, is_over: &AtomicBool, answered: &AtomicU64) -> Account {
    let mut account = Account::default();
    while !is_over.load(Relaxed) {
        match Client::connect(address) {
            Ok(client) => keep_asking(client, is_over, (&mut account, answered)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                account.refused += 1;
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) => account.failures.push(Failure {
                served_by: None,
                reason: format!("connect: {error}"),
            }),
        }
    }
    account
}

fn keep_asking(
    mut client: Client,
    is_over: &AtomicBool,
    (account, answered): (&mut Account, &AtomicU64),
) {
    let mut served_by = None;
    let mut idle_since = Instant::now();
    while !is_over.load(Relaxed) {
        let asked = Instant::now();
        let is_stale = asked - idle_since > STALE && served_by.is_some();
        match ask(&mut client, account.answered) {
            Ok(answer) => {
                account.answered += 1;
                account.posts += account.answered % 2;
                answered.fetch_add(1, Relaxed);
                account.slowest = account.slowest.max(asked.elapsed());
                if answer.closes() {
                    return;
                }
                served_by = answer.header("x-served-by").map(str::to_owned);
            }
            Err(_) if is_stale => {
                account.stale += 1;
                return;
            }
            Err(error) => {
                let reason = error.to_string();
                account.failures.push(Failure { served_by, reason });
                return;
            }
        }
        idle_since = Instant::now();
    }
}

/// A POST or a GET, in turn, whose answer must add up.
fn ask(client: &mut Client, number: u64) -> io::Result<Answer> {
    let cant = number % 50;
    let path = format!("/api/randoms?cant={cant}");
    let answer = if number.is_multiple_of(2) {
        let size = usize::try_from(number % 3000).unwrap_or_default();
        client.post(&path, &vec![b'x'; size])?
    } else {
        client.get(&path)?
    };
    if answer.status != 200 || answer.sum() != cant {
        let reason = format!("{} {}", answer.status, answer.body);
        return Err(io::Error::other(reason));
    }
    Ok(answer)
}
