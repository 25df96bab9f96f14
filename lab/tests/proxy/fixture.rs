//! A fixture: namespaces with one proxy and its applications, in which cases run.
//!
//! The runner starts this program again in new network, mount, and PID namespaces. Their processes
//! are killed when it exits.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lab::command;
use lab::wait::{self, Poll};

use crate::case::{Case, Engine, Setup};
use crate::cases;
use crate::client::Client;
use crate::failure::{CheckResult, Context as _, Failure};
use crate::http::Received;
use crate::proxy::Proxy;
use crate::topology;

/// First argument of this program in a fixture, before the directory, the engine, and case names.
pub(crate) const ARGUMENT: &str = "--fixture";

/// Limit for the start of an application, and for a state of the proxy.
const START: Duration = Duration::from_secs(20);

/// The preparation of a fixture's namespaces. `/run` is small, as on a host with little memory.
/// Changes of `/etc` and `/var` stay in memory. Socket buffers are small.
const PREPARATION: &str = "ip link set lo up && ip addr add 192.0.2.10/32 dev lo &&
    ip addr add 192.0.2.11/32 dev lo &&
    mount -t tmpfs -o size=4m none /run && mkdir /run/upper /run/scratch &&
    for directory in etc var; do
        mkdir /run/upper/$directory /run/scratch/$directory &&
        mount -t overlay none /$directory \
            -o lowerdir=/$directory,upperdir=/run/upper/$directory,workdir=/run/scratch/$directory || exit
    done &&
    mount -t tmpfs -o size=256m none /var/log && mount -t tmpfs -o size=1g none /var/cache &&
    echo 4096 16384 65536 >/proc/sys/net/ipv4/tcp_wmem &&
    echo 4096 16384 65536 >/proc/sys/net/ipv4/tcp_rmem";

/// The result of a case, which the runner reads as JSON.
#[derive(serde::Deserialize, serde::Serialize)]
pub(crate) struct Report {
    pub(crate) case: String,
    /// Empty when it passed.
    pub(crate) failure: String,
    pub(crate) seconds: f64,
}

/// The running proxy and its applications.
pub(crate) struct Fixture {
    pub(crate) engine: Engine,
    pub(crate) setup: &'static Setup,
    pub(crate) proxy: Proxy,
    directory: PathBuf,
    instances: Mutex<Vec<Instance>>,
}

struct Instance {
    port: u16,
    process: Child,
}

/// Runs the cases that the arguments name and reports each on standard output.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    match run_named(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run_named(arguments: &[String]) -> CheckResult {
    let [directory, engine, names @ ..] = arguments else {
        return Err("a fixture needs a directory, an engine and cases".into());
    };
    let engine = Engine::named(engine).ok_or("unknown engine")?;
    let find = |name: &String| cases::all().find(|case| case.name == name);
    let cases: Vec<&Case> = names.iter().filter_map(find).collect();
    let first = cases.first().ok_or("no case has such a name")?;
    let start = Instant::now();
    match Fixture::open(Path::new(directory), first.setup, engine) {
        Ok(fixture) => cases.iter().try_for_each(|case| fixture.run(case)),
        Err(failure) => cases.iter().try_for_each(|case| {
            report(
                case,
                &format!("the fixture does not start: {failure}"),
                start,
            )
        }),
    }
}

fn report(case: &Case, failure: &str, start: Instant) -> CheckResult {
    let report = Report {
        case: case.name.to_owned(),
        failure: failure.to_owned(),
        seconds: start.elapsed().as_secs_f64(),
    };
    Ok(writeln!(
        io::stdout(),
        "{}",
        serde_json::to_string(&report)?
    )?)
}

impl Fixture {
    fn open(directory: &Path, setup: &'static Setup, engine: Engine) -> CheckResult<Self> {
        command::capture(Command::new("sh").args(["-c", PREPARATION]))?.success()?;
        let text = topology::text(setup, engine);
        fs::write(directory.join("topology.yaml"), &text).context("writing the topology")?;
        let generated = topology::rendered(&text)?;
        File::create(directory.join("requests")).context("creating the log of requests")?;
        let mut instances = Vec::new();
        for port in (topology::FIRST_PORT..).take(usize::from(setup.instances)) {
            instances.extend(start(setup, port, directory)?);
        }
        instances
            .iter()
            .try_for_each(|instance| wait_for(instance.port))?;
        Ok(Self {
            engine,
            setup,
            proxy: Proxy::start(&generated, directory)?,
            directory: directory.to_owned(),
            instances: Mutex::new(instances),
        })
    }

    fn run(&self, case: &Case) -> CheckResult {
        let start = Instant::now();
        let check = || {
            self.restart_killed_instances()
                .and_then(|()| (case.check)(self))
        };
        let failure = match panic::catch_unwind(AssertUnwindSafe(check)) {
            Ok(Ok(())) => String::new(),
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => "the check panicked; see the fixture's output".to_owned(),
        };
        report(case, &failure, start)
    }

