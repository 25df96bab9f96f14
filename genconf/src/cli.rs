//! What a user may type, and the exit codes it ends with.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::commands;
use crate::diagnostic::human::Color;
use crate::topology::default;

/// How a run ended: the process's exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// All is well.
    Fine = 0,
    /// The topology or the world is at fault.
    Fault = 1,
    /// What is on disk is not what the topology describes.
    Drift = 2,
    /// A real tool refused the rendered files.
    Refused = 3,
    /// The command line makes no sense (sysexits.h, `EX_USAGE`).
    Usage = 64,
    /// genconf itself is at fault (sysexits.h, `EX_SOFTWARE`).
    Bug = 70,
}

const EXAMPLES: &str = "\
Examples:
  genconf topology.yaml            write nginx/, systemd/, ansible/ and vagrant/ beside it
  genconf topology.yaml --diff     show what would change, write nothing
  genconf topology.yaml --check    exit 2 and list what is stale
  genconf verify topology.yaml     ask nginx, systemd, Ansible and Ruby what they think of it
  genconf explain port-clash       what a fault means and how to mend it

Exit codes:
  0 fine   1 a fault in the topology or the world   2 stale files
  3 a verifier refused   64 wrong usage   70 a bug in genconf";

/// One topology.yaml becomes nginx, systemd, Ansible and Vagrant files.
#[derive(Debug, Parser)]
#[command(name = "genconf", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Cli {
    /// Another thing to do than to write the bundle.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Writing the bundle.
    #[command(flatten)]
    pub generate: GenerateArgs,
}

/// What else there is to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the real tools on the rendered files, in a scratch copy
    Verify(VerifyArgs),
    /// Tell what a fault means, or where a rendered line comes from
    Explain(ExplainArgs),
    /// Say what applying the topology would do on the hosts
    Plan(PlanArgs),
    /// Tell how every instance of every host is (Ansible asks them by SSH)
    Status(StatusArgs),
    /// Draw the topology
    Graph(GraphArgs),
    /// Write a topology to begin with
    Init(InitArgs),
    /// Turn a file of PM2, foreman or nginx into a topology
    Import(ImportArgs),
    /// Print the manual page
    Man,
    /// Print the JSON Schema of the topology, for editors
    Schema,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How the bundle is written.
#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// The topology; `-` reads standard input
    #[arg(required = true)]
    pub topology: Option<PathBuf>,
    /// Folder of the bundle [default: the topology's own]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Only these folders of the bundle, such as `nginx,systemd`
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Write nothing; list what is stale and exit 2 if anything is
    #[arg(long, conflicts_with_all = ["diff", "force"])]
    pub check: bool,
    /// Write nothing; show what would change and exit 2 if anything would
    #[arg(long, conflicts_with = "force")]
    pub diff: bool,
    /// Overwrite files that were edited by hand
    #[arg(long)]
    pub force: bool,
    /// How faults are told
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// What is verified, and how faults are told.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// The topology; `-` reads standard input
    pub topology: PathBuf,
    /// Only these renderers
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// How faults are told
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// What is explained.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// A code such as `port-clash`, or `FILE:LINE` of the bundle; without it, the list of all codes
    pub what: Option<String>,
    /// The topology that made FILE
    #[arg(long, default_value = "topology.yaml")]
    pub topology: PathBuf,
    /// Folder of the bundle [default: the topology's own]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// What is planned.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// The topology; `-` reads standard input
    pub topology: PathBuf,
    /// Folder of the bundle that the hosts have [default: the topology's own]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How faults are told
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Which hosts are asked, and how the answer is told.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Folder of the bundle
    #[arg(default_value = ".")]
    pub bundle: PathBuf,
    /// How the answer is told
    #[arg(long, value_enum, default_value_t = StatusFormat::Table)]
    pub format: StatusFormat,
    /// Arguments for Ansible, such as `-- --user root --limit node1`
    #[arg(last = true)]
    pub ansible: Vec<OsString>,
}

/// How a status is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum StatusFormat {
    /// Columns, for people
    Table,
    /// A JSON array, for programs
    Json,
}

/// What is drawn, and for whom.
#[derive(Args, Debug)]
pub struct GraphArgs {
    /// The topology; `-` reads standard input
    pub topology: PathBuf,
    /// The language of the drawing
    #[arg(long, value_enum, default_value_t = Drawing::Svg)]
    pub r#as: Drawing,
    /// How faults are told
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// The language of a drawing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Drawing {
    /// For browsers
    Svg,
    /// For pages that draw Mermaid
    Mermaid,
    /// For Graphviz
    Dot,
}

