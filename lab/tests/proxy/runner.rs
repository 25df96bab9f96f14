//! Selects cases, runs fixtures in parallel, and prints a line for each case.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use lab::{command, prerequisites};

use crate::apps;
use crate::case::{Case, Engine};
use crate::cases;
use crate::failure::{CheckResult, Context as _};
use crate::fixture::{ARGUMENT, Report};

/// Number of parallel fixtures, which mostly wait.
const WORKERS: usize = 10;

/// Seconds after which a fixture is killed.
const TIMEOUT: &str = "100";

/// Programs that the cases start, each with its Debian package.
const PROGRAMS: [(&str, &str); 9] = [
    ("bash", "bash"),
    ("curl", "curl"),
    ("haproxy", "haproxy"),
    ("ip", "iproute2"),
    ("nginx", "nginx"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("openssl", "openssl"),
    ("unshare", "util-linux"),
];

/// Cases that share a setup, on one engine.
struct Work {
    engine: Engine,
    cases: Vec<&'static Case>,
}

/// The result of a case on an engine.
struct Outcome {
    name: String,
    passed: Passed,
}

#[derive(PartialEq, Eq)]
enum Passed {
    Yes,
    No,
}

/// A run of the cases that match the filters.
pub(crate) struct Runner {
    filters: Vec<String>,
}

impl Runner {
    /// Reads filters from the command line.
    pub(crate) fn new(arguments: &[String]) -> Self {
        let filters = arguments.iter().filter(|text| !text.starts_with('-'));
        Self {
            filters: filters.cloned().collect(),
        }
    }

    /// Runs the selected cases and prints the results.
    pub(crate) fn run(&self) -> ExitCode {
        let missing = missing();
        if !missing.is_empty() {
            return skip(&missing);
        }
        let start = Instant::now();
        let outcomes = match prepare() {
            Ok(directory) => self.run_all(&directory),
            Err(failure) => {
                print(&format!("FAILED: preparing: {failure}"));
                return ExitCode::FAILURE;
            }
        };
        let (passed, failed): (Vec<_>, Vec<_>) = outcomes
            .into_iter()
            .partition(|outcome| outcome.passed == Passed::Yes);
        for outcome in &failed {
            print(&format!("failed: {}", outcome.name));
        }
        print(&format!(
            "proxy cases: {} passed, {} failed in {:.0} s",
            passed.len(),
            failed.len(),
            start.elapsed().as_secs_f64()
        ));
        if failed.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn run_all(&self, directory: &Path) -> Vec<Outcome> {
        let waiting = Mutex::new(self.work());
        let done = Mutex::new(Vec::new());
        let next = || {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.pop_front()
        };
        let worker = || {
            while let Some((number, work)) = next() {
                let outcomes = work.run(&directory.join(number.to_string()));
                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                done.extend(outcomes);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(worker);
            }
        });
        done.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// One item per setup and engine, in the order of the table.
    fn work(&self) -> VecDeque<(usize, Work)> {
        let mut all: Vec<Work> = Vec::new();
        for case in cases::all() {
            let engines = Engine::ALL.into_iter();
            for engine in engines.filter(|engine| self.selects(case, *engine)) {
                let same = |work: &&mut Work| {
                    work.engine == engine && std::ptr::eq(work.cases[0].setup, case.setup)
                };
                match all.iter_mut().find(same) {
                    Some(work) => work.cases.push(case),
                    None => all.push(Work {
                        engine,
                        cases: vec![case],
                    }),
                }
            }
        }
        all.into_iter().enumerate().collect()
    }

    fn selects(&self, case: &Case, engine: Engine) -> bool {
        let name = full_name(case.name, engine);
        let matches = |filter: &String| name.contains(filter.as_str());
        case.runs_on(engine) && (self.filters.is_empty() || self.filters.iter().any(matches))
    }
}

impl Work {
    /// Runs the cases in a fixture and prints each result. The directory of the fixture is kept when
    /// a case fails.
    fn run(&self, directory: &Path) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let ended = self.run_fixture(directory, &mut |report| {
            let outcome = self.print(&report, directory);
            outcomes.push(outcome);
        });
        let left: Vec<_> = self.cases.iter().skip(outcomes.len()).collect();
        for case in left {
            let failure = ended.as_ref().err().map_or_else(
                || "the fixture exited before this case".to_owned(),
                ToString::to_string,
            );
            let report = Report {
                case: case.name.to_owned(),
                failure,
                seconds: 0.0,
            };
            outcomes.push(self.print(&report, directory));
        }
        if outcomes.iter().all(|outcome| outcome.passed == Passed::Yes) {
            let _ = fs::remove_dir_all(directory);
        }
        outcomes
    }

    fn run_fixture(&self, directory: &Path, each: &mut dyn FnMut(Report)) -> CheckResult {
        fs::create_dir_all(directory).context("creating the fixture's directory")?;
        let program = std::env::current_exe()?;
        let mut fixture = Command::new("timeout");
        fixture
            .args([
                "--signal=KILL",
                TIMEOUT,
                "unshare",
                "--net",
                "--mount",
                "--pid",
                "--fork",
            ])
            .args(["--mount-proc", "--kill-child"])
            .arg(program)
            .arg(ARGUMENT)
            .arg(directory)
            .arg(self.engine.name())
            .args(self.cases.iter().map(|case| case.name))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut fixture = fixture.spawn().context("starting a fixture")?;
        if let Some(output) = fixture.stdout.take() {
            for line in BufReader::new(output).lines() {
                each(serde_json::from_str(&line?).context("reading a report")?);
            }
        }
        let mut errors = String::new();
        if let Some(mut stderr) = fixture.stderr.take() {
            stderr.read_to_string(&mut errors)?;
        }
        let status = fixture.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(format!("the fixture exited with {status}: {}", errors.trim()).into())
    }

    fn print(&self, report: &Report, directory: &Path) -> Outcome {
        let name = full_name(&report.case, self.engine);
        let case = self.cases.iter().find(|case| case.name == report.case);
        let difference = case.map_or("", |case| case.difference());
        let note = if difference.is_empty() {
            String::new()
        } else {
            format!(" [{difference}]")
        };
        let failed = !report.failure.is_empty();
        let result = if failed { "FAILED" } else { "ok" };
        let mut text = format!("{result:6} {:5.1} s  {name}{note}", report.seconds);
        if failed {
            let reason = report.failure.trim().replace('\n', "\n       ");
            let directory = directory.display().to_string();
            text = [
                &text,
                "\n       ",
                &reason,
                "\n       (see ",
                &directory,
                ")",
            ]
            .concat();
        }
        print(&text);
        Outcome {
            name,
            passed: if failed { Passed::No } else { Passed::Yes },
        }
    }
}

/// Installs the applications and creates a certificate; returns the directory of the fixtures.
fn prepare() -> CheckResult<PathBuf> {
    apps::install()?;
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("proxy-fixtures");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).context(format!("creating {}", directory.display()))?;
    let mut openssl = Command::new("openssl");
    openssl
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args([
            "-days",
            "2",
            "-subj",
            "/CN=example.org",
            "-keyout",
            "key.pem",
        ])
        .args(["-out", "certificate.pem"])
        .current_dir(&directory);
    command::capture(&mut openssl)?.success()?;
    Ok(directory)
}

