//! Names and addresses of the host that nginx runs on.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::directive::Directive;
use super::listen;

/// Names of the loopback address.
const LOOPBACK_NAMES: [&str; 7] = [
    "ip6-localhost",
    "ip6-loopback",
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost6",
    "localhost6.localdomain6",
];

/// Names of the host in containers and virtual machines on it.
const CONTAINER_NAMES: [&str; 8] = [
    "docker.for.mac.host.internal",
    "docker.for.mac.localhost",
    "docker.for.win.localhost",
    "gateway.docker.internal",
    "host.containers.internal",
    "host.docker.internal",
    "host.lima.internal",
    "host.minikube.internal",
];

/// Relation of a name or address to the host of the proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// The loopback address, or a name of it.
    Loopback,
    /// Another name or address of the host, with the reason for this assumption.
    Own(&'static str),
    /// Another host, or unknown.
    Other,
}

/// Names and addresses of the host in `server_name` and `listen`.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnHost {
    names: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
}

impl OwnHost {
    /// Collects the names and addresses of the servers.
    pub(super) fn of(servers: &[&Directive]) -> Self {
        let mut own = Self::default();
        for directive in servers.iter().flat_map(|s| s.inside()) {
            match directive.name.as_str() {
                "server_name" => {
                    let names = directive.args.iter().map(|n| n.to_ascii_lowercase());
                    own.names.extend(names.filter(|n| n.contains('.')));
                }
                "listen" => {
                    own.addresses.extend(listen::ip(directive));
                }
                _ => {}
            }
        }
        own
    }

    /// The place of a name or address without its port.
    pub(super) fn place(&self, name: &str) -> Place {
        let name = name.to_ascii_lowercase();
        let name = name.trim_end_matches('.');
        if let Ok(ip) = name.parse::<IpAddr>() {
            return self.place_of_address(ip.to_canonical());
        }
        if LOOPBACK_NAMES.contains(&name) || name.ends_with(".localhost") {
            Place::Loopback
        } else if CONTAINER_NAMES.contains(&name) {
            Place::Own("it is the name of the proxy's host in containers")
        } else if self.names.contains(name) {
            Place::Own(
                "it is a `server_name` of this configuration, so the host is that of the proxy",
            )
        } else {
            Place::Other
        }
    }

    fn place_of_address(&self, ip: IpAddr) -> Place {
        if ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() {
            Place::Loopback
        } else if is_container_gateway(ip) {
            Place::Own("it is the address of the proxy's host in a container network")
        } else if self.addresses.contains(&ip) {
            Place::Own("it is an address of `listen`, so the host is that of the proxy")
        } else {
            Place::Other
        }
    }
}

/// Whether the address is the one of the host in the default networks of Docker or Podman.
fn is_container_gateway(ip: IpAddr) -> bool {
    let IpAddr::V4(ip) = ip else {
        return false;
    };
    matches!(
        ip.octets(),
        [172, 16..=31, 0, 1] | [10, 88, 0, 1] | [192, 168, 65, 2 | 254]
    )
}

#[cfg(test)]
mod tests {
    use super::{OwnHost, Place};

    #[test]
    fn names_and_addresses_of_the_host_are_known() {
        let own = OwnHost {
            names: ["shop.example.org".to_owned()].into(),
            addresses: ["10.0.0.1".parse().expect("is valid")].into(),
        };
        for name in [
            "localhost",
            "LOCALHOST.",
            "api.localhost",
            "127.0.1.1",
            "::1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
        ] {
            assert_eq!(own.place(name), Place::Loopback, "{name}");
        }
        for name in [
            "host.docker.internal",
            "172.17.0.1",
            "172.31.0.1",
            "10.0.0.1",
            "Shop.example.org",
        ] {
            assert!(matches!(own.place(name), Place::Own(_)), "{name}");
        }
        for name in [
            "10.0.0.2",
            "172.17.0.2",
            "172.32.0.1",
            "db.example.org",
            "app",
        ] {
            assert_eq!(own.place(name), Place::Other, "{name}");
        }
    }
}
