//! The command line: options, help texts, and the dispatch to commands.

mod short_form;
mod usage;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::commands::check::{self, CheckArgs};
use crate::commands::diff::{self, DiffArgs};
use crate::commands::exit::{self, Exit};
use crate::commands::explain::{self, ExplainArgs};
use crate::commands::graph::{self, GraphArgs};
use crate::commands::import::{self, ImportArgs};
use crate::commands::init::{self, InitArgs};
use crate::commands::options::{ColorWhen, Format, GlobalArgs};
use crate::commands::plan::{self, PlanArgs};
use crate::commands::render::{self, RenderArgs};
use crate::commands::schema;
use crate::commands::status::{self, StatusArgs};
use crate::commands::streams::{Messages, Streams, Verbosity};
use crate::commands::verify::{self, VerifyArgs};
use crate::diagnostic::human::Color;

const EXAMPLES: &str = "\
Examples:
  genconf init                  create topology.yaml
  genconf check                 validate it
  genconf render                write nginx/, systemd/, ansible/ and vagrant/ next to it
  genconf topology.yaml         short form of `genconf render topology.yaml`
  genconf explain port-clash    explain a diagnostic";

/// Render proxy configuration, systemd units, Ansible playbooks, and a Vagrantfile from one topology.yaml.
#[derive(Debug, Parser)]
#[command(name = "genconf", version, after_help = format!("{EXAMPLES}\n\n{}", exit::help(&Exit::ALL)), max_term_width = 100)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The command.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a starter topology
    #[command(after_help = exit::help(&[]))]
    Init(InitArgs),
    /// Convert PM2, Procfile, or nginx configuration to a topology
    #[command(after_help = exit::help(&[]))]
    Import(ImportArgs),
    /// Validate the topology
    #[command(after_help = exit::help(&[]), alias = "validate")]
    Check(CheckArgs),
    /// Write the configuration files
    #[command(after_help = exit::help(&[Exit::Differences]))]
    Render(RenderArgs),
    /// Show how the rendered files differ from those on disk
    #[command(after_help = exit::help(&[Exit::Differences]))]
    Diff(DiffArgs),
    /// Show what applying the topology would change on each host
    #[command(after_help = exit::help(&[Exit::Differences]))]
    Plan(PlanArgs),
    /// Run nginx, systemd, and Ansible checks on the rendered files
    #[command(after_help = exit::help(&[Exit::VerifyFailed]))]
    Verify(VerifyArgs),
    /// Show the state of every instance (queries hosts over SSH)
    #[command(after_help = exit::help(&[Exit::Unhealthy]))]
    Status(StatusArgs),
    /// Explain a diagnostic, a rendered line, or a key
    #[command(after_help = exit::help(&[]))]
    Explain(ExplainArgs),
    /// Print a diagram of the topology
    #[command(after_help = exit::help(&[]))]
    Graph(GraphArgs),
    /// Print the JSON Schema of topology.yaml
    #[command(after_help = exit::help(&[]))]
    Schema,
    /// Print shell completions
    #[command(after_help = exit::help(&[]))]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of genconf, or of a command
    #[command(after_help = exit::help(&[]))]
    Man {
        /// The command
        command: Option<String>,
    },
}

/// Runs the command line `args`; its first item is the name of the program.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    std::panic::set_hook(Box::new(report_bug));
    let (out, err) = (io::stdout(), io::stderr());
    let mut streams = Streams {
        out_color: color(ColorWhen::Auto, out.is_terminal()),
        err_color: color(ColorWhen::Auto, err.is_terminal()),
        out: &mut out.lock(),
        err: &mut Messages(err.lock()),
        verbosity: Verbosity::Normal,
        format: Format::Human,
    };
    let exit = match run(args, &mut streams) {
        Ok(exit) => exit,
        // The reader closed the pipe, as in `genconf … | head`.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Exit::ClosedOutput,
        Err(e) => {
            let _ = writeln!(streams.err, "error: {e}");
            Exit::Failure
        }
    };
    ExitCode::from(exit.code())
}

fn run(args: impl IntoIterator<Item = OsString>, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let cli = match short_form::parse(args.into_iter().collect()) {
        Ok(cli) => cli,
        Err(error) => return usage::print(&error, streams),
    };
    let global = &cli.global;
    apply(global, streams);
    if let Some(directory) = &global.directory
        && let Err(error) = std::env::set_current_dir(directory)
    {
        let message = format!("cannot change to {}: {error}", directory.display());
        return streams.fail(&message, "name a directory after `-C`");
    }
    match &cli.command {
        None => print_help(streams),
        Some(Command::Init(args)) => init::run(args, global, streams),
        Some(Command::Import(args)) => import::run(args, global, streams),
        Some(Command::Check(args)) => check::run(args, global, streams),
        Some(Command::Render(args)) => render::run(args, global, streams),
        Some(Command::Diff(args)) => diff::run(args, global, streams),
        Some(Command::Plan(args)) => plan::run(args, global, streams),
        Some(Command::Verify(args)) => verify::run(args, global, streams),
        Some(Command::Status(args)) => status::run(args, global, streams),
        Some(Command::Explain(args)) => explain::run(args, global, streams),
        Some(Command::Graph(args)) => graph::run(args, global, streams),
        Some(Command::Schema) => schema::run(streams),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "genconf", &mut script);
            streams.out.write_all(&script)?;
            Ok(Exit::Success)
        }
        Some(Command::Man { command }) => print_manual_page(command.as_deref(), streams),
    }
}

fn print_help(streams: &mut Streams<'_>) -> io::Result<Exit> {
    let help = Cli::command().render_help();
    match streams.out_color {
        Color::Always => write!(streams.out, "{}", help.ansi())?,
        Color::Never => write!(streams.out, "{help}")?,
    }
    Ok(Exit::Success)
}

/// Prints genconf(1) or genconf-COMMAND(1) as roff: `genconf man render | man -l -`.
fn print_manual_page(command: Option<&str>, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let mut root = Cli::command();
    root.build();
    let page = match command {
        None => Some(&root),
        Some(name) => root.find_subcommand(name),
    };
    let Some(page) = page.cloned() else {
        let message = format!("unknown command `{}`", command.unwrap_or_default());
        return streams.reject_usage(&message, "list the commands with `genconf --help`");
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    streams.out.write_all(&text)?;
    Ok(Exit::Success)
}

/// Applies `--quiet`, `--verbose` and `--color`.
fn apply(global: &GlobalArgs, streams: &mut Streams<'_>) {
    streams.verbosity = match (global.quiet, global.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, true) => Verbosity::Verbose,
        (false, false) => Verbosity::Normal,
    };
    streams.format = global.output;
    if global.color != ColorWhen::Auto {
        streams.out_color = color(global.color, false);
        streams.err_color = streams.out_color;
    }
}

/// By default color on a terminal, unless `NO_COLOR` is set (no-color.org) or the terminal is dumb.
fn color(when: ColorWhen, terminal: bool) -> Color {
    let set = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
    let colored = match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => !set("NO_COLOR") && (set("CLICOLOR_FORCE") || (terminal && !dumb)),
    };
    if colored { Color::Always } else { Color::Never }
}

fn report_bug(info: &std::panic::PanicHookInfo<'_>) {
    let _ = writeln!(
        io::stderr(),
        "bug: genconf {}: {info}\nhelp: report it with the topology that causes it",
        env!("CARGO_PKG_VERSION")
    );
    std::process::exit(i32::from(Exit::Bug.code()));
}
