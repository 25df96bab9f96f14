//! Command line of genconf-host.

mod operator;
mod playbook;
mod site;
mod status;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::container::{self, ContainerCommand};
use crate::monitor;
use site::Site;

/// The program of genconf on the hosts.
#[derive(Debug, Parser)]
#[command(name = "genconf-host", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the state of every instance; exit 1 if anything is not as described
    Status {
        /// Project name
        project: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what an apply would change
    Plan {
        /// Project name
        project: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Test the configuration of PROXY (default: every proxy)
    Check {
        /// Project name
        project: String,
        /// Name of the proxy
        proxy: Option<String>,
    },
    /// Restart the instances of POOL one at a time (default: every pool)
    Restart {
        /// Project name
        project: String,
        /// Name of the pool
        pool: Option<String>,
    },
    /// Roll back to RELEASE (default: the previous release)
    Rollback {
        /// Project name
        project: String,
        /// Start of the name of a release
        release: Option<String>,
    },
    /// Undo a deploy that has not finished
    Undo {
        /// Project name
        project: String,
    },
    /// Check the health of instances, and restart those that fail twice in a row
    ///
    /// Runs until it is stopped. systemd starts it: see the unit PROJECT-monitor.service.
    Monitor {
        /// Desired state of this host (/etc/PROJECT/spec.json)
        spec: PathBuf,
    },
    /// Deploy the watched file of APP until it is the release that runs
    ///
    /// systemd starts it when the file changes: see the unit PROJECT-APP-watch.path.
    Watch {
        /// Project name
        project: String,
        /// Name of the app
        app: String,
    },
    /// Roll back the last deploy if an instance exits within SECONDS
    #[command(hide = true)]
    WatchRelease {
        /// Project name
        project: String,
        /// Time to watch, in seconds
        seconds: f64,
    },
    /// Run a container image with Podman or Docker, for units of apps that are containers
    #[command(subcommand, hide = true)]
    Container(ContainerCommand),
    /// Execute one step of a playbook: a JSON request, or - for standard input; prints a JSON reply
    #[command(hide = true)]
    Playbook {
        /// Project name
        project: String,
        /// The request
        request: String,
    },
}

impl Command {
    /// The project of a command for operators. Units and playbooks start the program of their project.
    fn operated_project(&self) -> Option<&str> {
        match self {
            Self::Status { project, .. }
            | Self::Plan { project, .. }
            | Self::Check { project, .. }
            | Self::Restart { project, .. }
            | Self::Rollback { project, .. }
            | Self::Undo { project } => Some(project),
            _ => None,
        }
    }
}

/// What a command prints, and whether it succeeded.
#[derive(Debug)]
struct Output {
    text: String,
    is_success: bool,
}

impl Output {
    fn success(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_success: true,
        }
    }

    fn json(value: &impl Serialize, is_success: bool) -> Result<Self, String> {
        let text = serde_json::to_string(value).map_err(|error| error.to_string())?;
        Ok(Self { text, is_success })
    }
}

/// Runs genconf-host with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    normalize();
    // A controller that exits closes the terminal; a change of this host ends in order.
    match run(Arguments::parse().command) {
        Ok(output) => {
            // Nothing is left to do if standard output is closed.
            let _ = write_line(&mut std::io::stdout(), &output.text);
            if output.is_success {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(message) => {
            let _ = write_line(&mut std::io::stderr(), &format!("error: {message}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints what a command has done so far.
fn print_progress(text: &str) {
    // Nothing is left to do if standard output is closed.
    let _ = write_line(&mut std::io::stdout(), text);
}

fn write_line(stream: &mut impl std::io::Write, text: &str) -> std::io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    writeln!(stream, "{}", text.trim_end())
}

/// Modes of files do not depend on the caller. Modes are explicit too; this is for the programs that
/// this one runs.
fn normalize() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
}

fn run(command: Command) -> Result<Output, String> {
    if let Some(project) = command.operated_project() {
        site::require_name(project)?;
        site::use_program_of(project)?;
    }
    if let Command::Container(command) = command {
        container::execute(command).map_err(|error| error.to_string())?;
        return Ok(Output::success(""));
    }
    // On one thread: this program waits for systemd and the network most of the time.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        ignore_hangup()?;
        run_async(command).await
    })
}

/// A controller that is killed takes its terminal with it; a change of this host completes.
fn ignore_hangup() -> Result<(), String> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup()).map_err(|error| error.to_string())?;
    tokio::spawn(async move { while hangup.recv().await.is_some() {} });
    Ok(())
}

async fn run_async(command: Command) -> Result<Output, String> {
    match command {
        Command::Status { project, json } => status::print(&Site::installed(&project)?, json).await,
        Command::Plan { project, json } => operator::plan(&Site::installed(&project)?, json).await,
        Command::Check { project, proxy } => operator::check_installed(&project, proxy.as_deref()),
        Command::Restart { project, pool } => {
            operator::restart(&Site::installed(&project)?, pool.as_deref()).await
        }
        Command::Rollback { project, release } => {
            operator::rollback(&Site::installed(&project)?, release.as_deref()).await
        }
        Command::Undo { project } => operator::undo(&Site::installed(&project)?).await,
        Command::Monitor { spec } => {
            let spec = site::read_spec(&spec)?;
            monitor::run(&spec).await.map(|()| Output::success(""))
        }
        Command::Watch { project, app } => {
            let site = Site::installed(&project)?;
            watch::settle(site.context(), &app).await
        }
        Command::WatchRelease { project, seconds } => {
            operator::watch_release(&Site::installed(&project)?, seconds).await
        }
        Command::Playbook { project, request } => playbook::execute(&project, &request).await,
        Command::Container(_) => Ok(Output::success("")),
    }
}
