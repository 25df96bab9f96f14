//! How things are called on a host. Every unit name is made here.

use std::net::{IpAddr, SocketAddr};

use sha2::{Digest as _, Sha256};

/// Most characters of a user's name.
const LONGEST_USER: usize = 31;

/// `randoms-spread`: the stem of a pool's or proxy's units.
pub(super) fn stem(project: &str, name: &str) -> String {
    format!("{project}-{name}")
}

/// `randoms-api-watch.path`: what watches the file of an app.
pub(super) fn watch(project: &str, app: &str, kind: &str) -> String {
    format!("{project}-{app}-watch.{kind}")
}

/// `randoms-edge-rotate.timer`: what rotates the logs of a proxy.
pub(super) fn rotate(stem: &str, kind: &str) -> String {
    format!("{stem}-rotate.{kind}")
}

/// `shop-web`: the user that owns what an app keeps. One that is longer than Linux takes (31
/// characters, systemd.exec(5)) is cut, and told apart by its digest.
pub(super) fn keeper(project: &str, app: &str) -> String {
    let name = stem(project, app);
    if name.len() <= LONGEST_USER {
        return name;
    }
    let digest = format!("{:x}", Sha256::digest(&name));
    format!(
        "{}-{}",
        name[..LONGEST_USER - 9].trim_end_matches('-'),
        &digest[..8]
    )
}

/// `randoms-spread.target`.
pub(super) fn target(stem: &str) -> String {
    format!("{stem}.target")
}

/// `randoms-shared-8081`: the stem of one shared port of a cluster.
pub(super) fn shared_stem(stem: &str, port: u16) -> String {
    format!("{stem}-{port}")
}

/// `randoms-spread-port@8082.socket`: what holds a port of a fork pool; empty for their template.
/// Not `randoms-spread@…`, or `systemctl restart 'randoms-spread@*'` would close the ports as well.
pub(super) fn port_socket(stem: &str, port: &str) -> String {
    format!("{stem}-port@{port}.socket")
}

/// `/etc/sysctl.d/60-randoms-edge.conf`: kernel settings for a proxy, after those of Debian's packages
/// (10 to 50) and before those of the administrator (99), sysctl.d(5).
pub(super) fn sysctl(stem: &str) -> String {
    format!("/etc/sysctl.d/60-{stem}.conf")
}

/// `192.0.2.1:80` or `[2001:db8::1]:80`.
pub(super) fn socket(ip: IpAddr, port: u16) -> String {
    SocketAddr::new(ip, port).to_string()
}

/// An address as it stands before `:%i` in a unit.
pub(super) fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// `/run/randoms/spread-8082.sock`: a unix socket of a pool; `port` may be `%i`.
pub(super) fn unix_socket(project: &str, pool: &str, port: &str) -> String {
    format!("/run/{project}/{pool}-{port}.sock")
}
