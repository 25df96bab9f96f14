//! The commands of the `lab` binary.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use lab::load::{self, Expect, Hold, LoadConfig, Target};
use lab::runtime_directory::{self, RuntimeDirectory};
use lab::{Error, HostSettings, Lab, Result, Suite, prerequisites, topology};

/// Boot systemd hosts on one machine, and load them.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Boot the hosts of a topology and leave them running.
    Up(Up),
    /// Remove the hosts of `lab up` and of crashed runs.
    Down,
    /// Send load, count the responses, and print a JSON report (run it in a lab's namespace).
    Load(Load),
}

#[derive(Debug, Args)]
struct Up {
    /// Topology whose hosts are booted.
    topology: PathBuf,
    /// Debian suite: bookworm (12) or trixie (13).
    #[arg(long, default_value = "bookworm")]
    suite: Suite,
}

#[derive(Debug, Args)]
#[command(args_override_self = true)]
struct Load {
    /// Target URL: <http://ADDRESS:PORT/PATH>.
    target: Target,
    /// Number of parallel keepalive connections.
    #[arg(long, default_value_t = 16)]
    connections: u32,
    /// Number of requests; with --hold, the minimum.
    #[arg(long, default_value_t = 2_000)]
    requests: u64,
    /// Maximum number of requests.
    #[arg(long, default_value_t = 2_000_000)]
    limit: u64,
    /// Maximum duration in seconds.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// Share of POST requests in percent.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(0..=100))]
    post: u8,
    /// Count of numbers to request in each request.
    #[arg(long, default_value_t = 100)]
    cant: u64,
    /// Expected response body.
    #[arg(long, value_enum, default_value_t)]
    expect: Expect,
    /// Requests per second; without it, each connection sends the next request after a response.
    #[arg(long)]
    rate: Option<u32>,
    /// Timeout of a response in seconds.
    #[arg(long, default_value_t = 20)]
    timeout: u64,
    /// Continue until standard input closes; print `ready` once responses arrive.
    #[arg(long)]
    hold: bool,
}

/// Name of the lab of `lab up`.
const UP_LAB: &str = "lab";

impl Cli {
    pub(crate) fn run(self) -> Result<()> {
        match self.command {
            Command::Up(up) => up.run(),
            Command::Down => {
                runtime_directory::remove_abandoned();
                runtime_directory::remove(UP_LAB);
                Ok(())
            }
            Command::Load(load) => load.run(),
        }
    }
}

impl Up {
    fn run(self) -> Result<()> {
        let missing = prerequisites::missing();
        if !missing.is_empty() {
            return Err(Error::Invalid {
                what: "no lab can run on this machine".to_owned(),
                text: missing.join("; "),
            });
        }
        let name = self.topology.display().to_string();
        let text =
            fs::read_to_string(&self.topology).map_err(Error::io(format!("reading {name}")))?;
        let specs: Vec<HostSettings> = topology::hosts(&name, &text)?
            .into_iter()
            .map(|spec| spec.with_suite(self.suite))
            .collect();
        runtime_directory::remove_abandoned();
        runtime_directory::remove(UP_LAB);
        let lab = Lab::boot_in(RuntimeDirectory::named(UP_LAB.to_owned())?, &specs)?;
        print(&next_commands(&lab))?;
        lab.keep()
    }
}

impl Load {
    fn run(self) -> Result<()> {
        let config = LoadConfig {
            connections: self.connections,
            requests: self.requests,
            limit: self.limit,
            duration: Duration::from_secs(self.seconds),
            post_percent: self.post,
            cant: self.cant,
            expect: self.expect,
            rate: self.rate,
            timeout: Duration::from_secs(self.timeout),
            ..LoadConfig::new(self.target)
        };
        let hold = if self.hold {
            Hold::held()
        } else {
            Hold::default()
        };
        if self.hold {
            release_at_end_of_input(hold.clone());
        }
        let print_ready = self.hold;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::io("starting the load client"))?;
        let report = runtime.block_on(load::run(config, hold, move || {
            if print_ready {
                // A reader that has exited does not need the line.
                let _ = print("ready");
            }
        }));
        let text = serde_json::to_string_pretty(&report).map_err(|error| Error::Invalid {
            what: "serializing the report".to_owned(),
            text: error.to_string(),
        })?;
        print(&text)
    }
}

fn release_at_end_of_input(hold: Hold) {
    std::thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        hold.release();
    });
}

/// The commands to connect to the hosts, to deploy to them, and to remove them.
fn next_commands(lab: &Lab) -> String {
    let namespace = lab.controller().namespace();
    let config = lab.controller().ssh_config();
    let mut text = String::from("Hosts are booted. Connect:\n");
    for host in lab.hosts() {
        let _ = writeln!(
            text,
            "  ip netns exec {namespace} ssh -F {} {}   # {}",
            config.display(),
            host.address(),
            host.name()
        );
    }
    let _ = writeln!(
        text,
        "Install, in the rendered `ansible` directory:\n  \
         ip netns exec {namespace} ansible-playbook --user root --ssh-extra-args '-F {}' site.yml",
        config.display()
    );
    text += "Remove: make lab-down";
    text
}

fn print(text: &str) -> Result<()> {
    writeln!(io::stdout(), "{text}").map_err(Error::io("writing to standard output"))
}