/// Which topology to begin with, and where.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// The file to write; one that exists is left alone
    #[arg(default_value = "topology.yaml")]
    pub file: PathBuf,
    /// Which example
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub example: String,
    /// List the examples
    #[arg(long)]
    pub list: bool,
}

/// What is imported, and where the topology goes.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// The tool that FILE was written for
    pub tool: Tool,
    /// Its file: an ecosystem file (.js, .json, .yml), process.json, dump.pm2, Procfile, a site's file of nginx or what `nginx -T` says; `-` reads standard input
    pub file: PathBuf,
    /// Where to write the topology; a file that exists is left alone [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Processors of the host, for PM2's `instances: max`
    #[arg(long, value_name = "N", default_value_t = default::CPUS, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub cpus: u16,
    /// Which environment of PM2 lies over `env`: `env_NAME`
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
}

/// A tool whose files are imported.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Tool {
    /// An ecosystem file; one in JavaScript is run by node
    Pm2,
    /// A Procfile of foreman or Heroku
    Procfile,
    /// A configuration of nginx
    Nginx,
}

/// How faults are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// Lines with carets, for people
    Human,
    /// One line each, for editors and grep
    Line,
    /// A JSON array, for programs
    Json,
}

/// Where a command talks.
pub struct Streams<'s> {
    /// Data.
    pub out: &'s mut dyn Write,
    /// Talk.
    pub err: &'s mut dyn Write,
    /// Whether data is coloured.
    pub out_colour: Color,
    /// Whether talk is coloured.
    pub err_colour: Color,
}

/// Runs the command line `args`, whose first is the program's name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    std::panic::set_hook(Box::new(report_bug));
    let (out, err) = (io::stdout(), io::stderr());
    let (out_colour, err_colour) = (colour(out.is_terminal()), colour(err.is_terminal()));
    let mut streams = Streams {
        out: &mut out.lock(),
        err: &mut err.lock(),
        out_colour,
        err_colour,
    };
    let exit = match run(args, &mut streams) {
        Ok(exit) => exit,
        // A reader that went away, as in `genconf … | head`, is no fault.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Exit::Fine,
        Err(e) => {
            let _ = writeln!(streams.err, "error: {e}");
            Exit::Fault
        }
    };
    ExitCode::from(exit as u8)
}

/// Parses `args` and runs the command they name.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    streams: &mut Streams<'_>,
) -> io::Result<Exit> {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, streams),
    };
    match cli.command {
        None => commands::generate::run(&cli.generate, streams),
        Some(Command::Verify(args)) => commands::verify::run(&args, streams),
        Some(Command::Explain(args)) => commands::explain::run(&args, streams),
        Some(Command::Plan(args)) => commands::plan::run(&args, streams),
        Some(Command::Status(args)) => commands::status::run(&args, streams),
        Some(Command::Graph(args)) => commands::graph::run(&args, streams),
        Some(Command::Init(args)) => commands::init::run(&args, streams),
        Some(Command::Import(args)) => commands::import::run(&args, streams),
        Some(Command::Man) => commands::man::run(streams),
        Some(Command::Schema) => commands::schema::run(streams),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Cli::command(), "genconf", streams.out);
            Ok(Exit::Fine)
        }
    }
}

fn usage(error: &clap::Error, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let asked = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    let (stream, colour) = if asked {
        (&mut streams.out, streams.out_colour)
    } else {
        (&mut streams.err, streams.err_colour)
    };
    let text = error.render();
    match colour {
        Color::Always => write!(stream, "{}", text.ansi())?,
        Color::Never => write!(stream, "{text}")?,
    }
    Ok(if asked { Exit::Fine } else { Exit::Usage })
}

/// Color on a terminal, unless `NO_COLOR` is set (no-color.org) or the terminal is dumb.
fn colour(terminal: bool) -> Color {
    let set = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
    if set("NO_COLOR") || (!set("CLICOLOR_FORCE") && (!terminal || dumb)) {
        return Color::Never;
    }
    Color::Always
}

fn report_bug(info: &std::panic::PanicHookInfo<'_>) {
    let _ = writeln!(
        io::stderr(),
        "genconf {} has a bug: {info}\nPlease report it with the topology that shows it; nothing was written.",
        env!("CARGO_PKG_VERSION")
    );
    std::process::exit(Exit::Bug as i32);
}
