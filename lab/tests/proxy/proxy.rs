//! A proxy as its rendered unit starts it.

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
use lab::wait::{self, Seen};
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use socket2::{Domain, Socket, Type};

use crate::failure::{Checked, Context as _, Failure, ensure};
use crate::unit::Unit;

/// Directories that systemd makes for a unit: the setting, and where.
const DIRECTORIES: [(&str, &str); 4] = [
    ("RuntimeDirectory", "/run"),
    ("LogsDirectory", "/var/log"),
    ("CacheDirectory", "/var/cache"),
    ("StateDirectory", "/var/lib"),
];

/// Where inherited sockets wait before a shell moves them to 3 and up.
const WAITING: i32 = 100;

/// Where a service of `Type=notify` reports.
const NOTIFY: &str = "/run/notify";

/// How long a proxy may take to start or to reload.
const START: Duration = Duration::from_secs(15);

/// A running proxy.
pub(crate) struct Proxy {
    service: Unit,
    process: Child,
    notifications: UnixDatagram,
    status: SocketAddr,
    /// Its standard output; its standard error has the same name with `.err`.
    pub(crate) output: PathBuf,
}

impl Proxy {
    /// Installs the rendered files where the host has them, and starts the service.
    pub(crate) fn start(generated: &Generated, folder: &Path) -> Checked<Self> {
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
                .beside
                .iter()
                .map(|file| (file.source.as_str(), file.destination.as_str())),
        );
        for (source, destination) in files {
            write(Path::new(destination), &file(source)?)?;
        }
        let service = Unit::new(&file(&format!("systemd/{}", proxy.unit))?);
        let socket = Unit::new(&file(&format!("systemd/{}", proxy.socket))?);
        make_directories(&service)?;
        install_credentials(&service, &proxy.unit, folder)?;
        let output = folder.join("proxy.out");
        let notifications = UnixDatagram::bind(NOTIFY).doing("binding the notify socket")?;
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

    fn wait_started(&mut self) -> Checked {
        let outcome = wait::until("started", START, || {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Seen::Yes(Err(Failure::from(format!(
                    "the proxy exited with {status}"
                ))));
            }
            if self.notifies() && !self.is_ready() {
                return Seen::NotYet("it has not reported READY=1".to_owned());
            }
            match TcpStream::connect(self.status) {
                Ok(_) => Seen::Yes(Ok(())),
                Err(error) => Seen::NotYet(format!("{}: {error}", self.status)),
            }
        })?;
        let said = fs::read_to_string(self.output.with_extension("err")).unwrap_or_default();
        outcome.0.doing(said)
    }

    fn notifies(&self) -> bool {
        self.service
            .words("Type")
            .any(|word| word.starts_with("notify"))
    }

    /// Whether it reported that it is ready since the last question.
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

    /// Reloads as the unit does, and waits for new workers.
    pub(crate) fn reload(&self) -> Checked {
        let before = self.workers();
        for line in self.service.commands("ExecReload") {
            let mut shell = Command::new("sh");
            shell
                .args(["-c", &line])
                .env("MAINPID", self.process.id().to_string());
            command::finish(&mut shell)?.success().doing("reloading")?;
        }
        wait::until("reloaded", START, || {
            let is_new = |worker: &u32| !before.contains(worker);
            if !self.workers().iter().any(is_new) {
                return Seen::NotYet(format!("workers {before:?}"));
            }
            if self.notifies() && !self.is_ready() {
                return Seen::NotYet("it has not reported READY=1".to_owned());
            }
            Seen::Yes(())
        })?;
        Ok(())
    }

    /// Process ids of its workers.
    fn workers(&self) -> Vec<u32> {
        let id = self.process.id();
        fs::read_to_string(format!("/proc/{id}/task/{id}/children"))
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|id| id.parse().ok())
            .collect()
    }

    /// Where its status page is.
    pub(crate) fn status(&self) -> SocketAddr {
        self.status
    }
}

/// A rendered file.
pub(crate) fn text(generated: &Generated, path: &str) -> Checked<String> {
    let found = OutputPath::new(path).and_then(|path| generated.tree.get(&path));
    let artifact = found.ok_or_else(|| Failure::from(format!("{path} is not rendered")))?;
    Ok(String::from_utf8_lossy(&artifact.bytes).into_owned())
}

fn write(path: &Path, text: &str) -> Checked {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).doing(format!("making {}", folder.display()))?;
    fs::write(path, text).doing(format!("writing {}", path.display()))
}

fn make_directories(service: &Unit) -> Checked {
    for (setting, root) in DIRECTORIES {
        for name in service.words(setting) {
            let name = name.split(':').next().unwrap_or(name);
            fs::create_dir_all(Path::new(root).join(name))
                .doing(format!("making {setting}={name}"))?;
        }
    }
    Ok(())
}

fn install_credentials(service: &Unit, name: &str, folder: &Path) -> Checked {
    for line in service.lines("LoadCredential") {
        let credential = line.split(':').next().unwrap_or(line);
        let source = if credential.ends_with("key") {
            "key.pem"
        } else {
            "certificate.pem"
        };
        let path = folder.join("..").join(source);
        let text = fs::read_to_string(&path).doing(format!("reading {}", path.display()))?;
        write(
            &Path::new("/run/credentials").join(name).join(credential),
            &text,
        )?;
    }
    Ok(())
}

/// The sockets of the socket unit, in its order.
fn sockets(unit: &Unit) -> Checked<Vec<OwnedFd>> {
    let inherited = |address: &str| -> Checked<OwnedFd> {
        let address: SocketAddr = address
            .parse()
            .doing(format!("reading ListenStream={address}"))?;
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket
            .bind(&address.into())
            .doing(format!("binding {address}"))?;
        socket.listen(4096)?;
        let waiting = fcntl_dupfd_cloexec(&socket, WAITING).doing("duplicating a socket")?;
        Ok(waiting)
    };
    let found: Checked<Vec<OwnedFd>> = unit.lines("ListenStream").map(inherited).collect();
    ensure!(
        found.as_ref().map_or(true, |all| !all.is_empty()),
        "the socket unit listens nowhere"
    );
    found
}

/// Runs `ExecStart=` with the sockets as descriptors from 3 on.
fn spawn(service: &Unit, sockets: &[OwnedFd], output: &Path) -> Checked<Child> {
    let start = service.commands("ExecStart");
    let start = start.first().ok_or("the service has no ExecStart")?;
    // Workers of nginx keep root, which has the directories here; its unit needs no user.
    let start = start.replace("\"daemon off;\"", "\"daemon off; user root;\"");
    let mut script = String::new();
    for (at, socket) in sockets.iter().enumerate() {
        let from = socket.as_raw_fd();
        let _ = write!(script, "exec {}<&{from} {from}<&-; ", at + 3);
    }
    let file = |path: &Path| File::create(path).doing("creating the proxy's output");
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
        fcntl_setfd(socket, FdFlags::empty()).doing("passing a socket on")?;
    }
    let child = shell.spawn().doing("starting the proxy")?;
    for socket in sockets {
        fcntl_setfd(socket, FdFlags::CLOEXEC).doing("keeping a socket")?;
    }
    Ok(child)
}

fn status_address(url: &str) -> Checked<SocketAddr> {
    let rest = url.trim_start_matches("http://");
    let address = rest.split('/').next().unwrap_or(rest);
    address
        .parse()
        .doing(format!("reading the status address {url}"))
}
