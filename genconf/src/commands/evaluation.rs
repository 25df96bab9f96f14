//! Evaluation of ecosystem files in JavaScript with node.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::import::pm2::{Evaluated, Evaluation};
use crate::source::{Position, Source};

/// Maximum run time of a file.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum size of the value of a file, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;

/// Prints the value of a file and the variables of the shell that the file reads as JSON. Arguments:
/// the name of [`Variables`], `module` or `expression`, and the path. An expression is on standard
/// input and has no `require`, as in PM2.
///
/// Output of the file itself is redirected to standard error, which keeps it out of the JSON. Programs
/// that the file starts and node itself have the variables of the shell. Variables that the file sets
/// are not those of the shell. The block hides the names of this script from an expression.
const EVALUATE: &str = r"
{
  const [mode, form, path] = process.argv.splice(1, 3);
  process.argv.push(path);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  const fs = require('fs');
  const vm = require('vm');
  const load = require;
  const shell = process.env;
  const read = new Map();
  const isInternal = () => /^\s+at (.*\()?node:/.test(`${new Error().stack}`.split('\n')[3]);
  const isVariable = (name) => typeof name === 'string' && /^\w+$/.test(name)
    && !(name in Object.prototype) && name !== 'toJSON' && !name.startsWith('DOTENV_');
  const substitute = (name) => {
    if (!read.has(name)) {
      const mark = `9182${String(read.size).padStart(4, '0')}7365`;
      read.set(name, { marked: mark, shell: shell[name] }[mode]);
    }
    return read.get(name);
  };
  process.env = new Proxy({}, {
    get(own, name) {
      if (name in own || !isVariable(name)) return own[name];
      return isInternal() ? shell[name] : substitute(name);
    },
    has(own, name) {
      if (name in own || !isVariable(name)) return name in own;
      return isInternal() ? name in shell : substitute(name) !== undefined && mode === 'shell';
    },
    set(own, name, value) {
      own[name] = `${value}`;
      return true;
    },
    ownKeys(own) {
      if (!isInternal()) {
        read.set('*', undefined);
        return Reflect.ownKeys(own);
      }
      return [...new Set([...Reflect.ownKeys(own), ...Object.keys(shell)])];
    },
    getOwnPropertyDescriptor(own, name) {
      const value = name in own || !isInternal() ? own[name] : shell[name];
      return value === undefined ? undefined : { value, writable: true, enumerable: true, configurable: true };
    },
  });
  const position = (text) => {
    const after = `${text}`.split(path).slice(1).find((part) => /^:[0-9]/.test(part));
    const [, line, column] = /^:([0-9]+)(?::([0-9]+))?/.exec(after) ?? [];
    const caret = line ? (after.split('\n')[2] ?? '').indexOf('^') : -1;
    const isFirst = form === 'expression' && line === '1' && caret > 0;
    return line ? `${line}:${column ?? (caret < 0 ? 1 : caret + 1 - isFirst)}: ` : '';
  };
  const moduleValue = () => import(load('url').pathToFileURL(path).href).then((module) => {
    const value = module.default === undefined ? { ...module } : module.default;
    return typeof value === 'function' ? value() : value;
  });
  const expressionValue = () => {
    const text = fs.readFileSync(0, 'utf8').replace(/^\uFEFF/, '');
    const kept = ['console', 'crypto', 'process'];
    const names = load('module').builtinModules.filter((name) => !kept.includes(name));
    names.push('require', 'module', 'exports', '__filename', '__dirname');
    for (const name of names) delete globalThis[name];
    return vm.runInThisContext(`(${text}\n)`, { filename: path, columnOffset: -1 });
  };
  Promise.resolve().then(form === 'module' ? moduleValue : expressionValue).then((value) => {
    const variables = [...read].map(([name, text]) => ({ name, text: text ?? null }));
    const keep = (key, item) => (item === undefined ? '\0undefined' : item);
    fs.writeSync(1, JSON.stringify({ value, variables }, keep));
    process.exit(0);
  }).catch((error) => {
    const text = `${error}`.split('\n')[0];
    let place = position(`${error && error.stack}`);
    if (!place && form === 'module' && error instanceof SyntaxError) {
      place = position(load('child_process').spawnSync(process.execPath, ['--check', path], { env: shell }).stderr);
    }
    process.stderr.write(`\n${place}${text}\n`);
    process.exit(1);
  });
}
";

/// What the file reads as variables of the shell.
#[derive(Clone, Copy)]
enum Variables {
    /// None of them is set.
    Unset,
    /// Each is a unique number, which is also recognized after a conversion.
    Marked,
    /// Their values.
    Shell,
}

impl Variables {
    fn word(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Marked => "marked",
            Self::Shell => "shell",
        }
    }
}

