//! One worker, seen from its master.

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

use super::inheritance::{Inheritance, VARIABLE, channel};
use crate::serve::Order;

/// Variables that speak to the master and not to its workers.
const MASTERS_OWN: [&str; 6] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
];

/// What a master hears of its workers.
#[derive(Debug)]
pub(super) enum News {
    /// It answers.
    Ready,
    /// It has answered itself.
    Alive,
    /// It is gone.
    Exited(io::Result<ExitStatus>),
}

/// News and the worker they are of.
pub(super) type Message = (u64, News);

/// Where a worker stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It does not answer yet.
    Starting,
    /// It answers.
    Ready,
    /// It was told to end.
    Leaving,
}

/// How a worker is started.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    executable: PathBuf,
    arguments: Vec<OsString>,
}

impl Recipe {
    /// As this process was started. A path that was typed is kept as typed,
    /// links and all: behind `current` there may be a new release next time.
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

    fn command(&self, inheritance: &Inheritance) -> Command {
        let mut command = Command::new(&self.executable);
        command
            .args(&self.arguments)
            .env(VARIABLE, inheritance.to_string());
        for name in MASTERS_OWN {
            command.env_remove(name);
        }
        command
    }
}

/// One worker, seen from its master.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) slot: usize,
    pub(super) pid: u32,
    pub(super) stage: Stage,
    /// When the stage began.
    pub(super) since: Instant,
    pub(super) born: Instant,
    /// When it last gave a sign of life.
    pub(super) heard: Instant,
    channel: OwnedWriteHalf,
    kill: Arc<Notify>,
}

impl Worker {
    /// Starts one; its news come through `news` under the name `id`.
    pub(super) fn start(
        recipe: &Recipe,
        inheritance: &Inheritance,
        id: u64,
        news: &mpsc::UnboundedSender<Message>,
    ) -> io::Result<Self> {
        let (ours, theirs) = channel()?;
        let (listening, channel) = UnixStream::from_std(ours)?.into_split();
        let child = recipe
            .command(inheritance)
            .stdin(Stdio::from(theirs))
            .spawn()?;
        let pid = child.id().unwrap_or_default();
        let kill = Arc::new(Notify::new());
        tokio::spawn(listen(listening, id, news.clone()));
        tokio::spawn(wait(child, Arc::clone(&kill), id, news.clone()));
        let now = Instant::now();
        Ok(Self {
            slot: inheritance.index - 1,
            pid,
            stage: Stage::Starting,
            since: now,
            born: now,
            heard: now,
            channel,
            kill,
        })
    }

    /// Moves on to the next stage.
    pub(super) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.since = Instant::now();
        self.heard = self.since;
    }

    /// Tells it to end.
    pub(super) fn dismiss(&mut self, order: Order) {
        let line: &[u8] = match order {
            Order::Stop => b"stop\n",
            Order::Serve | Order::Drain => b"drain\n",
        };
        // One that does not read it is killed when its time is over.
        let _ = self.channel.try_write(line);
        if self.stage != Stage::Leaving {
            self.enter(Stage::Leaving);
        }
    }

    /// Ends it without asking.
    pub(super) fn kill(&self) {
        self.kill.notify_one();
    }

    /// How long it has been in its stage.
    pub(super) fn stage_age(&self) -> Duration {
        self.since.elapsed()
    }
}

async fn listen(channel: OwnedReadHalf, id: u64, news: mpsc::UnboundedSender<Message>) {
    let mut lines = BufReader::with_capacity(64, channel).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let heard = match line.as_str() {
            "ready" => News::Ready,
            _ => News::Alive,
        };
        if news.send((id, heard)).is_err() {
            return;
        }
    }
}

/// Waits for the end of a worker, so that it never stays a zombie. Killing
/// goes through here too: only who waits knows that the number is still its.
async fn wait(mut child: Child, kill: Arc<Notify>, id: u64, news: mpsc::UnboundedSender<Message>) {
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            () = kill.notified() => {
                // It may have ended by itself just now.
                let _ = child.start_kill();
            }
        }
    };
    // The master itself may be gone.
    let _ = news.send((id, News::Exited(status)));
}

/// The number under which a worker finds the listening socket.
pub(super) fn number_of(socket: &socket2::Socket) -> i32 {
    socket.as_raw_fd()
}
