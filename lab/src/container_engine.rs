//! Container engines that a host can have.

use crate::Suite;

/// A container engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerEngine {
    /// Docker Engine from Debian's packages.
    Docker,
    /// Podman.
    Podman,
}

impl ContainerEngine {
    /// Name of the command.
    #[must_use]
    pub fn command(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// The Debian packages of the engine.
    pub(crate) fn packages(self, suite: Suite) -> &'static [&'static str] {
        match (self, suite) {
            (Self::Docker, Suite::Bookworm) => &["docker.io"],
            (Self::Docker, Suite::Trixie) => &["docker.io", "docker-cli"],
            (Self::Podman, _) => &["podman", "crun", "netavark", "nftables", "iptables"],
        }
    }

    /// Environment of systemd-nspawn(1) with which containers can run inside of a host.
    pub(crate) fn environment() -> [(&'static str, &'static str); 2] {
        [
            // cgroup v2, as on Debian: v1 hierarchies are read-only inside of the host.
            ("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1"),
            // Publishing a port writes settings below /proc/sys/net.
            ("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network"),
        ]
    }

    /// Options of systemd-nspawn(1) with which containers can run inside of a host.
    pub(crate) fn options() -> [&'static str; 4] {
        [
            "--capability=all",
            "--system-call-filter=add_key keyctl bpf",
            // overlayfs does not support a host's root, itself an overlay, as the upper layer.
            "--tmpfs=/var/lib/docker:mode=0711,size=1g",
            "--tmpfs=/var/lib/containers:mode=0711,size=1g",
        ]
    }
}
