//! A fixture: the namespaces in which one proxy and its applications run, and the cases with them.
//!
//! The runner starts this very program again inside of new network, mount and process namespaces;
//! everything in them ends with it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lab::command;
use lab::wait::{self, Seen};

use crate::cases;
use crate::client::Client;
use crate::failure::{Checked, Context as _, Failure};
use crate::http::Received;
use crate::proxy::Proxy;
use crate::table::{Case, Engine, Setup};
use crate::topology;

/// First argument of this program inside of a fixture; then the folder, the engine, and case names.
pub(crate) const ARGUMENT: &str = "--fixture";

/// How long applications may take to start.
const START: Duration = Duration::from_secs(20);

/// How a fixture is isolated. `/run` is small, as on a host with little memory; changes of `/etc`
/// and `/var` stay in memory; sockets buffer no more than over a short network.
const PREPARATION: &str = "ip link set lo up && ip addr add 192.0.2.10/32 dev lo &&
    ip addr add 192.0.2.11/32 dev lo &&
    mount -t tmpfs -o size=4m none /run && mkdir /run/upper /run/scratch &&
    for folder in etc var; do
        mkdir /run/upper/$folder /run/scratch/$folder &&
        mount -t overlay none /$folder \
            -o lowerdir=/$folder,upperdir=/run/upper/$folder,workdir=/run/scratch/$folder || exit
    done &&
    mount -t tmpfs -o size=256m none /var/log && mount -t tmpfs -o size=1g none /var/cache &&
    echo 4096 16384 65536 >/proc/sys/net/ipv4/tcp_wmem &&
    echo 4096 16384 65536 >/proc/sys/net/ipv4/tcp_rmem";

/// What one case came to, as the runner reads it.
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
    folder: PathBuf,
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

