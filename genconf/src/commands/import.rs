//! `genconf import`: converts PM2, Procfile, or nginx configuration to a topology.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::evaluation::{EvaluationError, Script};
use super::exit::Exit;
use super::options::GlobalArgs;
use super::scaffold::{self, Existing};
use super::streams::Streams;
use crate::diagnostic::{Diagnostics, human};
use crate::import::pm2::Evaluated;
use crate::import::{
    ImportError, Imported, Options, escape_controls, nginx, pm2, procfile, shell_quoted,
};
use crate::render;
use crate::source::{Position, Source};
use crate::topology::default;

/// Maximum size of a file to import, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;

/// Arguments of the command.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// The program that FILE configures
    pub tool: Tool,
    /// Ecosystem file (.js, .json, .yml), process.json, dump.pm2, Procfile, nginx site file, or output of `nginx -T`; `-` is standard input
    pub file: PathBuf,
    /// CPUs of the host, for PM2's `instances: max`
    #[arg(long, value_name = "N", default_value_t = default::CPUS, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub cpus: u16,
    /// PM2 environment that is merged over `env`: `env_NAME`
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
    /// Overwrite a topology that exists
    #[arg(long)]
    pub force: bool,
}

/// A program whose configuration is imported.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Tool {
    /// PM2 ecosystem file; JavaScript is run by node
    Pm2,
    /// Procfile of foreman or Heroku
    Procfile,
    /// nginx configuration
    Nginx,
}

impl Tool {
    /// A command that imports a file of this program.
    fn example(self) -> &'static str {
        match self {
            Self::Pm2 => {
                "pass an ecosystem file, process.json, or dump.pm2: `genconf import pm2 ecosystem.config.js`"
            }
            Self::Procfile => "pass a Procfile: `genconf import procfile Procfile`",
            Self::Nginx => {
                "pass a site file, or the output of `nginx -T`: `nginx -T | genconf import nginx -`"
            }
        }
    }
}

/// Writes the topology to `--topology`, by default to standard output, and reports skipped settings.
pub fn run(args: &ImportArgs, global: &GlobalArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let file = args.file.display().to_string();
    let input = match input(args) {
        Ok(input) => input,
        Err(error) => {
            return streams.fail(&error.line(&file), error.help);
        }
    };
    match import(args, &input) {
        Ok(imported) => write(&imported, args, global, streams),
        Err(error) => streams.fail(&error.line(&file), args.tool.example()),
    }
}

fn import(args: &ImportArgs, input: &Input) -> Result<Imported, ImportError> {
    let options = Options {
        cpus: args.cpus,
        environment: args.env.clone(),
    };
    match (input, args.tool) {
        (Input::Evaluated(value), _) => pm2::read_evaluated(value, &options),
        (Input::Text(source), Tool::Pm2) => pm2::read(source, &options),
        (Input::Text(source), Tool::Procfile) => procfile::read(source),
        (Input::Text(source), Tool::Nginx) => nginx::read(source),
    }
}

/// What is imported.
enum Input {
    /// A file.
    Text(Source),
    /// The value of a file in JavaScript.
    Evaluated(Evaluated),
}

/// Why there is nothing to import, and how to fix it.
struct InputError {
    position: Option<Position>,
    reason: String,
    help: &'static str,
}

impl InputError {
    fn new(reason: impl Into<String>, help: &'static str) -> Self {
        Self {
            position: None,
            reason: reason.into(),
            help,
        }
    }

    /// The message with its location. `file` is the imported file.
    fn line(&self, file: &str) -> String {
        let line = match self.position {
            Some(Position { line, column }) => format!("{file}:{line}:{column}: {}", self.reason),
            None => format!("cannot import {file}: {}", self.reason),
        };
        escape_controls(&line)
    }
}

impl From<io::Error> for InputError {
    fn from(error: io::Error) -> Self {
        let help = "name a file that can be read: `genconf import pm2 ecosystem.config.js`";
        Self::new(error.to_string(), help)
    }
}