/// Messages for missing programs and privileges.
fn missing() -> Vec<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_installed = |program: &str| {
        std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
    };
    let mut missing: Vec<String> = PROGRAMS
        .iter()
        .filter(|(program, _)| !is_installed(program))
        .map(|(program, package)| format!("{program} is not installed (apt install {package})"))
        .collect();
    let modules = ["django", "gunicorn", "hypercorn"];
    missing.extend(
        modules
            .iter()
            .filter(|module| {
                !Path::new("/usr/lib/python3/dist-packages")
                    .join(module)
                    .is_dir()
            })
            .map(|module| {
                format!("Python's {module} is not installed (apt install python3-{module})")
            }),
    );
    if !is_root() {
        missing.push("namespaces need root (run as root or with sudo)".to_owned());
    }
    missing
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn skip(missing: &[String]) -> ExitCode {
    let count = cases::all().count() * Engine::ALL.len();
    for reason in missing {
        print(&format!("cannot run: {reason}"));
    }
    if prerequisites::skipping_is_forbidden() {
        print(&format!(
            "proxy cases: 0 passed, {count} failed (CI=true forbids skipping)"
        ));
        return ExitCode::FAILURE;
    }
    print(&format!("proxy cases: {count} skipped"));
    ExitCode::SUCCESS
}

fn full_name(name: &str, engine: Engine) -> String {
    format!("{:7}  {name}", engine.name())
}

/// Prints to standard error, without a buffer.
fn print(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
