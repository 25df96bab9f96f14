//! The lab's network: one namespace with a bridge, and one namespace per host.

use crate::{Error, Result, command, runtime_directory};

/// A bridge in a separate network namespace.
///
/// It has no route out: load and faults stay inside, and no lab host can reach a package mirror.
#[derive(Debug)]
pub struct Network {
    lab: String,
}

/// A host's network namespace and the veth pair that connects it to the bridge.
#[derive(Debug, Clone)]
pub struct VethLink {
    bridge: String,
    namespace: String,
    /// Name of the interface at the bridge.
    interface: String,
}

impl Network {
    /// Creates the namespace and bridge of lab `lab`; `controller` is the bridge's address.
    pub fn new(lab: &str, controller: &str) -> Result<Self> {
        run_all(&[
            &format!("ip netns add {lab}"),
            &format!("ip -n {lab} link set lo up"),
            &format!("ip -n {lab} link add br0 type bridge forward_delay 0 stp_state 0"),
            &format!("ip -n {lab} addr add {controller}/24 dev br0"),
            &format!("ip -n {lab} link set br0 up"),
            // A client whose connection gets `Connection: close` leaves its port in TIME_WAIT.
            &format!("ip netns exec {lab} sysctl -q -w net.ipv4.tcp_tw_reuse=1"),
        ])?;
        Ok(Self {
            lab: lab.to_owned(),
        })
    }

    /// The namespace in which the controller and the load client run.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.lab
    }

    /// Creates a namespace for `host` and connects it to the bridge.
    pub fn connect(&self, host: &str, address: &str) -> Result<VethLink> {
        let number = address.rsplit('.').next().unwrap_or_default();
        let link = VethLink {
            bridge: self.lab.clone(),
            namespace: runtime_directory::machine_name(&self.lab, host),
            interface: format!("port{number}"),
        };
        let VethLink {
            bridge,
            namespace,
            interface,
        } = &link;
        run_all(&[
            &format!("ip netns add {namespace}"),
            &format!("ip -n {namespace} link set lo up"),
            &format!(
                "ip link add {interface} netns {bridge} type veth peer name host0 netns {namespace}"
            ),
            &format!("ip -n {bridge} link set {interface} master br0 up"),
            &format!("ip -n {namespace} addr add {address}/24 dev host0"),
            &format!("ip -n {namespace} link set host0 up"),
        ])?;
        Ok(link)
    }
}

impl VethLink {
    /// Path of the host's namespace, for `systemd-nspawn --network-namespace-path=`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/run/netns/{}", self.namespace)
    }

    /// Sets the link down: packets are lost without an ICMP error.
    pub fn set_down(&self) -> Result<()> {
        self.set("down")
    }

    /// Sets the link up.
    pub fn set_up(&self) -> Result<()> {
        self.set("up")
    }

    fn set(&self, state: &str) -> Result<()> {
        let Self {
            bridge, interface, ..
        } = self;
        command::run_line(&format!("ip -n {bridge} link set {interface} {state}")).map(drop)
    }
}

fn run_all(lines: &[&str]) -> Result<()> {
    for line in lines {
        command::run_line(line).map_err(|error| match error {
            Error::Command {
                command_line,
                status,
                output,
            } => Error::Command {
                command_line,
                status,
                output: format!("{output} (network namespaces need root and CAP_NET_ADMIN)"),
            },
            other => other,
        })?;
    }
    Ok(())
}
