//! One worker process, as managed by the supervisor.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc};

use super::worker_parameters::{VARIABLE, WorkerParameters, channel};
use crate::serve::RunState;

/// Environment variables that are set for the supervisor only.
const SUPERVISOR_VARIABLES: [&str; 6] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
];

/// An event of a worker.
#[derive(Debug)]
pub(super) enum WorkerEvent {
    /// The worker is ready to serve.
    Ready,
    /// The worker passed its health check.
    Ping,
    /// The worker exited.
    Exited(io::Result<ExitStatus>),
}

/// The ID of a worker and its event.
pub(super) type Message = (u64, WorkerEvent);

/// The lifecycle stage of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Started, but not ready.
    Starting,
    /// Ready to serve.
    Ready,
    /// Received the command to stop.
    Stopping,
}

/// The command line of a worker.
#[derive(Clone, Debug)]
pub(super) struct SpawnSpec {
    executable: PathBuf,
    arguments: Vec<OsString>,
}

impl SpawnSpec {
    /// Returns the command line of this process. Symbolic links in the path are not resolved, so
    /// that a path through `current` starts the release that is current at that time.
    pub(super) fn of_this_process() -> io::Result<Self> {
        let mut arguments = std::env::args_os();
        let typed = arguments.next().unwrap_or_default();
        let is_path = Path::new(&typed).components().count() > 1;
        let executable = match std::path::absolute(&typed) {
            Ok(path) if is_path && path.exists() => path,
            _ => std::env::current_exe()?,
        };
        let arguments = arguments.collect();
        Ok(Self {
            executable,
            arguments,
        })
    }

    fn command(&self, parameters: &WorkerParameters) -> Command {
        let mut command = Command::new(&self.executable);
        command
            .args(&self.arguments)
            .env(VARIABLE, parameters.to_string());
        for name in SUPERVISOR_VARIABLES {
            command.env_remove(name);
        }
        command
    }
}

/// A worker process, as managed by the supervisor.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) slot: usize,
    pub(super) pid: u32,
    pub(super) stage: Stage,
    /// Start of the current stage.
    pub(super) stage_started: Instant,
    /// Start of the process.
    pub(super) started: Instant,
    /// Time of the last ping or stage change.
    pub(super) last_ping: Instant,
    channel: OwnedWriteHalf,
    kill: Arc<Notify>,
}

impl Worker {
    /// Starts a worker. Its events are sent to `events` with the ID `id`.
    pub(super) fn start(
        spec: &SpawnSpec,
        parameters: &WorkerParameters,
        id: u64,
        events: &mpsc::UnboundedSender<Message>,
    ) -> io::Result<Self> {
        let (supervisor_end, worker_end) = channel()?;
        let (reader, channel) = UnixStream::from_std(supervisor_end)?.into_split();
        let child = spec
            .command(parameters)
            .stdin(Stdio::from(worker_end))
            .spawn()?;
        let pid = child.id().unwrap_or_default();
        let kill = Arc::new(Notify::new());
        tokio::spawn(read_events(reader, id, events.clone()));
        tokio::spawn(wait_for_exit(child, Arc::clone(&kill), id, events.clone()));
        let now = Instant::now();
        Ok(Self {
            slot: parameters.number - 1,
            pid,
            stage: Stage::Starting,
            stage_started: now,
            started: now,
            last_ping: now,
            channel,
            kill,
        })
    }

    /// Changes the stage.
    pub(super) fn set_stage(&mut self, stage: Stage) {
        self.stage = stage;
        self.stage_started = Instant::now();
        self.last_ping = self.stage_started;
    }

    /// Sends the command to drain or to stop.
    pub(super) fn stop(&mut self, run_state: RunState) {
        let line: &[u8] = match run_state {
            RunState::Stop => b"stop\n",
            RunState::Serve | RunState::Drain => b"drain\n",
        };
        // A worker that does not read the command is killed after the timeout.
        let _ = self.channel.try_write(line);
        if self.stage != Stage::Stopping {
            self.set_stage(Stage::Stopping);
        }
    }

    /// Kills the process with SIGKILL.
    pub(super) fn kill(&self) {
        self.kill.notify_one();
    }

    /// Returns the time since the stage started.
    pub(super) fn stage_age(&self) -> Duration {
        self.stage_started.elapsed()
    }
}

async fn read_events(channel: OwnedReadHalf, id: u64, events: mpsc::UnboundedSender<Message>) {
    let mut lines = BufReader::with_capacity(64, channel).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let event = match line.as_str() {
            "ready" => WorkerEvent::Ready,
            _ => WorkerEvent::Ping,
        };
        if events.send((id, event)).is_err() {
            return;
        }
    }
}

/// Waits until a worker exits, so that it does not remain a zombie. The same task kills it: the
/// process ID is valid only until the exit status is read.
async fn wait_for_exit(
    mut child: Child,
    kill: Arc<Notify>,
    id: u64,
    events: mpsc::UnboundedSender<Message>,
) {
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            () = kill.notified() => {
                // Fails if the process has just exited.
                let _ = child.start_kill();
            }
        }
    };
    // Fails if the supervisor is exiting.
    let _ = events.send((id, WorkerEvent::Exited(status)));
}

/// Returns the descriptor number that workers inherit.
pub(super) fn descriptor_of(socket: &socket2::Socket) -> i32 {
    socket.as_raw_fd()
}