impl From<EvaluationError> for InputError {
    fn from(error: EvaluationError) -> Self {
        match error {
            EvaluationError::NoNode => Self::new(
                "node, which runs JavaScript files, is not installed",
                "convert the file where PM2 runs: node -p 'JSON.stringify(require(\"./ecosystem.config.js\"))'",
            ),
            EvaluationError::Timeout => Self::new(
                "node did not exit within 10 s",
                "import a file that only exports its configuration",
            ),
            EvaluationError::Script(position, reason) => Self {
                position,
                ..Self::new(
                    reason,
                    "fix the error that node reports; a file with `module.exports` has the extension .js",
                )
            },
            EvaluationError::Io(error) => Self::from(error),
        }
    }
}

/// The text to import; of JavaScript, its value.
fn input(args: &ImportArgs) -> Result<Input, InputError> {
    let name = args.file.display().to_string();
    if args.file == Path::new("-") {
        return text(args, Source::new(name, read(io::stdin().lock())?));
    }
    let scripts = ["js", "cjs", "mjs"].map(OsStr::new);
    let script = args.file.extension().is_some_and(|e| scripts.contains(&e));
    let file = File::open(&args.file)?;
    if script && args.tool == Tool::Pm2 {
        return Ok(Input::Evaluated(Script::Module(&args.file).evaluate()?));
    }
    text(args, Source::new(name, read(file)?))
}

/// The text, or its value if PM2 evaluates it. Without node, the text is imported as JSON, and the
/// error has the position of the first character that is not JSON.
fn text(args: &ImportArgs, source: Source) -> Result<Input, InputError> {
    if args.tool != Tool::Pm2 || !pm2::is_expression(&source) {
        return Ok(Input::Text(source));
    }
    match Script::Expression(&source).evaluate() {
        Ok(value) => Ok(Input::Evaluated(value)),
        Err(EvaluationError::NoNode) => Ok(Input::Text(source)),
        Err(error) => Err(error.into()),
    }
}

fn read(from: impl Read) -> Result<String, InputError> {
    let mut bytes = Vec::new();
    from.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SIZE_LIMIT {
        let help = "import the files of one project at a time";
        return Err(InputError::new(
            "expected at most 1 MiB, found a larger file",
            help,
        ));
    }
    String::from_utf8(bytes).map_err(|_| {
        InputError::new(
            "expected UTF-8 text, found another encoding",
            "save the file as UTF-8",
        )
    })
}

/// Writes the topology, and reports each setting that was adjusted or skipped.
fn write(
    imported: &Imported,
    args: &ImportArgs,
    global: &GlobalArgs,
    streams: &mut Streams<'_>,
) -> io::Result<Exit> {
    if !is_valid(&imported.topology, streams)? {
        return Ok(Exit::Bug);
    }
    let named = global.topology.as_deref().map(scaffold::destination);
    let path = named.unwrap_or_else(|| PathBuf::from("-"));
    let existing = Existing::from_force(args.force);
    if let Err(exit) = scaffold::create(&path, &imported.topology, existing, streams)? {
        return Ok(exit);
    }
    let file = args.file.display().to_string();
    streams.err.write_all(imported.report(&file).as_bytes())?;
    if path != Path::new("-") {
        let name = path.display();
        let argument = shell_quoted(&name.to_string());
        streams.note(&format!("created {name}; next: genconf check {argument}"))?;
    }
    Ok(Exit::Success)
}

/// Whether the imported topology is valid; anything else is a bug.
fn is_valid(topology: &str, streams: &mut Streams<'_>) -> io::Result<bool> {
    let source = Source::new("the imported topology", topology);
    let mut diagnostics = Diagnostics::default();
    let generated = render::embedded()
        .ok()
        .and_then(|renderers| crate::generate(&source, ".", &renderers, &mut diagnostics).ok());
    if generated.is_none() {
        let text = human::render(&diagnostics, &source, streams.err_color);
        streams.err.write_all(text.as_bytes())?;
        writeln!(
            streams.err,
            "bug: the imported topology is invalid\nnote: no file was written"
        )?;
    }
    Ok(generated.is_some())
}
