//! A lab: a network, its booted hosts, and the controller that reaches them.

use std::path::Path;

use crate::host::Place;
use crate::key::Key;
use crate::network::Network;
use crate::state::{self, State};
use crate::{Controller, Engine, Error, Host, Image, Result, Suite};

/// The address playbooks and clients come from.
pub const CONTROLLER: &str = "192.168.56.1";

/// Room for what a host writes: logs, releases, units.
const DISK: u64 = 1 << 30;

/// A host to boot.
#[derive(Debug, Clone)]
pub struct HostPlan {
    /// Its name in the topology.
    pub name: String,
    /// Its address in the topology.
    pub address: String,
    /// The Debian it runs.
    pub suite: Suite,
    /// What runs containers on it.
    pub engine: Option<Engine>,
    /// Bytes its disk can take.
    pub disk: u64,
}

impl HostPlan {
    /// A Debian 12 host with room for a few releases.
    #[must_use]
    pub fn new(name: &str, address: &str) -> Self {
        Self {
            name: name.to_owned(),
            address: address.to_owned(),
            suite: Suite::default(),
            engine: None,
            disk: DISK,
        }
    }

    /// The same host on another suite.
    #[must_use]
    pub fn on(self, suite: Suite) -> Self {
        Self { suite, ..self }
    }

    /// The same host with a container engine.
    #[must_use]
    pub fn with(self, engine: Engine) -> Self {
        Self {
            engine: Some(engine),
            ..self
        }
    }
}

/// Booted hosts on one network. Dropping it removes all of them, also when a
/// test panics; what a killed test leaves is swept by the next lab.
#[derive(Debug)]
pub struct Lab {
    // Dropped in this order: hosts end before their mounts go.
    hosts: Vec<Host>,
    controller: Controller,
    state: State,
}

impl Lab {
    /// Boots `plans` side by side and returns when all are up.
    pub fn boot(plans: &[HostPlan]) -> Result<Self> {
        state::sweep();
        Self::boot_in(State::new()?, plans)
    }

    /// The same in a given state, for a lab that is to be kept.
    pub fn boot_in(state: State, plans: &[HostPlan]) -> Result<Self> {
        let network = Network::new(state.name(), CONTROLLER)?;
        let key = Key::new(state.folder())?;
        let mut hosts = Vec::new();
        for plan in plans {
            hosts.push(lay_out(&state, &network, plan)?);
        }
        for host in &hosts {
            key.admit(&host.root())?;
            host.boot()?;
        }
        for host in &hosts {
            host.wait_until_booted()?;
            key.know(&host.root(), host.address())?;
        }
        let controller = Controller::new(network.namespace(), key, state.folder());
        Ok(Self {
            hosts,
            controller,
            state,
        })
    }

    /// The host called `name`.
    pub fn host(&self, name: &str) -> Result<&Host> {
        self.hosts
            .iter()
            .find(|host| host.name() == name)
            .ok_or_else(|| Error::Unreadable {
                what: format!("host {name}"),
                text: "this lab has no such host".to_owned(),
            })
    }

    /// All hosts, in the order of their plans.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// What stands outside the hosts and reaches them.
    #[must_use]
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// The lab's folder, for files that go with it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.state.folder()
    }

    /// The lab's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.state.name()
    }

    /// Leaves the hosts running after this process, until `lab down`.
    pub fn keep(self) -> Result<()> {
        for host in self.hosts {
            std::mem::forget(host);
        }
        self.state.keep()
    }
}

fn lay_out(state: &State, network: &Network, plan: &HostPlan) -> Result<Host> {
    let image = Image::cached(plan.suite, plan.engine)?;
    let port = network.plug(&plan.name, &plan.address)?;
    let place = Place {
        lab: state.name(),
        name: &plan.name,
        address: &plan.address,
        folder: state.folder(),
        port: &port,
        engine: plan.engine,
    };
    Host::lay_out(&place, &image, plan.disk)
}
