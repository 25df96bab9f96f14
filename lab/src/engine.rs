//! Container engines a host can have.

use crate::Suite;

/// What runs containers on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Docker Engine, as Debian packages it.
    Docker,
    /// Podman.
    Podman,
}

impl Engine {
    /// Its command.
    #[must_use]
    pub fn command(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// What a host has installed for it.
    pub(crate) fn packages(self, suite: Suite) -> &'static [&'static str] {
        match (self, suite) {
            (Self::Docker, Suite::Bookworm) => &["docker.io"],
            (Self::Docker, Suite::Trixie) => &["docker.io", "docker-cli"],
            (Self::Podman, _) => &["podman", "crun", "netavark", "nftables", "iptables"],
        }
    }

    /// Environment of systemd-nspawn(1) that lets containers run inside of a host.
    pub(crate) fn environment() -> [(&'static str, &'static str); 2] {
        [
            // Cgroups as Debian has them: the other hierarchies are read-only in there.
            ("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1"),
            // A published port is a route, which is a setting below /proc/sys/net.
            ("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network"),
        ]
    }

    /// Options of systemd-nspawn(1) for the same.
    pub(crate) fn options() -> [&'static str; 4] {
        [
            "--capability=all",
            "--system-call-filter=add_key keyctl bpf",
            // Images are overlays, which cannot lie on the overlay that a host is.
            "--tmpfs=/var/lib/docker:mode=0711,size=1g",
            "--tmpfs=/var/lib/containers:mode=0711,size=1g",
        ]
    }
}
