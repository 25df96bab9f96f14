//! A proxy that is started as in its rendered unit.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use genconf::Generated;
use genconf::tree::OutputPath;
use lab::command;
use lab::wait::{self, Poll};
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use socket2::{Domain, Socket, Type};

use crate::failure::{CheckResult, Context as _, Failure, ensure};
use crate::unit_file::UnitFile;

/// Directories that systemd creates for a unit: the setting, and the parent directory.
const DIRECTORIES: [(&str, &str); 4] = [
    ("RuntimeDirectory", "/run"),
    ("LogsDirectory", "/var/log"),
    ("CacheDirectory", "/var/cache"),
    ("StateDirectory", "/var/lib"),
];

/// First file descriptor of the inherited sockets, before a shell moves them to 3 and up.
const FIRST_SOCKET: i32 = 100;

/// `NOTIFY_SOCKET` of a service with `Type=notify`.
const NOTIFY: &str = "/run/notify";

/// Limit for a start or a reload.
const START: Duration = Duration::from_secs(15);

/// A running proxy.
pub(crate) struct Proxy {
    service: UnitFile,
    process: Child,
    notifications: UnixDatagram,
    status: SocketAddr,
    /// File with its standard output; the file with the extension `.err` has its standard error.
    pub(crate) output: PathBuf,
}

impl Proxy {
    /// Installs the rendered files at their paths on a host, and starts the service.
    pub(crate) fn start(generated: &Generated, directory: &Path) -> CheckResult<Self> {
        let host = generated
            .layout
            .hosts
            .iter()
            .find(|host| !host.proxies.is_empty());
        let proxy = host
            .and_then(|host| host.proxies.first())
            .ok_or("there is no proxy")?;
        let file = |path: &str| text(generated, path);
        let mut files = vec![(proxy.config.as_str(), proxy.destination.as_str())];
        files.extend(
            proxy
                .extra_files
                .iter()
                .map(|file| (file.source.as_str(), file.destination.as_str())),
        );
        for (source, destination) in files {
            write(Path::new(destination), &file(source)?)?;
        }
        let service = UnitFile::new(&file(&format!("systemd/{}", proxy.unit))?);
        let socket = UnitFile::new(&file(&format!("systemd/{}", proxy.socket))?);
        make_directories(&service)?;
        install_credentials(&service, &proxy.unit, directory)?;
        let output = directory.join("proxy.out");
        let notifications = UnixDatagram::bind(NOTIFY).context("binding the notify socket")?;
        notifications.set_nonblocking(true)?;
        let process = spawn(&service, &sockets(&socket)?, &output)?;
        let mut running = Self {
            service,
            process,
            notifications,
            status: status_address(&proxy.health)?,
            output,
        };
        running.wait_started()?;
        Ok(running)
    }

    fn wait_started(&mut self) -> CheckResult {
        let outcome = wait::until("started", START, || {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Poll::Ready(Err(Failure::from(format!(
                    "the proxy exited with {status}"
                ))));
            }
            if self.is_notify_service() && !self.is_ready() {
                return Poll::Pending("it has not reported READY=1".to_owned());
            }
            match TcpStream::connect(self.status) {
                Ok(_) => Poll::Ready(Ok(())),
                Err(error) => Poll::Pending(format!("{}: {error}", self.status)),
            }
        })?;
        let errors = fs::read_to_string(self.output.with_extension("err")).unwrap_or_default();
        outcome.0.context(errors)
    }

    fn is_notify_service(&self) -> bool {
        self.service
            .words("Type")
            .any(|word| word.starts_with("notify"))
    }

    /// Whether it has reported `READY=1` since the last call.
    fn is_ready(&self) -> bool {
        let mut message = [0; 4096];
        while let Ok(length) = self.notifications.recv(&mut message) {
            let text = String::from_utf8_lossy(&message[..length]);
            if text.lines().any(|line| line == "READY=1") {
                return true;
            }
        }
        false
    }

    /// Runs the unit's `ExecReload=` and waits for new workers.
    pub(crate) fn reload(&self) -> CheckResult {
        let before = self.workers();
        for line in self.service.commands("ExecReload") {
            let mut shell = Command::new("sh");
            shell
                .args(["-c", &line])
                .env("MAINPID", self.process.id().to_string());
            command::capture(&mut shell)?
                .success()
                .context("reloading")?;
        }
        wait::until("reloaded", START, || {
            let is_new = |worker: &u32| !before.contains(worker);
            if !self.workers().iter().any(is_new) {
                return Poll::Pending(format!("workers {before:?}"));
            }
            if self.is_notify_service() && !self.is_ready() {
                return Poll::Pending("it has not reported READY=1".to_owned());
            }
            Poll::Ready(())
        })?;
        Ok(())
    }

    /// Process IDs of its workers.
    fn workers(&self) -> Vec<u32> {
        let id = self.process.id();
        fs::read_to_string(format!("/proc/{id}/task/{id}/children"))
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|id| id.parse().ok())
            .collect()
    }

    /// Address of its status page.
    pub(crate) fn status(&self) -> SocketAddr {
        self.status
    }
}

