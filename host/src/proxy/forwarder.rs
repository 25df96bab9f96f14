//! Forwards the previous address of a port to its new address, until the proxies use the new one.
//!
//! systemd-socket-proxyd(8) runs behind a transient systemd socket. A reboot removes both, and the proxies
//! then start with the configuration on disk.

use model::Endpoint;

const PROGRAM: &str = "/usr/lib/systemd/systemd-socket-proxyd";

/// A port that has moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MovedPort<'m> {
    /// Name of the project.
    pub(crate) project: &'m str,
    /// The slice of the project's services.
    pub(crate) slice: &'m str,
    /// The port's socket unit.
    pub(crate) socket_unit: &'m str,
    /// Where it accepted connections.
    pub(crate) from: &'m Endpoint,
    /// Where it accepts connections now.
    pub(crate) to: &'m Endpoint,
}

/// Arguments of systemd-run(1) for a forwarder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Forwarder {
    /// Name of its socket and service, without suffix.
    pub(crate) unit: String,
    /// Options other than `--unit=`.
    pub(crate) options: Vec<String>,
    /// Program and arguments.
    pub(crate) command: Vec<String>,
}

/// The forwarder that forwards connections of this host, and of no other, to the new address of a port.
pub(crate) fn forwarder(port: &MovedPort<'_>) -> Forwarder {
    let mut options = vec![
        format!("--socket-property=ListenStream={}", port.from),
        // The port's socket allows clients by their address (`IPAddressAllow=`), and the address of all
        // clients of a forwarder is that of this host.
        "--socket-property=IPAddressDeny=any".to_owned(),
        "--socket-property=IPAddressAllow=localhost".to_owned(),
    ];
    if let Endpoint::Tcp(address) = port.from {
        // systemd-run(1) accepts `localhost` only as the only value of an option.
        options.push(format!("--socket-property=IPAddressAllow={}", address.ip()));
    }
    options.extend([
        "--property=DynamicUser=yes".to_owned(),
        "--property=LimitNOFILE=65536".to_owned(),
        format!("--property=Slice={}", port.slice),
        "--collect".to_owned(),
    ]);
    Forwarder {
        unit: unit(port.project, port.socket_unit),
        options,
        command: vec![
            PROGRAM.to_owned(),
            "--connections-max=8192".to_owned(),
            // Stopping the socket does not stop the service: open connections may finish.
            "--exit-idle-time=5s".to_owned(),
            port.to.to_string(),
        ],
    }
}

/// Whether a unit is the socket of a forwarder. Names of pools and proxies contain no dots, so their units
/// are not.
pub(crate) fn is_forwarder_socket(project: &str, unit: &str) -> bool {
    let name = unit.strip_suffix(".socket");
    name.is_some_and(|name| name.starts_with(&prefix(project)))
}

fn unit(project: &str, socket_unit: &str) -> String {
    let name = socket_unit.strip_suffix(".socket").unwrap_or(socket_unit);
    prefix(project) + &name.replace('@', "-")
}

fn prefix(project: &str) -> String {
    format!("{project}.forward.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarder_from(from: &str) -> Forwarder {
        forwarder(&MovedPort {
            project: "randoms",
            slice: "system-randoms.slice",
            socket_unit: "randoms-web-port@8082.socket",
            from: &from.parse().unwrap(),
            to: &"192.168.56.11:8082".parse().unwrap(),
        })
    }

    #[test]
    fn a_forwarder_listens_at_the_previous_address_and_connects_to_the_new_one() {
        let forwarder = forwarder_from("127.0.0.1:8082");
        let listen = "--socket-property=ListenStream=127.0.0.1:8082".to_owned();
        assert!(
            forwarder.options.contains(&listen),
            "{:?}",
            forwarder.options
        );
        let command = [
            "/usr/lib/systemd/systemd-socket-proxyd",
            "--connections-max=8192",
            "--exit-idle-time=5s",
            "192.168.56.11:8082",
        ];
        assert_eq!(forwarder.command, command);
    }

    #[test]
    fn a_forwarder_runs_in_the_slice_without_privileges_and_is_removed_after_a_failure() {
        let options = forwarder_from("127.0.0.1:8082").options;
        for option in [
            "--property=Slice=system-randoms.slice",
            "--property=DynamicUser=yes",
            "--property=LimitNOFILE=65536",
            "--collect",
        ] {
            assert!(options.iter().any(|o| o == option), "{option}: {options:?}");
        }
    }

    #[test]
    fn only_this_host_may_connect_to_a_forwarder() {
        for (from, allowed) in [
            ("192.168.56.11:8082", vec!["localhost", "192.168.56.11"]),
            ("[fd00::11]:8082", vec!["localhost", "fd00::11"]),
            ("/run/randoms/web-8082.sock", vec!["localhost"]),
        ] {
            let options = forwarder_from(from).options;
            let denied = "--socket-property=IPAddressDeny=any".to_owned();
            assert!(options.contains(&denied), "{options:?}");
            let prefix = "--socket-property=IPAddressAllow=";
            let found = options.iter().filter_map(|o| o.strip_prefix(prefix));
            assert_eq!(found.collect::<Vec<_>>(), allowed, "{from}");
        }
    }

    #[test]
    fn the_socket_of_a_forwarder_is_recognized_by_its_name() {
        let name = forwarder_from("127.0.0.1:8082").unit;
        assert_eq!(name, "randoms.forward.randoms-web-port-8082");
        assert!(is_forwarder_socket("randoms", &format!("{name}.socket")));
        for other in [
            format!("{name}.service"),
            "randoms-web-port@8082.socket".to_owned(),
            "randoms.guard.socket".to_owned(),
            format!("other-{name}.socket"),
        ] {
            assert!(!is_forwarder_socket("randoms", &other), "{other}");
        }
        assert!(!is_forwarder_socket("random", &format!("{name}.socket")));
    }
}