/// Why a file has no value.
pub(super) enum EvaluationError {
    /// node is not installed.
    NoNode,
    /// The file runs too long.
    Timeout,
    /// An error of the file, with its position if known.
    Script(Option<Position>, String),
    /// An error of the operating system.
    Io(io::Error),
}

impl From<io::Error> for EvaluationError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// An ecosystem file in JavaScript.
#[derive(Clone, Copy)]
pub(super) enum Script<'s> {
    /// A module that exports its configuration.
    Module(&'s Path),
    /// An expression.
    Expression(&'s Source),
}

impl Script<'_> {
    /// The value without variables of the shell, and with markers instead of them. A file that
    /// requires a variable is evaluated with markers only, or with the values of the shell.
    pub(super) fn evaluate(self) -> Result<Evaluated, EvaluationError> {
        match self.run(Variables::Unset) {
            Ok(imported) => Ok(Evaluated {
                imported,
                marked: self.run(Variables::Marked).ok(),
            }),
            Err(EvaluationError::Script(..)) => self.evaluate_with_variables(),
            Err(error) => Err(error),
        }
    }

    fn evaluate_with_variables(self) -> Result<Evaluated, EvaluationError> {
        if let Ok(imported) = self.run(Variables::Marked) {
            let marked = Some(imported.clone());
            return Ok(Evaluated { imported, marked });
        }
        let imported = self.run(Variables::Shell)?;
        let marked = None;
        Ok(Evaluated { imported, marked })
    }

    fn run(self, variables: Variables) -> Result<Evaluation, EvaluationError> {
        let (form, path, input) = match self {
            Self::Module(path) => ("module", path.canonicalize()?, Stdio::null()),
            Self::Expression(source) => {
                let path = Path::new(source.shown_name()).to_owned();
                ("expression", path, input(source.text())?)
            }
        };
        let (out, err) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let child = Command::new("node")
            .args(["-e", EVALUATE, "--", variables.word(), form])
            .arg(&path)
            .stdin(input)
            .stdout(out.try_clone()?)
            .stderr(err.try_clone()?)
            .spawn();
        let mut child = child.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => EvaluationError::NoNode,
            _ => EvaluationError::Io(error),
        })?;
        if wait(&mut child)? {
            let json = read_from_start(out)?;
            return Evaluation::read(&json).map_err(|e| EvaluationError::Script(None, e.message));
        }
        let errors = read_from_start(err)?;
        let last = errors.lines().rev().find(|l| !l.trim().is_empty());
        let (position, reason) = located(last.unwrap_or("node printed no error"));
        Err(EvaluationError::Script(position, reason.to_owned()))
    }
}

/// The position and the message of `LINE:COLUMN: MESSAGE`.
fn located(text: &str) -> (Option<Position>, &str) {
    let read = |text: &str| {
        let (line, rest) = text.split_once(':')?;
        let (column, _) = rest.split_once(':')?;
        let (line, column) = (line.parse().ok()?, column.parse().ok()?);
        Some(Position { line, column })
    };
    match read(text) {
        Some(position) => {
            let message = text.splitn(3, ':').last().unwrap_or_default();
            (Some(position), message.trim_start())
        }
        None => (None, text),
    }
}

/// A file with `text` as standard input.
fn input(text: &str) -> io::Result<Stdio> {
    let mut file = tempfile::tempfile()?;
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(Stdio::from(file))
}

/// Whether `child` exits with success before the timeout.
fn wait(child: &mut Child) -> Result<bool, EvaluationError> {
    let deadline = Instant::now() + TIMEOUT;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    child.wait()?;
    Err(EvaluationError::Timeout)
}

/// The output of node.
fn read_from_start(mut file: File) -> Result<String, EvaluationError> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SIZE_LIMIT {
        let reason = "expected a value of at most 1 MiB, found a larger one";
        return Err(EvaluationError::Script(None, reason.to_owned()));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
