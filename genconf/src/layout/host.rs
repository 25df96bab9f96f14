//! Resolved hosts, with the pools and proxies on each. Built by `placement`.

use model::{Engine, HostSpec, StatusRanges};
use serde::Serialize;

/// A host with its pools and proxies.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// Name of the host.
    pub name: String,
    /// IP address.
    pub address: String,
    /// CPUs of its virtual machine.
    pub cpus: u16,
    /// Memory of its virtual machine, in MiB.
    pub memory_mib: u64,
    /// Ports of its virtual machine that Vagrant forwards.
    pub forwarded_ports: Vec<ForwardedPort>,
    /// Whether it is the last host. Vagrant provisions all hosts after creating it.
    pub last: bool,
    /// Unit files to install, sorted by name.
    pub units: Vec<String>,
    /// Units to enable that are neither instances nor proxies: timers, path units, and the monitor.
    pub triggers: Vec<String>,
    /// Drop-ins to install.
    pub dropins: Vec<DropIn>,
    /// What genconf-host needs to know of this host.
    pub spec: HostSpec,
    /// The file with it.
    pub spec_file: HostFile,
    /// Pools on this host.
    pub pools: Vec<HostPool>,
    /// Proxies on this host.
    pub proxies: Vec<HostProxy>,
    /// Hosts whose proxies route to this host and can use another one instead, sorted by name.
    pub upstream_proxies: Vec<String>,
}

/// A forwarded port.
#[derive(Clone, Debug, Serialize)]
pub struct ForwardedPort {
    /// Port in the virtual machine.
    pub guest: u16,
    /// Port on 127.0.0.1 of the machine that runs Vagrant.
    pub host: u16,
}

/// A drop-in that sets a socket's address on one host.
#[derive(Clone, Debug, Serialize)]
pub struct DropIn {
    /// The host.
    pub host: String,
    /// Path in the output directory.
    pub source: String,
    /// Directory on the host, below /etc/systemd/system.
    pub unit_dir: String,
    /// File name.
    pub name: String,
    /// IP address of the host.
    pub host_address: String,
    /// The same address in the form that precedes a port: IPv6 in brackets.
    pub address: String,
    /// The port; 0 if each instance has its own.
    pub port: u16,
    /// Addresses that may connect: those of the hosts whose proxies route to it.
    pub allow: Vec<String>,
}

/// A pool on one host.
#[derive(Clone, Debug, Serialize)]
pub struct HostPool {
    /// Name of the pool.
    pub name: String,
    /// Name of its app.
    pub app: String,
    /// Target unit of the pool.
    pub target: String,
    /// `fork` or `cluster`.
    pub mode: &'static str,
    /// Its ports.
    pub listeners: Vec<HostListener>,
}

/// A health check: the request and the status codes of a healthy response.
#[derive(Clone, Debug, Serialize)]
pub struct HealthCheck {
    /// Path in `url`.
    pub path: String,
    /// `http://ADDRESS:PORT/PATH`, or `http+unix://SOCKET:PATH` for a unix socket.
    pub url: String,
    /// Host header.
    pub host: String,
    /// Status codes.
    pub status: StatusRanges,
}

/// A port of a pool on one host, and the units behind it.
#[derive(Clone, Debug, Serialize)]
pub struct HostListener {
    /// The port.
    pub port: u16,
    /// Socket unit; empty if the app binds the port.
    pub socket: String,
    /// Path of its unix socket; empty for TCP.
    pub unix_socket: String,
    /// Health check of the port on this host.
    pub health: HealthCheck,
    /// Services behind the port; empty if their number depends on the host's CPUs.
    pub services: Vec<String>,
    /// Prefix of a worker's service name, before its number; empty for fork.
    pub service_prefix: String,
    /// Number of services behind the port, or `max`.
    pub workers: String,
}

/// A rendered file to install on a host.
#[derive(Clone, Debug, Serialize)]
pub struct HostFile {
    /// Path in the output directory.
    pub source: String,
    /// Path on the host.
    pub destination: String,
    /// Kind of file: the `configuration` of a program, `kernel_settings` to apply, or the `spec` of
    /// the host.
    pub kind: &'static str,
}

/// A proxy on one host.
#[derive(Clone, Debug, Serialize)]
pub struct HostProxy {
    /// Name of the proxy.
    pub name: String,
    /// The program that runs as the proxy.
    pub engine: Engine,
    /// Debian package of the engine, which has its name.
    pub package: Engine,
    /// Service unit.
    pub unit: String,
    /// Socket unit.
    pub socket: String,
    /// Path of its configuration in the output directory.
    pub config: String,
    /// Path of its configuration on the host.
    pub destination: String,
    /// Other files to install.
    pub extra_files: Vec<HostFile>,
    /// URL of its status page on this host.
    pub health: String,
    /// Certificate chain on the host; empty without TLS.
    pub certificate: String,
    /// Private key on the host; empty without TLS.
    pub key: String,
}
