//! The commands of the `lab` binary.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use lab::load::{self, Expect, Hold, Plan, Target};
use lab::state::{self, State};
use lab::{Error, HostPlan, Lab, Result, Suite, topology};

/// Booted systemd hosts on one machine.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Boot the hosts of a topology and leave them running.
    Up(Up),
    /// Remove what `lab up` booted and what crashed runs left behind.
    Down,
    /// Send counted load and print a JSON report (run it inside a lab's namespace).
    Load(Load),
}

#[derive(Debug, Args)]
struct Up {
    /// The topology whose hosts are booted.
    topology: PathBuf,
    /// Debian suite: bookworm (12) or trixie (13).
    #[arg(long, default_value = "bookworm")]
    suite: Suite,
}

#[derive(Debug, Args)]
#[command(args_override_self = true)]
struct Load {
    /// Where to: <http://ADDRESS:PORT/PATH>.
    target: Target,
    /// Connections kept alive side by side.
    #[arg(long, default_value_t = 16)]
    connections: u32,
    /// Requests to send; with --hold, at least so many.
    #[arg(long, default_value_t = 2_000)]
    requests: u64,
    /// Requests never to exceed.
    #[arg(long, default_value_t = 2_000_000)]
    limit: u64,
    /// Seconds after which the run ends in any case.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// Share of POSTs in percent.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(0..=100))]
    post: u8,
    /// Numbers to ask for in each request.
    #[arg(long, default_value_t = 100)]
    cant: u64,
    /// What a right answer holds.
    #[arg(long, value_enum, default_value_t)]
    expect: Expect,
    /// Requests per second; as fast as answers come when absent.
    #[arg(long)]
    rate: Option<u32>,
    /// Seconds to wait for one answer.
    #[arg(long, default_value_t = 20)]
    timeout: u64,
    /// Go on until standard input closes; say `flowing` once answers come.
    #[arg(long)]
    hold: bool,
}

/// The one lab a person has up at a time.
const KEPT: &str = "lab";

impl Cli {
    pub(crate) fn run(self) -> Result<()> {
        match self.command {
            Action::Up(up) => up.run(),
            Action::Down => {
                state::sweep();
                state::remove(KEPT);
                Ok(())
            }
            Action::Load(load) => load.run(),
        }
    }
}

impl Up {
    fn run(self) -> Result<()> {
        let missing = lab::tools::missing();
        if !missing.is_empty() {
            return Err(Error::Unreadable {
                what: "this machine".to_owned(),
                text: missing.join("; "),
            });
        }
        let name = self.topology.display().to_string();
        let text =
            fs::read_to_string(&self.topology).map_err(Error::io(format!("reading {name}")))?;
        let plans: Vec<HostPlan> = topology::hosts(&name, &text)?
            .into_iter()
            .map(|plan| plan.on(self.suite))
            .collect();
        state::sweep();
        state::remove(KEPT);
        let lab = Lab::boot_in(State::named(KEPT.to_owned())?, &plans)?;
        say(&entrance(&lab))?;
        lab.keep()
    }
}

impl Load {
    fn run(self) -> Result<()> {
        let plan = Plan {
            connections: self.connections,
            requests: self.requests,
            limit: self.limit,
            duration: Duration::from_secs(self.seconds),
            post_percent: self.post,
            cant: self.cant,
            expect: self.expect,
            rate: self.rate,
            timeout: Duration::from_secs(self.timeout),
            ..Plan::new(self.target)
        };
        let hold = if self.hold {
            Hold::held()
        } else {
            Hold::default()
        };
        if self.hold {
            release_at_end_of_input(hold.clone());
        }
        let told = self.hold;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::io("starting the load client"))?;
        let report = runtime.block_on(load::run(plan, hold, move || {
            if told {
                // A reader that is gone has no use for the word.
                let _ = say("flowing");
            }
        }));
        let text = serde_json::to_string_pretty(&report).map_err(|error| Error::Unreadable {
            what: "the report".to_owned(),
            text: error.to_string(),
        })?;
        say(&text)
    }
}

fn release_at_end_of_input(hold: Hold) {
    std::thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        hold.release();
    });
}

fn entrance(lab: &Lab) -> String {
    let namespace = lab.controller().namespace();
    let config = lab.controller().ssh_config();
    let mut text = String::from("Booted. To enter:\n");
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
        "To install, in the bundle's ansible folder:\n  \
         ip netns exec {namespace} ansible-playbook --user root --ssh-extra-args '-F {}' site.yml",
        config.display()
    );
    text += "To remove: make lab-down";
    text
}

fn say(text: &str) -> Result<()> {
    writeln!(io::stdout(), "{text}").map_err(Error::io("writing to standard output"))
}
