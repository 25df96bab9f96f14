//! The command line: options, help texts, and the dispatch to commands.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::commands::check::{self, CheckArgs};
use crate::commands::diff::{self, DiffArgs};
use crate::commands::exit::Exit;
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
  genconf explain port-clash    explain a diagnostic

Exit codes:
  0 success   1 error   2 differences (only with --check or --exit-code)
  3 verification failed, or instances unhealthy   64 invalid command line   70 bug";

const CODES_BASIC: &str = "Exit codes: 0 success, 1 error, 64 invalid command line, 70 bug";
const CODES_CHECK: &str = "Exit codes: 0 valid, 1 invalid (with --strict also on warnings), 64 invalid command line, 70 bug";
const CODES_RENDER: &str = "\
Exit codes: 0 success, 1 error or files edited by hand, 2 files differ (only with --check),
64 invalid command line, 70 bug";
const CODES_DIFFERENCES: &str = "\
Exit codes: 0 success, 1 error, 2 differences (only with --exit-code), 64 invalid command line, 70 bug";
const CODES_VERIFY: &str = "\
Exit codes: 0 passed, 1 error or a skipped validator with --require-tools, 3 a validator failed,
64 invalid command line, 70 bug";
const CODES_STATUS: &str = "\
Exit codes: 0 all instances are ready, 1 error, 3 an instance is not ready or a host is not reachable,
64 invalid command line, 70 bug";

/// Render proxy configuration, systemd units, Ansible playbooks, and a Vagrantfile from one topology.yaml.
#[derive(Debug, Parser)]
#[command(name = "genconf", version, after_help = EXAMPLES, max_term_width = 100)]
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
    #[command(after_help = CODES_BASIC)]
    Init(InitArgs),
    /// Convert PM2, Procfile, or nginx configuration to a topology
    #[command(after_help = CODES_BASIC)]
    Import(ImportArgs),
    /// Validate the topology
    #[command(after_help = CODES_CHECK, alias = "validate")]
    Check(CheckArgs),
    /// Write the configuration files
    #[command(after_help = CODES_RENDER)]
    Render(RenderArgs),
    /// Show how the rendered files differ from those on disk
    #[command(after_help = CODES_DIFFERENCES)]
    Diff(DiffArgs),
    /// Show what applying the topology would change on each host
    #[command(after_help = CODES_DIFFERENCES)]
    Plan(PlanArgs),
    /// Run nginx, systemd, and Ansible checks on the rendered files
    #[command(after_help = CODES_VERIFY)]
    Verify(VerifyArgs),
    /// Show the state of every instance (queries hosts over SSH)
    #[command(after_help = CODES_STATUS)]
    Status(StatusArgs),
    /// Explain a diagnostic, a rendered line, or a key
    #[command(after_help = CODES_BASIC)]
    Explain(ExplainArgs),
    /// Print a diagram of the topology
    #[command(after_help = CODES_BASIC)]
    Graph(GraphArgs),
    /// Print the JSON Schema of topology.yaml
    #[command(after_help = CODES_BASIC)]
    Schema,
    /// Print shell completions
    #[command(after_help = CODES_BASIC)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of genconf, or of a command
    #[command(after_help = CODES_BASIC)]
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
    let cli = match parse(args.into_iter().collect()) {
        Ok(cli) => cli,
        Err(error) => return print_usage(&error, streams),
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

/// Parses `args`. `genconf TOPOLOGY …` is the short form of `genconf render TOPOLOGY …`.
fn parse(mut args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let error = match Cli::try_parse_from(&args) {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    let is_short_form = match error.kind() {
        ErrorKind::InvalidSubcommand => match error.get(ContextKind::InvalidSubcommand) {
            Some(ContextValue::String(name)) => names_topology(OsStr::new(name)),
            _ => false,
        },
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => false,
        _ => is_short_form(&args),
    };
    if !is_short_form {
        return Err(error);
    }
    args.insert(1, "render".into());
    Cli::try_parse_from(args)
}

/// Whether the first argument that is not an option names a file, and none names a command.
fn is_short_form(args: &[OsString]) -> bool {
    let mut rest = args.iter().skip(1).map(OsString::as_os_str);
    while let Some(argument) = rest.next() {
        if takes_value(argument) {
            rest.next();
        } else if argument == "-" || !argument.as_encoded_bytes().starts_with(b"-") {
            return names_topology(argument);
        }
    }
    false
}

/// Whether `argument` is an option of `genconf render` whose value is the next argument.
fn takes_value(argument: &OsStr) -> bool {
    [
        "-t",
        "--topology",
        "-C",
        "-o",
        "--output",
        "--color",
        "--out-dir",
        "--only",
    ]
    .iter()
    .any(|option| argument == *option)
}

fn names_topology(argument: &OsStr) -> bool {
    let command = Cli::command();
    let is_command = |name: &OsStr| {
        name.to_str()
            .is_some_and(|n| command.find_subcommand(n).is_some())
    };
    let path = Path::new(argument);
    let is_yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    !is_command(argument) && (argument == "-" || is_yaml || path.exists())
}

fn is_help(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    )
}

/// Options that were renamed, and how to write them now.
const RENAMED_OPTIONS: &[(&str, &str)] = &[
    ("--out", "use `--out-dir DIR`"),
    (
        "--format",
        "use `--output human|json|line`; for a diagram, `genconf graph --format FORMAT`",
    ),
    ("--example", "use `genconf init NAME`"),
    ("--as", "use `genconf graph --format FORMAT`"),
];

/// Commands of similar programs, and how to do the same.
const OTHER_COMMANDS: &[(&str, &str)] = &[
    (
        "apply",
        "run `ansible-playbook -i ansible/inventory.yml ansible/site.yml`",
    ),
    (
        "deploy",
        "run `ansible-playbook -i ansible/inventory.yml ansible/deploy.yml`",
    ),
    (
        "rollback",
        "run `ansible-playbook -i ansible/inventory.yml ansible/rollback.yml`",
    ),
    ("logs", "run `journalctl -f -u 'PROJECT*'` on the host"),
    ("restart", "run `genconf-host restart PROJECT` on the host"),
    (
        "scale",
        "change `ports` or `workers` of the pool, then `genconf render` and `genconf plan`",
    ),
    ("ps", "run `genconf status`"),
    ("ls", "run `genconf status`"),
];

/// The help for an option or a command that does not exist.
fn help_for_unknown(error: &clap::Error) -> Option<&'static str> {
    let (kind, known) = match error.kind() {
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, RENAMED_OPTIONS),
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, OTHER_COMMANDS),
        _ => return None,
    };
    let Some(ContextValue::String(found)) = error.get(kind) else {
        return None;
    };
    let entry = known.iter().find(|(name, _)| name == found)?;
    Some(entry.1)
}

fn print_usage(error: &clap::Error, streams: &mut Streams<'_>) -> io::Result<Exit> {
    if let Some(help) = help_for_unknown(error) {
        let message = error.to_string();
        let first = message.lines().next().unwrap_or_default();
        return streams.reject_usage(first.trim_start_matches("error: "), help);
    }
    let requested = is_help(error);
    let (stream, color) = if requested {
        (&mut streams.out, streams.out_color)
    } else {
        (&mut streams.err, streams.err_color)
    };
    let text = error.render();
    match color {
        Color::Always => write!(stream, "{}", text.ansi())?,
        Color::Never => write!(stream, "{text}")?,
    }
    Ok(if requested {
        Exit::Success
    } else {
        Exit::Usage
    })
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
