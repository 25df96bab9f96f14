//! Names of units, users, and files on hosts.

use std::net::{IpAddr, SocketAddr};

use sha2::{Digest as _, Sha256};

/// Longest user name on Linux, in characters (systemd.exec(5)).
const MAX_USER_LENGTH: usize = 31;

/// Stem of a pool's or proxy's unit names: `randoms-spread`.
pub(super) fn stem(project: &str, name: &str) -> String {
    format!("{project}-{name}")
}

/// Unit that watches an app's artifact: `randoms-api-watch.path`.
pub(super) fn watch(project: &str, app: &str, kind: &str) -> String {
    format!("{project}-{app}-watch.{kind}")
}

/// Unit that rotates a proxy's logs: `randoms-edge-rotate.timer`.
pub(super) fn rotate(stem: &str, kind: &str) -> String {
    format!("{stem}-rotate.{kind}")
}

/// Stem of the unit that probes the instances of a host: `randoms-monitor`.
pub(super) fn monitor(project: &str) -> String {
    format!("{project}-monitor")
}

/// Directory of the configuration of a project: `/etc/randoms`.
pub(super) fn configuration(project: &str) -> String {
    format!("/etc/{project}")
}

/// File with the [`model::HostSpec`] of a host: `/etc/randoms/spec.json`.
pub(super) fn spec(project: &str) -> String {
    format!("{}/spec.json", configuration(project))
}

/// File of a proxy: `/etc/randoms/edge/nginx.conf`.
pub(super) fn proxy_file(project: &str, proxy: &str, file: &str) -> String {
    format!("{}/{proxy}/{file}", configuration(project))
}

/// File with environment variables of an app: `/etc/randoms/api.env`.
pub(super) fn env_file(project: &str, app: &str) -> String {
    format!("{}/{app}.env", configuration(project))
}

/// Directory of the apps: `/opt/randoms`.
pub(super) fn apps(project: &str) -> String {
    format!("/opt/{project}")
}

/// Directory of the releases of an app: `/opt/randoms/api`.
pub(super) fn app_directory(project: &str, app: &str) -> String {
    format!("{}/{app}", apps(project))
}

/// File that is deployed when it changes: `/opt/randoms/api/watched/FILE`.
pub(super) fn watched_file(project: &str, app: &str, file: &str) -> String {
    format!("{}/watched/{file}", app_directory(project, app))
}

/// Directory of the logs of proxies: `/var/log/randoms`.
pub(super) fn logs(project: &str) -> String {
    format!("/var/log/{project}")
}

/// Directory of the logs of a proxy: `/var/log/randoms/edge`.
pub(super) fn proxy_logs(project: &str, proxy: &str) -> String {
    format!("{}/{proxy}", logs(project))
}

/// Runtime directory of a proxy: `/run/randoms-edge`.
pub(super) fn proxy_runtime(stem: &str) -> String {
    format!("/run/{stem}")
}

/// Cache directory of a proxy: `/var/cache/randoms-edge`.
pub(super) fn proxy_cache(stem: &str) -> String {
    format!("/var/cache/{stem}")
}

/// Directory in which systemd passes credentials to a service:
/// `/run/credentials/randoms-edge.service`.
pub(super) fn credentials(service: &str) -> String {
    format!("/run/credentials/{service}")
}

/// Directory of genconf-host's state that a reboot keeps: `/var/lib/genconf/randoms`.
pub(super) fn state(project: &str) -> String {
    format!("/var/lib/genconf/{project}")
}

/// Directory of genconf-host's state that a reboot removes: `/run/genconf/randoms`.
pub(super) fn runtime(project: &str) -> String {
    format!("/run/genconf/{project}")
}

/// genconf-host of a project. Each project has its own, because projects on the same host may be
/// rendered by different versions of genconf.
pub(super) fn program(project: &str) -> String {
    format!("/usr/local/lib/genconf/{project}/genconf-host")
}

/// Unit file, or directory of drop-ins: `/etc/systemd/system/randoms.target`.
pub(super) fn unit_file(name: &str) -> String {
    format!("/etc/systemd/system/{name}")
}

/// User that owns an app's state directory: `shop-web`. A longer name is truncated and ends in a
/// digest, which keeps it unique.
pub(super) fn state_user(project: &str, app: &str) -> String {
    let name = stem(project, app);
    if name.len() <= MAX_USER_LENGTH {
        return name;
    }
    let digest = format!("{:x}", Sha256::digest(&name));
    format!(
        "{}-{}",
        name[..MAX_USER_LENGTH - 9].trim_end_matches('-'),
        &digest[..8]
    )
}

/// Target of a pool or project: `randoms-spread.target`.
pub(super) fn target(stem: &str) -> String {
    format!("{stem}.target")
}

/// Slice of a project: `randoms.slice`.
pub(super) fn slice(project: &str) -> String {
    format!("{project}.slice")
}

/// Service of a proxy or of the monitor: `randoms-edge.service`.
pub(super) fn service(stem: &str) -> String {
    format!("{stem}.service")
}

/// Socket unit of a proxy or of a shared port: `randoms-edge.socket`.
pub(super) fn socket_unit(stem: &str) -> String {
    format!("{stem}.socket")
}

/// Unit name stem of a shared port of a cluster pool: `randoms-shared-8081`.
pub(super) fn shared_stem(stem: &str, port: u16) -> String {
    format!("{stem}-{port}")
}

/// Socket unit of a port of a fork pool: `randoms-spread-port@8082.socket`; the template unit for an
/// empty `port`. The name differs from `randoms-spread@…` so that
/// `systemctl restart 'randoms-spread@*'` leaves the ports open.
pub(super) fn port_socket(stem: &str, port: &str) -> String {
    format!("{stem}-port@{port}.socket")
}

/// File with a proxy's kernel settings: `/etc/sysctl.d/60-randoms-edge.conf`. It applies after the
/// files of Debian packages (10 to 50) and before the administrator's (99), sysctl.d(5).
pub(super) fn sysctl(stem: &str) -> String {
    format!("/etc/sysctl.d/60-{stem}.conf")
}

/// Address and port: `192.0.2.1:80` or `[2001:db8::1]:80`.
pub(super) fn socket(ip: IpAddr, port: u16) -> String {
    SocketAddr::new(ip, port).to_string()
}

/// Address in the form that precedes `:%i` in a unit: IPv6 in brackets.
pub(super) fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// Unix socket of a pool: `/run/randoms/spread-8082.sock`. `port` may be `%i`.
pub(super) fn unix_socket(project: &str, pool: &str, port: &str) -> String {
    format!("/run/{project}/{pool}-{port}.sock")
}
