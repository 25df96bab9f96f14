//! The parameters of a worker process, and its channel to the supervisor.
//!
//! The supervisor passes the listening socket as a descriptor, a socket pair as
//! standard input, and the parameters in one environment variable.

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
use crate::listener::ListeningSocket;
use crate::log::Log;
use crate::notify::Notifier;
use crate::process::Process;
use crate::serve::RunState;
use crate::settings::Settings;

/// The environment variable that holds the parameters.
pub(super) const VARIABLE: &str = "RANDOMS_INHERITED";

/// Time after the drain deadline before a worker exits even if its runtime is
/// blocked.
const EXIT_MARGIN: Duration = Duration::from_secs(2);

/// The parameters that a worker receives from its supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorkerParameters {
    /// Process ID of the supervisor.
    pub(super) supervisor_pid: i32,
    /// Descriptor number of the listening socket.
    pub(super) socket: RawFd,
    /// Number of this worker, from one.
    pub(super) number: usize,
    /// Number of workers in the cluster.
    pub(super) workers: usize,
    /// Milliseconds between two pings.
    pub(super) ping_interval: u64,
}

impl fmt::Display for WorkerParameters {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            supervisor_pid,
            socket,
            number,
            workers,
            ping_interval,
        } = self;
        write!(
            out,
            "{supervisor_pid} {socket} {number} {workers} {ping_interval}"
        )
    }
}

impl FromStr for WorkerParameters {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut fields = text.split(' ');
        let parameters = Self {
            supervisor_pid: field(&mut fields)?,
            socket: field(&mut fields)?,
            number: field(&mut fields)?,
            workers: field(&mut fields)?,
            ping_interval: field(&mut fields)?,
        };
        match fields.next() {
            None => Ok(parameters),
            Some(_) => Err(()),
        }
    }
}

fn field<T: FromStr>(fields: &mut std::str::Split<'_, char>) -> Result<T, ()> {
    fields.next().ok_or(())?.parse().map_err(|_| ())
}

impl WorkerParameters {
    /// Reads the environment variable; `None` if it is not set or not valid.
    pub(crate) fn from_environment() -> Option<Self> {
        std::env::var(VARIABLE).ok()?.parse().ok()
    }

    /// Runs a worker until the supervisor stops it or exits.
    ///
    /// Fails if the supervisor has exited before the worker starts.
    pub(crate) fn serve(self, settings: &Settings, log: Log) -> io::Result<()> {
        if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(self.supervisor_pid) {
            return Err(io::Error::other("the supervisor of this worker has exited"));
        }
        let channel = io::stdin().as_fd().try_clone_to_owned()?;
        let run_state = watch::Sender::new(RunState::Serve);
        let commands = UnixStream::from(channel.try_clone()?);
        spawn_command_reader(commands, run_state.clone(), settings.drain)?;
        let process = Process {
            role: Role::Worker { of: self.workers },
            listening: ListeningSocket::inherit(self.socket)?,
            notifier: Notifier::Supervisor(channel),
            ping_interval: Some(Duration::from_millis(self.ping_interval)),
            run_state,
        };
        process.serve(settings, log)
    }
}

/// Reads the commands of the supervisor on a dedicated thread, so that a worker
/// with a blocked runtime also exits when the supervisor has exited.
fn spawn_command_reader(
    channel: UnixStream,
    run_state: watch::Sender<RunState>,
    drain: Duration,
) -> io::Result<()> {
    let read_commands = move || {
        for line in BufReader::with_capacity(64, channel).lines() {
            match line.as_deref() {
                Ok("drain") => run_state.send_replace(RunState::Drain),
                Ok("stop") => run_state.send_replace(RunState::Stop),
                _ => break,
            };
        }
        if *run_state.borrow() == RunState::Serve {
            run_state.send_replace(RunState::Stop);
        }
        thread::sleep(drain + EXIT_MARGIN);
        std::process::exit(1);
    };
    thread::Builder::new()
        .name("commands".to_owned())
        .stack_size(64 * 1024)
        .spawn(read_commands)?;
    Ok(())
}

/// Creates a channel: the supervisor's end, and the standard input of the worker.
pub(super) fn channel() -> io::Result<(UnixStream, OwnedFd)> {
    let (supervisor_end, worker_end) = UnixStream::pair()?;
    supervisor_end.set_nonblocking(true)?;
    Ok((supervisor_end, worker_end.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_round_trip() {
        let parameters = WorkerParameters {
            supervisor_pid: 12,
            socket: 7,
            number: 2,
            workers: 4,
            ping_interval: 1000,
        };
        assert_eq!(parameters.to_string().parse(), Ok(parameters));
        for wrong in ["", "1 2 3 4", "1 2 3 4 5 6", "a 2 3 4 5"] {
            assert!(wrong.parse::<WorkerParameters>().is_err(), "{wrong}");
        }
    }
}
