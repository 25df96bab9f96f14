//! `genconf import`: a topology from the file of another tool.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::beginning;
use crate::cli::{Exit, ImportArgs, Streams, Tool};
use crate::diagnostic::{Diagnostics, human};
use crate::import::{ImportError, Imported, Options, nginx, pm2, procfile};
use crate::render;
use crate::source::Source;

/// More than any such file holds; a larger one is another file.
const LARGEST: u64 = 1 << 20;

/// How long an ecosystem file may take to say what it holds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Imports a module of either kind and prints its value. What the file itself
/// prints is sent to standard error, so that it cannot mix with the value.
const EVALUATE: &str = "\
process.stdout.write = process.stderr.write.bind(process.stderr);
import(require('url').pathToFileURL(process.argv[1]).href).then((module) => {
  const value = module.default === undefined ? { ...module } : module.default;
  return typeof value === 'function' ? value() : value;
}).then((value) => {
  require('fs').writeSync(1, JSON.stringify(value === undefined ? null : value));
  process.exit(0);
}).catch((error) => {
  const place = `${error && error.stack}`.split(process.argv[1])[1];
  const line = /^:[0-9]+/.exec(place || '');
  process.stderr.write(`\\n${line ? `line ${line[0].slice(1)}: ` : ''}${`${error}`.split('\\n')[0]}\\n`);
  process.exit(1);
});";

/// Runs the command.
pub fn run(args: &ImportArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let file = args.file.display().to_string();
    let text = match text(args) {
        Ok(text) => text,
        Err(said) => {
            writeln!(streams.err, "error: {file}: {said}")?;
            return Ok(Exit::Fault);
        }
    };
    match import(args, &Source::new(file.clone(), text)) {
        Ok(imported) => write(&imported, args, streams),
        Err(fault) => {
            writeln!(streams.err, "error: {}", fault.line(&file))?;
            Ok(Exit::Fault)
        }
    }
}

fn import(args: &ImportArgs, source: &Source) -> Result<Imported, ImportError> {
    let options = Options {
        cpus: args.cpus,
        environment: args.env.clone(),
    };
    match args.tool {
        Tool::Pm2 => pm2::read(source, &options),
        Tool::Procfile => procfile::read(source),
        Tool::Nginx => nginx::read(source),
    }
}

/// The text to read, which for JavaScript is what it comes to.
fn text(args: &ImportArgs) -> Result<String, String> {
    if args.file == Path::new("-") {
        return read(io::stdin().lock());
    }
    let scripts = ["js", "cjs", "mjs"].map(OsStr::new);
    let script = args.file.extension().is_some_and(|e| scripts.contains(&e));
    let file = File::open(&args.file).map_err(|e| e.to_string())?;
    if script && args.tool == Tool::Pm2 {
        return evaluate(&args.file);
    }
    read(file)
}

fn read(from: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| e.to_string())?;
    if bytes.len() as u64 > LARGEST {
        return Err("it is larger than 1 MiB".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// What an ecosystem file in JavaScript comes to, as JSON.
fn evaluate(path: &Path) -> Result<String, String> {
    let path = std::path::absolute(path).map_err(|e| e.to_string())?;
    let scratch = || tempfile::tempfile().map_err(|e| e.to_string());
    let (out, err) = (scratch()?, scratch()?);
    let handle = |file: &File| file.try_clone().map_err(|e| e.to_string());
    let child = Command::new("node")
        .args(["-e", EVALUATE, "--"])
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(handle(&out)?)
        .stderr(handle(&err)?)
        .spawn();
    let mut child = child.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => "this is JavaScript, and node, which would run it, is not installed; \
             print it as JSON where PM2 runs: node -p 'JSON.stringify(require(\"./ecosystem.config.js\"))'"
            .to_owned(),
        _ => format!("node does not start: {e}"),
    })?;
    if wait(&mut child).map_err(|e| e.to_string())? {
        return rewound(out);
    }
    let said = rewound(err)?;
    let last = said.lines().rev().find(|l| !l.trim().is_empty());
    Err(format!(
        "node cannot run it: {}",
        last.unwrap_or("it ended without a word")
    ))
}

/// Whether `child` ended well, and in time.
fn wait(child: &mut Child) -> io::Result<bool> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    child.wait()?;
    Err(io::Error::other("node was still running it after 10 s"))
}

fn rewound(mut file: File) -> Result<String, String> {
    file.rewind().map_err(|e| e.to_string())?;
    read(file)
}

/// Writes the topology, and says what became of the rest.
fn write(imported: &Imported, args: &ImportArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    if !is_sound(&imported.topology, streams)? {
        return Ok(Exit::Bug);
    }
    if let Some(path) = &args.out {
        if let Err(e) = beginning::write(path, &imported.topology) {
            let said = match e.kind() {
                io::ErrorKind::AlreadyExists => "is already there; name another file".to_owned(),
                _ => format!("cannot be written: {e}"),
            };
            writeln!(streams.err, "error: {} {said}", path.display())?;
            return Ok(Exit::Fault);
        }
    } else {
        streams.out.write_all(imported.topology.as_bytes())?;
    }
    let file = args.file.display().to_string();
    streams.err.write_all(imported.report(&file).as_bytes())?;
    if let Some(path) = &args.out {
        writeln!(streams.err, "wrote {0}; next: genconf {0}", path.display())?;
    }
    Ok(Exit::Fine)
}

/// Whether genconf takes its own topology; a person should never find out.
fn is_sound(topology: &str, streams: &mut Streams<'_>) -> io::Result<bool> {
    let source = Source::new("the imported topology", topology);
    let mut faults = Diagnostics::default();
    let made = render::embedded()
        .ok()
        .and_then(|renderers| crate::generate(&source, ".", &renderers, &mut faults).ok());
    if made.is_none() {
        let text = human::render(&faults, &source, streams.err_colour);
        streams.err.write_all(text.as_bytes())?;
        writeln!(
            streams.err,
            "genconf has a bug: it refuses what it imported. Nothing was written."
        )?;
    }
    Ok(made.is_some())
}
