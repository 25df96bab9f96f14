//! The lab's network: one namespace with a bridge, one namespace per host.

use crate::{Error, Result, command, state};

/// A bridge in a namespace of its own. It has no route out: load and faults
/// stay inside, and no lab host reaches a package mirror.
#[derive(Debug)]
pub struct Network {
    lab: String,
}

/// A host's place in the network: its namespace and its end on the bridge.
#[derive(Debug, Clone)]
pub struct Port {
    bridge: String,
    namespace: String,
    /// Name of the bridge's end of the cable.
    cable: String,
}

impl Network {
    /// Makes the namespace and bridge of lab `lab`; `controller` is the address
    /// that playbooks and clients come from.
    pub fn new(lab: &str, controller: &str) -> Result<Self> {
        words(&[
            &format!("ip netns add {lab}"),
            &format!("ip -n {lab} link set lo up"),
            &format!("ip -n {lab} link add br0 type bridge forward_delay 0 stp_state 0"),
            &format!("ip -n {lab} addr add {controller}/24 dev br0"),
            &format!("ip -n {lab} link set br0 up"),
            // A client that is told to close keeps the port in TIME_WAIT: use it again.
            &format!("ip netns exec {lab} sysctl -q -w net.ipv4.tcp_tw_reuse=1"),
        ])?;
        Ok(Self {
            lab: lab.to_owned(),
        })
    }

    /// The namespace the controller and the load client run in.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.lab
    }

    /// Plugs in a host: a namespace with a cable to the bridge.
    pub fn plug(&self, host: &str, address: &str) -> Result<Port> {
        let number = address.rsplit('.').next().unwrap_or_default();
        let port = Port {
            bridge: self.lab.clone(),
            namespace: state::machine_name(&self.lab, host),
            cable: format!("port{number}"),
        };
        let Port {
            bridge,
            namespace,
            cable,
        } = &port;
        words(&[
            &format!("ip netns add {namespace}"),
            &format!("ip -n {namespace} link set lo up"),
            &format!(
                "ip link add {cable} netns {bridge} type veth peer name host0 netns {namespace}"
            ),
            &format!("ip -n {bridge} link set {cable} master br0 up"),
            &format!("ip -n {namespace} addr add {address}/24 dev host0"),
            &format!("ip -n {namespace} link set host0 up"),
        ])?;
        Ok(port)
    }
}

impl Port {
    /// The host's namespace, as systemd-nspawn wants it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/run/netns/{}", self.namespace)
    }

    /// Pulls the cable: packets are lost without any answer.
    pub fn cut(&self) -> Result<()> {
        command::words(&format!(
            "ip -n {} link set {} down",
            self.bridge, self.cable
        ))
        .map(drop)
    }

    /// Puts the cable back.
    pub fn restore(&self) -> Result<()> {
        command::words(&format!("ip -n {} link set {} up", self.bridge, self.cable)).map(drop)
    }
}

fn words(lines: &[&str]) -> Result<()> {
    for line in lines {
        command::words(line).map_err(|error| match error {
            Error::Command { line, status, said } => Error::Command {
                line,
                status,
                said: format!("{said} (network namespaces need root and CAP_NET_ADMIN)"),
            },
            other => other,
        })?;
    }
    Ok(())
}
