//! Servers of upstreams and the hosts they run on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::own_host::{OwnHost, Place};
use crate::import::draft::HostDraft;
use crate::import::naming::Names;
use crate::import::ports::FIRST;
use crate::source::Position;

/// The host of a server.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum BackendHost {
    /// The proxy's host: one of its addresses or names, a unix socket, or a container name.
    Local,
    /// Another host, by address or name.
    Remote(String),
}

/// The proxy's host and the other hosts, with the name of each.
pub(super) fn hosts(
    backend_hosts: &BTreeSet<BackendHost>,
) -> (Vec<HostDraft>, BTreeMap<BackendHost, String>) {
    let mut names = Names::default();
    // Reserved by Ansible.
    names.reserve("all", "all");
    names.reserve("localhost", "localhost");
    let address_of = |host: &BackendHost| match host {
        BackendHost::Local => None,
        BackendHost::Remote(text) => text.parse::<IpAddr>().ok(),
    };
    let taken: BTreeSet<_> = backend_hosts.iter().filter_map(address_of).collect();
    let numbers =
        (56..=255_u8).flat_map(|c| (11..=250_u8).map(move |d| IpAddr::from([192, 168, c, d])));
    let mut placeholders = numbers.filter(|ip| !taken.contains(ip));
    let (mut hosts, mut host_names) = (Vec::new(), BTreeMap::new());
    let others = backend_hosts.iter().filter(|m| **m != BackendHost::Local);
    for host in std::iter::once(&BackendHost::Local).chain(others) {
        let name = match host {
            BackendHost::Local => names.reserve("node1", "node"),
            BackendHost::Remote(_) if address_of(host).is_some() => names.reserve("node", "node"),
            BackendHost::Remote(text) => {
                names.reserve(text.split('.').next().unwrap_or(text), "node")
            }
        };
        let known = address_of(host);
        let address = known
            .or_else(|| placeholders.next())
            .map(|ip| ip.to_string())
            .unwrap_or_default();
        hosts.push(HostDraft {
            name: name.clone(),
            address,
            cpus: None,
            is_placeholder: known.is_none(),
        });
        host_names.insert(host.clone(), name);
    }
    (hosts, host_names)
}

/// A server of an upstream.
#[derive(Clone, Debug)]
pub(super) struct BackendServer {
    /// Text of the `server` parameter.
    pub(super) raw: String,
    /// Position in the file.
    pub(super) position: Position,
    /// Host name or address in the text; `localhost` for those of the proxy's host.
    pub(super) name: String,
    /// Host it runs on.
    pub(super) host: BackendHost,
    /// Why the host is that of the proxy, if that is an assumption.
    pub(super) assumption: Option<&'static str>,
    /// Port, if an app can use it.
    pub(super) port: Option<u16>,
}

impl BackendServer {
    /// Parses `host:port`, `[v6]:port`, or `unix:path`.
    pub(super) fn read(raw: &str, position: Position, own: &OwnHost) -> Self {
        let (name, port) = match raw.rsplit_once(':') {
            _ if raw.starts_with("unix:") => (raw, None),
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
                (host, port.parse().ok())
            }
            _ => (raw, None),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let address: Option<IpAddr> = name.parse().ok();
        let place = own.place(name);
        let is_own = place != Place::Other;
        let is_bare = raw.starts_with("unix:") || (address.is_none() && !name.contains('.'));
        Self {
            raw: raw.to_owned(),
            position,
            name: if is_own { "localhost" } else { name }.to_owned(),
            host: if is_own || is_bare {
                BackendHost::Local
            } else {
                BackendHost::Remote(name.to_owned())
            },
            assumption: match place {
                Place::Own(reason) => Some(reason),
                Place::Loopback | Place::Other => None,
            },
            port: port.filter(|p| *p >= FIRST),
        }
    }

    /// The port to try first.
    pub(super) fn preferred_port(&self) -> u16 {
        self.port.unwrap_or(if self.raw.starts_with("unix:") {
            8000
        } else {
            8080
        })
    }
}
