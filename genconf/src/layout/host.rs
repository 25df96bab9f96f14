//! Hosts, resolved: what each of them runs. `placement` fills these in.

use serde::Serialize;

/// A machine and what it runs.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Processors of its VM.
    pub cpus: u16,
    /// Memory of its VM in MiB.
    pub memory_mib: u64,
    /// Ports of its VM that the developer's machine forwards.
    pub forwards: Vec<Forward>,
    /// Whether it is the last host, after which all can be provisioned.
    pub last: bool,
    /// Unit files it gets, by name.
    pub units: Vec<String>,
    /// Timers and watched paths that are to be active here.
    pub triggers: Vec<String>,
    /// Drop-ins it gets.
    pub dropins: Vec<DropIn>,
    /// Pools it runs.
    pub pools: Vec<HostPool>,
    /// Proxies it runs.
    pub proxies: Vec<HostProxy>,
    /// Hosts whose proxies can send elsewhere what this one would get, by name.
    pub fronts: Vec<String>,
}

/// A forwarded port.
#[derive(Clone, Debug, Serialize)]
pub struct Forward {
    /// Port in the VM.
    pub guest: u16,
    /// Port on 127.0.0.1 outside.
    pub host: u16,
}

/// A file that gives a socket this host's address.
#[derive(Clone, Debug, Serialize)]
pub struct DropIn {
    /// The host.
    pub host: String,
    /// Path in the bundle.
    pub source: String,
    /// Folder on the host, under /etc/systemd/system.
    pub unit_dir: String,
    /// File name.
    pub name: String,
    /// The host's own address.
    pub own: String,
    /// The same before a port: IPv6 in brackets.
    pub address: String,
    /// The port; 0 where each instance has its own.
    pub port: u16,
    /// The other addresses that reach it: those of the hosts whose proxies route to it.
    pub allow: Vec<String>,
}

/// A pool on one host.
#[derive(Clone, Debug, Serialize)]
pub struct HostPool {
    /// Its name.
    pub name: String,
    /// Its app.
    pub app: String,
    /// Its target.
    pub target: String,
    /// `fork` or `cluster`.
    pub mode: &'static str,
    /// What it listens on.
    pub listeners: Vec<HostListener>,
}

/// What is requested, and which response is healthy.
#[derive(Clone, Debug, Serialize)]
pub struct HealthCheck {
    /// Path of `url`.
    pub path: String,
    /// `http://ADDRESS:PORT/PATH`, or `http+unix://SOCKET:PATH` for a unix socket.
    pub url: String,
    /// Host header.
    pub host: String,
    /// Status codes: `200-299,401`.
    pub status: String,
}

/// A port of a pool on one host, and the units behind it.
#[derive(Clone, Debug, Serialize)]
pub struct HostListener {
    /// The port.
    pub port: u16,
    /// The socket unit; empty where the app listens by itself.
    pub socket: String,
    /// Path of its unix socket; empty for TCP.
    pub unix_socket: String,
    /// Its health check on this host.
    pub health: HealthCheck,
    /// The services behind it; empty where only the host knows how many.
    pub services: Vec<String>,
    /// What a worker's number follows; empty for fork.
    pub service_prefix: String,
    /// Services behind it: a number or `max`.
    pub workers: String,
}

/// A file of the bundle that a host gets.
#[derive(Clone, Debug, Serialize)]
pub struct HostFile {
    /// Path in the bundle.
    pub source: String,
    /// Path on the host.
    pub destination: String,
    /// What it holds: the `configuration` of a program, or `kernel_settings`, which are applied.
    pub kind: &'static str,
}

/// A proxy on one host.
#[derive(Clone, Debug, Serialize)]
pub struct HostProxy {
    /// Its name.
    pub name: String,
    /// Its program.
    pub engine: &'static str,
    /// Debian's package of the program.
    pub package: &'static str,
    /// Its service.
    pub unit: String,
    /// Its socket unit.
    pub socket: String,
    /// Path of its configuration in the bundle.
    pub config: String,
    /// Path of its configuration on the host.
    pub destination: String,
    /// What it gets beside its configuration.
    pub beside: Vec<HostFile>,
    /// URL of its status page on this host.
    pub health: String,
    /// Certificate chain on the host; empty for a door that is not encrypted.
    pub certificate: String,
    /// Private key on the host; empty likewise.
    pub key: String,
}
