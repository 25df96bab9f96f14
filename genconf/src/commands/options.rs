//! Options with one meaning in every command.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

/// The name of a topology that no option names.
pub const TOPOLOGY: &str = "topology.yaml";

/// Names a topology where neither an argument nor `--topology` does.
pub const TOPOLOGY_VARIABLE: &str = "GENCONF_TOPOLOGY";

/// Options of every command, before or after its name.
#[derive(Args, Clone, Debug)]
pub struct GlobalArgs {
    /// Topology; `-` is standard input [default: `$GENCONF_TOPOLOGY`, or topology.yaml in this directory or the nearest parent]
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub topology: Option<PathBuf>,
    /// Run in this directory
    #[arg(
        short = 'C',
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    pub directory: Option<PathBuf>,
    /// Format of diagnostics and results
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT", default_value_t = Format::Human, help_heading = "Global options")]
    pub output: Format,
    /// Print errors and results only
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Global options"
    )]
    pub quiet: bool,
    /// Print each step
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub verbose: bool,
    /// When to color the output
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto, help_heading = "Global options")]
    pub color: ColorWhen,
}

/// Format of diagnostics and results.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// Source lines with carets, and tables
    Human,
    /// JSON, for programs
    Json,
    /// One line for each item, for editors and grep
    Line,
}

/// When output is colored.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The topology as an argument.
#[derive(Args, Clone, Debug)]
pub struct TopologyArg {
    /// Topology, or a directory that has a topology.yaml; the same as --topology
    #[arg(value_name = "TOPOLOGY", conflicts_with = "topology")]
    pub file: Option<PathBuf>,
}

/// Where the rendered files are.
#[derive(Args, Clone, Debug)]
pub struct OutDirArg {
    /// Output directory [default: the directory of the topology]
    #[arg(long, value_name = "DIR")]
    pub out_dir: Option<PathBuf>,
}

/// Why no topology can be read.
pub const NOT_FOUND: &str = "no topology.yaml in this directory or its parents";

/// How to go on without a topology.
pub const NOT_FOUND_HELP: &str =
    "create one with `genconf init`, or name it: `genconf check path/to/topology.yaml`";

impl GlobalArgs {
    /// The topology: the argument, `--topology`, `GENCONF_TOPOLOGY`, or the nearest topology.yaml.
    #[must_use]
    pub fn topology(&self, argument: Option<&TopologyArg>) -> Option<PathBuf> {
        let named = argument
            .and_then(|argument| argument.file.clone())
            .or_else(|| self.topology.clone())
            .or_else(|| {
                std::env::var_os(TOPOLOGY_VARIABLE)
                    .filter(|v| !v.is_empty())
                    .map(PathBuf::from)
            });
        match named {
            Some(path) if path.is_dir() => Some(path.join(TOPOLOGY)),
            Some(path) => Some(path),
            None => nearest_topology(),
        }
    }
}

/// topology.yaml in the current directory, or in the nearest parent that has one.
fn nearest_topology() -> Option<PathBuf> {
    let current = std::env::current_dir().ok()?;
    let depth = current
        .ancestors()
        .position(|parent| parent.join(TOPOLOGY).is_file())?;
    let up: PathBuf = std::iter::repeat_n("..", depth).collect();
    Some(up.join(TOPOLOGY))
}

/// The directory of rendered files where no option names one: that of the topology.
#[must_use]
pub fn default_out_dir(topology: &Path) -> PathBuf {
    match topology.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
