//! What a worker gets from its master: the listening socket, a channel on
//! standard input, and one variable that says so.

use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use rustix::process::getppid;
use tokio::sync::watch;

use crate::identity::Role;
use crate::listener::Bound;
use crate::log::Log;
use crate::notify::Supervisor;
use crate::process::Process;
use crate::serve::Order;
use crate::settings::Settings;

/// The variable by which a worker knows what it is.
pub(super) const VARIABLE: &str = "RANDOMS_INHERITED";

/// How much longer than its deadline a worker without master may live, should
/// its runtime be stuck.
const LAST_RESORT: Duration = Duration::from_secs(2);

/// What a worker gets from its master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inheritance {
    /// Process id of the master.
    pub(super) master: i32,
    /// Number of the listening descriptor.
    pub(super) socket: RawFd,
    /// The worker's number, from one.
    pub(super) index: usize,
    /// How many workers there are.
    pub(super) of: usize,
    /// Milliseconds between two signs of life.
    pub(super) beat: u64,
}

impl fmt::Display for Inheritance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            master,
            socket,
            index,
            of,
            beat,
        } = self;
        write!(out, "{master} {socket} {index} {of} {beat}")
    }
}

impl FromStr for Inheritance {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut fields = text.split(' ');
        let inheritance = Self {
            master: field(&mut fields)?,
            socket: field(&mut fields)?,
            index: field(&mut fields)?,
            of: field(&mut fields)?,
            beat: field(&mut fields)?,
        };
        match fields.next() {
            None => Ok(inheritance),
            Some(_) => Err(()),
        }
    }
}

fn field<T: FromStr>(fields: &mut std::str::Split<'_, char>) -> Result<T, ()> {
    fields.next().ok_or(())?.parse().map_err(|_| ())
}

impl Inheritance {
    /// Reads the variable, when it is set.
    pub(crate) fn from_environment() -> Option<Self> {
        std::env::var(VARIABLE).ok()?.parse().ok()
    }

    /// Serves as a worker until the master, or its end, says otherwise. One
    /// whose master is gone before it began must not begin, least of all as a
    /// master.
    pub(crate) fn serve(self, settings: &Settings, log: Log) -> io::Result<()> {
        if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(self.master) {
            return Err(io::Error::other("the master of this worker is gone"));
        }
        let channel = io::stdin().as_fd().try_clone_to_owned()?;
        let orders = watch::Sender::new(Order::Serve);
        let listening = UnixStream::from(channel.try_clone()?);
        spawn_obedience(listening, orders.clone(), settings.drain)?;
        let process = Process {
            role: Role::Worker { of: self.of },
            bound: Bound::adopt(self.socket)?,
            supervisor: Supervisor::Master(channel),
            pings: Some(Duration::from_millis(self.beat)),
            orders,
        };
        process.serve(settings, log)
    }
}

/// Listens to the master on a thread of its own: that the master is gone must
/// be noticed even by a worker whose runtime is stuck, or it is an orphan.
fn spawn_obedience(
    channel: UnixStream,
    orders: watch::Sender<Order>,
    drain: Duration,
) -> io::Result<()> {
    let obey = move || {
        for line in BufReader::with_capacity(64, channel).lines() {
            match line.as_deref() {
                Ok("drain") => orders.send_replace(Order::Drain),
                Ok("stop") => orders.send_replace(Order::Stop),
                _ => break,
            };
        }
        if *orders.borrow() == Order::Serve {
            orders.send_replace(Order::Stop);
        }
        thread::sleep(drain + LAST_RESORT);
        std::process::exit(1);
    };
    thread::Builder::new()
        .name("obedience".to_owned())
        .stack_size(64 * 1024)
        .spawn(obey)?;
    Ok(())
}

/// The two ends of a channel: the master's, and the worker's standard input.
pub(super) fn channel() -> io::Result<(UnixStream, OwnedFd)> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((ours, theirs.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inheritance_reads_what_it_writes() {
        let inheritance = Inheritance {
            master: 12,
            socket: 7,
            index: 2,
            of: 4,
            beat: 1000,
        };
        assert_eq!(inheritance.to_string().parse(), Ok(inheritance));
        for wrong in ["", "1 2 3 4", "1 2 3 4 5 6", "a 2 3 4 5"] {
            assert!(wrong.parse::<Inheritance>().is_err(), "{wrong}");
        }
    }
}