fn run_named(arguments: &[String]) -> Checked {
    let [folder, engine, names @ ..] = arguments else {
        return Err("a fixture needs a folder, an engine and cases".into());
    };
    let engine = Engine::named(engine).ok_or("unknown engine")?;
    let find = |name: &String| cases::all().find(|case| case.name == name);
    let cases: Vec<&Case> = names.iter().filter_map(find).collect();
    let first = cases.first().ok_or("there are no such cases")?;
    let start = Instant::now();
    match Fixture::open(Path::new(folder), first.setup, engine) {
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

fn report(case: &Case, failure: &str, start: Instant) -> Checked {
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
    fn open(folder: &Path, setup: &'static Setup, engine: Engine) -> Checked<Self> {
        command::finish(Command::new("sh").args(["-c", PREPARATION]))?.success()?;
        let text = topology::text(setup, engine);
        fs::write(folder.join("topology.yaml"), &text).doing("writing the topology")?;
        let generated = topology::rendered(&text)?;
        File::create(folder.join("requests")).doing("creating the record of requests")?;
        let mut instances = Vec::new();
        for port in (topology::FIRST_PORT..).take(usize::from(setup.instances)) {
            instances.extend(start(setup, port, folder)?);
        }
        instances
            .iter()
            .try_for_each(|instance| wait_for(instance.port))?;
        Ok(Self {
            engine,
            setup,
            proxy: Proxy::start(&generated, folder)?,
            folder: folder.to_owned(),
            instances: Mutex::new(instances),
        })
    }

    fn run(&self, case: &Case) -> Checked {
        let start = Instant::now();
        let check = || self.revive().and_then(|()| (case.check)(self));
        let failure = match panic::catch_unwind(AssertUnwindSafe(check)) {
            Ok(Ok(())) => String::new(),
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => "the check panicked; see the fixture's output".to_owned(),
        };
        report(case, &failure, start)
    }

    /// Starts the instances again that a case ended, and waits until the proxy uses them.
    fn revive(&self) -> Checked {
        let mut instances = self
            .instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut revived = false;
        // Cases that end instances have several.
        for instance in instances.iter_mut().filter(|_| self.setup.instances > 1) {
            if answers(instance.port) {
                continue;
            }
            revived = true;
            // It may be exiting still.
            instance.process.kill()?;
            instance.process.wait()?;
            let port = instance.port;
            *instance = start(self.setup, port, &self.folder)?.ok_or("nothing to start")?;
            wait_for(port)?;
        }
        if revived && self.engine == Engine::Haproxy {
            self.wait_servers("UP")?;
        }
        Ok(())
    }

    /// Waits until `HAProxy` gives each server this state: `UP`, `DOWN`.
    pub(crate) fn wait_servers(&self, state: &str) -> Checked {
        self.wait_statistics("status", state)
    }

    /// Waits until `HAProxy` has checked each server with this result: `L7OK`. nginx checks none.
    pub(crate) fn wait_checked(&self, result: &str) -> Checked {
        match self.engine {
            Engine::Haproxy => self.wait_statistics("check_status", result),
            Engine::Nginx => Ok(()),
        }
    }

    fn wait_statistics(&self, field: &str, value: &str) -> Checked {
        let what = format!("{field} {value}");
        wait::until(&what, START, || match self.statistics(field) {
            Ok(values) if !values.is_empty() && values.iter().all(|own| own == value) => {
                Seen::Yes(())
            }
            Ok(values) => Seen::NotYet(values.join(", ")),
            Err(failure) => Seen::NotYet(failure.to_string()),
        })?;
        Ok(())
    }

    /// A field of each server in `HAProxy`'s statistics, where it has one.
    fn statistics(&self, field: &str) -> Checked<Vec<String>> {
        let mut client = Client::connect_to(&self.proxy.status().to_string())?;
        let page = client
            .ask("GET /status;csv HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
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

    /// The topology as it was rendered.
    pub(crate) fn topology_file(&self) -> PathBuf {
        self.folder.join("topology.yaml")
    }

    /// Ends the instance on a port, and waits until its port refuses.
    pub(crate) fn kill(&self, port: u16) -> Checked {
        let mut instances = self
            .instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let instance = instances.iter_mut().find(|instance| instance.port == port);
        let instance = instance.ok_or("there is no such instance")?;
        instance.process.kill()?;
        instance.process.wait()?;
        Ok(())
    }

    /// The requests that reached an application and whose URL contains `mark`, in their order.
    pub(crate) fn requests(&self, mark: &str) -> Checked<Vec<Received>> {
        let text = fs::read_to_string(self.folder.join("requests"))?;
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
    pub(crate) fn log(&self) -> Checked<Vec<Vec<u8>>> {
        let bytes = match self.engine {
            Engine::Nginx => fs::read("/var/log/suite/edge/access.log"),
            Engine::Haproxy => fs::read(&self.proxy.output),
        };
        let bytes = bytes.doing("reading the access log")?;
        Ok(bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(<[u8]>::to_vec)
            .collect())
    }
}

/// Starts an instance of the setup's program.
fn start(setup: &Setup, port: u16, folder: &Path) -> Checked<Option<Instance>> {
    let Some(mut command) = setup.program.command(port) else {
        return Ok(None);
    };
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join(format!("app-{port}.log")))
        .doing("opening the application's log")?;
    command
        .env("RECORD", folder.join("requests"))
        .envs(setup.env.iter().copied())
        .stdout(log.try_clone()?)
        .stderr(log);
    let process = command.spawn().doing("starting an application")?;
    Ok(Some(Instance { port, process }))
}

/// Whether the instance on a port answers a request: one that exits may still accept connections.
fn answers(port: u16) -> bool {
    let asked = Client::connect_to(&format!("127.0.0.1:{port}"))
        .and_then(|mut client| client.ask("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    asked.is_ok()
}

fn wait_for(port: u16) -> Checked {
    wait::until("listening", START, || {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(_) => Seen::Yes(()),
            Err(error) => Seen::NotYet(format!("port {port}: {error}")),
        }
    })
    .map_err(Failure::from)?;
    Ok(())
}