/// Text of a rendered file.
pub(crate) fn text(generated: &Generated, path: &str) -> CheckResult<String> {
    let found = OutputPath::new(path).and_then(|path| generated.tree.get(&path));
    let artifact = found.ok_or_else(|| Failure::from(format!("{path} is not rendered")))?;
    Ok(String::from_utf8_lossy(&artifact.bytes).into_owned())
}

fn write(path: &Path, text: &str) -> CheckResult {
    let directory = path.parent().unwrap_or(path);
    fs::create_dir_all(directory).context(format!("creating {}", directory.display()))?;
    fs::write(path, text).context(format!("writing {}", path.display()))
}

fn make_directories(service: &UnitFile) -> CheckResult {
    for (setting, root) in DIRECTORIES {
        for name in service.words(setting) {
            let name = name.split(':').next().unwrap_or(name);
            fs::create_dir_all(Path::new(root).join(name))
                .context(format!("creating {setting}={name}"))?;
        }
    }
    Ok(())
}

fn install_credentials(service: &UnitFile, name: &str, directory: &Path) -> CheckResult {
    for line in service.lines("LoadCredential") {
        let credential = line.split(':').next().unwrap_or(line);
        let source = if credential.ends_with("key") {
            "key.pem"
        } else {
            "certificate.pem"
        };
        let path = directory.join("..").join(source);
        let text = fs::read_to_string(&path).context(format!("reading {}", path.display()))?;
        write(
            &Path::new("/run/credentials").join(name).join(credential),
            &text,
        )?;
    }
    Ok(())
}

/// Listening sockets of the socket unit, in the order of its settings.
fn sockets(unit: &UnitFile) -> CheckResult<Vec<OwnedFd>> {
    let inherited = |address: &str| -> CheckResult<OwnedFd> {
        let address: SocketAddr = address
            .parse()
            .context(format!("reading ListenStream={address}"))?;
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket
            .bind(&address.into())
            .context(format!("binding {address}"))?;
        socket.listen(4096)?;
        let waiting = fcntl_dupfd_cloexec(&socket, FIRST_SOCKET).context("duplicating a socket")?;
        Ok(waiting)
    };
    let found: CheckResult<Vec<OwnedFd>> = unit.lines("ListenStream").map(inherited).collect();
    ensure!(
        found.as_ref().map_or(true, |all| !all.is_empty()),
        "the socket unit has no ListenStream"
    );
    found
}

/// Runs `ExecStart=` with the sockets as file descriptors from 3 on.
fn spawn(service: &UnitFile, sockets: &[OwnedFd], output: &Path) -> CheckResult<Child> {
    let start = service.commands("ExecStart");
    let start = start.first().ok_or("the service has no ExecStart")?;
    // The directories belong to root here, so nginx workers run as root.
    let start = start.replace("\"daemon off;\"", "\"daemon off; user root;\"");
    let mut script = String::new();
    for (at, socket) in sockets.iter().enumerate() {
        let from = socket.as_raw_fd();
        let _ = write!(script, "exec {}<&{from} {from}<&-; ", at + 3);
    }
    let file = |path: &Path| File::create(path).context("creating the proxy's output");
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &format!("{script} exec {start}")])
        .envs(
            service
                .lines("Environment")
                .filter_map(|line| line.trim_matches('"').split_once('=')),
        )
        .env("NOTIFY_SOCKET", NOTIFY)
        .stdin(Stdio::null())
        .stdout(file(output)?)
        .stderr(file(&output.with_extension("err"))?);
    for socket in sockets {
        fcntl_setfd(socket, FdFlags::empty()).context("passing a socket")?;
    }
    let child = shell.spawn().context("starting the proxy")?;
    for socket in sockets {
        fcntl_setfd(socket, FdFlags::CLOEXEC).context("restoring a socket")?;
    }
    Ok(child)
}

fn status_address(url: &str) -> CheckResult<SocketAddr> {
    let rest = url.trim_start_matches("http://");
    let address = rest.split('/').next().unwrap_or(rest);
    address
        .parse()
        .context(format!("reading the status address {url}"))
}
