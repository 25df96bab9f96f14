//! A server process under test, with its output. It is killed at the end of the test.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Time limit for each awaited state, sufficient on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

/// The executable under test.
pub(crate) const RANDOMS: &str = env!("CARGO_BIN_EXE_randoms");

#[derive(Default)]
struct Lines {
    seen: Mutex<(Vec<String>, bool)>,
    changed: Condvar,
}

/// A running server.
pub(crate) struct Process {
    child: Child,
    lines: Arc<Lines>,
}

/// Creates a command that does not inherit the related variables of the test environment.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(RANDOMS);
    command.args(arguments);
    isolate(&mut command);
    command
}

fn isolate(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let prefixes = ["RANDOMS_", "GENCONF_", "LISTEN_", "WATCHDOG_"];
        let exact = ["PORT", "NOTIFY_SOCKET", "JOURNAL_STREAM"];
        if prefixes.iter().any(|prefix| name.starts_with(prefix)) || exact.contains(&&*name) {
            command.env_remove(&*name);
        }
    }
}

/// Creates a command that inherits `listener` as systemd would pass it. The shell
/// moves it to descriptor 3 and executes the server, so that `LISTEN_PID` is the
/// process ID of the server.
pub(crate) fn activated(listener: &TcpListener, arguments: &str) -> Command {
    with_socket(listener, &format!("{RANDOMS} {arguments}"))
}

/// Creates a command for any shell command line, with `listener` as in [`activated`].
pub(crate) fn with_socket(listener: &TcpListener, program: &str) -> Command {
    let socket: OwnedFd = listener.try_clone().expect("a descriptor").into();
    let mut command = Command::new("sh");
    let script = format!("exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec {program}");
    isolate(&mut command);
    command.arg("-c").arg(script).stdin(socket);
    command
}

impl Process {
    /// Starts a server on a free port of the loopback address.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let all = [&["--listen", "127.0.0.1:0"], arguments].concat();
        Self::spawn(&mut command(&all))
    }

    /// Starts a command and collects its standard output.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("a process");
        let stdout = child.stdout.take().expect("a pipe");
        let lines = Arc::new(Lines::default());
        let receiver = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                receiver.seen.lock().expect("lines").0.push(line);
                receiver.changed.notify_all();
            }
            receiver.seen.lock().expect("lines").1 = true;
            receiver.changed.notify_all();
        });
        Self { child, lines }
    }

    /// Waits for the `count`th line that contains `text`, and returns it.
    pub(crate) fn line(&self, text: &str, count: usize) -> String {
        let deadline = Instant::now() + TIMEOUT;
        let mut seen = self.lines.seen.lock().expect("lines");
        loop {
            let mut found = seen.0.iter().filter(|line| line.contains(text));
            if let Some(line) = found.nth(count - 1) {
                return line.clone();
            }
            let remaining = deadline.saturating_duration_since(Instant::now());
            assert!(
                !remaining.is_zero() && !seen.1,
                "no line {count} with `{text}` in\n{}",
                seen.0.join("\n")
            );
            seen = self
                .lines
                .changed
                .wait_timeout(seen, remaining)
                .expect("lines")
                .0;
        }
    }

    /// Returns the number of lines so far that contain `text`.
    pub(crate) fn count_lines(&self, text: &str) -> usize {
        let seen = self.lines.seen.lock().expect("lines");
        seen.0.iter().filter(|line| line.contains(text)).count()
    }

    /// Waits until a process or all workers of a cluster are ready, and returns the address.
    pub(crate) fn address(&self) -> SocketAddr {
        let line = self.line("127.0.0.1:", 1);
        if line.contains("supervisor") {
            self.line("processes", 1);
        }
        let address = line.split(' ').find(|part| part.starts_with("127."));
        address.expect("an address").parse().expect("an address")
    }

    /// Returns the process ID.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal to the process.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a process to signal");
    }

    /// Waits until the process exits.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("exit of the process", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        status.expect("a status")
    }

    /// Stops the process with SIGTERM; it must exit with status 0.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
        assert!(self.wait().success());
    }

    /// Returns the process IDs of the children, including zombies.
    pub(crate) fn children(&self) -> BTreeSet<i32> {
        let pid = self.pid().as_raw_nonzero();
        let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let list = list.unwrap_or_default();
        list.split_whitespace()
            .map(|pid| pid.parse().expect("a pid"))
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails if the process has exited.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `state` returns true; `description` names the state.
pub(crate) fn wait_until(description: &str, mut state: impl FnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !state() {
        assert!(Instant::now() < deadline, "timeout: {description}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Whether a process is running; a zombie is not.
pub(crate) fn runs(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}

/// Returns the number of open descriptors of a process.
pub(crate) fn descriptors(pid: Pid) -> usize {
    let directory = format!("/proc/{}/fd", pid.as_raw_nonzero());
    fs::read_dir(directory).expect("descriptors").count()
}