    /// Restarts the instances that a case has killed, and waits until the proxy uses them.
    fn restart_killed_instances(&self) -> CheckResult {
        let mut instances = self
            .instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut restarted = false;
        // Cases that kill instances have several.
        for instance in instances.iter_mut().filter(|_| self.setup.instances > 1) {
            if responds(instance.port) {
                continue;
            }
            restarted = true;
            // It may not have exited yet.
            instance.process.kill()?;
            instance.process.wait()?;
            let port = instance.port;
            *instance = start(self.setup, port, &self.directory)?.ok_or("nothing to start")?;
            wait_for(port)?;
        }
        if restarted && self.engine == Engine::Haproxy {
            self.wait_servers("UP")?;
        }
        Ok(())
    }

    /// Waits until `HAProxy` reports this state for each server: `UP` or `DOWN`.
    pub(crate) fn wait_servers(&self, state: &str) -> CheckResult {
        self.wait_statistics("status", state)
    }

    /// Waits until `HAProxy` reports this check result for each server: `L7OK`. nginx has no checks.
    pub(crate) fn wait_checked(&self, result: &str) -> CheckResult {
        match self.engine {
            Engine::Haproxy => self.wait_statistics("check_status", result),
            Engine::Nginx => Ok(()),
        }
    }

    fn wait_statistics(&self, field: &str, value: &str) -> CheckResult {
        let what = format!("{field} {value}");
        wait::until(&what, START, || match self.statistics(field) {
            Ok(values) if !values.is_empty() && values.iter().all(|own| own == value) => {
                Poll::Ready(())
            }
            Ok(values) => Poll::Pending(values.join(", ")),
            Err(failure) => Poll::Pending(failure.to_string()),
        })?;
        Ok(())
    }

    /// Values of a field in `HAProxy`'s statistics, of the servers that have one.
    fn statistics(&self, field: &str) -> CheckResult<Vec<String>> {
        let mut client = Client::connect_to(&self.proxy.status().to_string())?;
        let page = client
            .fetch("GET /status;csv HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let text = page.text();
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let names = lines.next().unwrap_or_default();
        let at = names.iter().position(|name| *name == field);
        let at = at.ok_or_else(|| Failure::from(format!("there is no field {field}")))?;
        Ok(lines
            .filter(|fields| fields.len() > at && !matches!(fields[1], "FRONTEND" | "BACKEND"))
            .map(|fields| fields[at].to_owned())
            .filter(|value| !value.is_empty())
            .collect())
    }

    /// Path of the rendered topology.
    pub(crate) fn topology_file(&self) -> PathBuf {
        self.directory.join("topology.yaml")
    }

    /// Kills the instance on a port.
    pub(crate) fn kill(&self, port: u16) -> CheckResult {
        let mut instances = self
            .instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let instance = instances.iter_mut().find(|instance| instance.port == port);
        let instance = instance.ok_or("no instance has this port")?;
        instance.process.kill()?;
        instance.process.wait()?;
        Ok(())
    }

    /// The requests that reached an application and whose URL contains `mark`, in order.
    pub(crate) fn requests(&self, mark: &str) -> CheckResult<Vec<Received>> {
        let text = fs::read_to_string(self.directory.join("requests"))?;
        let all: Vec<Received> = text
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        Ok(all
            .into_iter()
            .filter(|one| one.url.contains(mark))
            .collect())
    }

    /// Lines of the access log, as bytes.
    pub(crate) fn log(&self) -> CheckResult<Vec<Vec<u8>>> {
        let bytes = match self.engine {
            Engine::Nginx => fs::read("/var/log/suite/edge/access.log"),
            Engine::Haproxy => fs::read(&self.proxy.output),
        };
        let bytes = bytes.context("reading the access log")?;
        Ok(bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(<[u8]>::to_vec)
            .collect())
    }
}

/// Starts an instance of the setup's program.
fn start(setup: &Setup, port: u16, directory: &Path) -> CheckResult<Option<Instance>> {
    let Some(mut command) = setup.program.command(port) else {
        return Ok(None);
    };
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(directory.join(format!("app-{port}.log")))
        .context("opening the application's log")?;
    command
        .env("RECORD", directory.join("requests"))
        .envs(setup.env.iter().copied())
        .stdout(log.try_clone()?)
        .stderr(log);
    let process = command.spawn().context("starting an application")?;
    Ok(Some(Instance { port, process }))
}

/// Whether the instance on a port responds; an exiting one can still accept connections.
fn responds(port: u16) -> bool {
    let response = Client::connect_to(&format!("127.0.0.1:{port}"))
        .and_then(|mut client| client.fetch("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    response.is_ok()
}

fn wait_for(port: u16) -> CheckResult {
    wait::until("listening", START, || {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(_) => Poll::Ready(()),
            Err(error) => Poll::Pending(format!("port {port}: {error}")),
        }
    })
    .map_err(Failure::from)?;
    Ok(())
}
