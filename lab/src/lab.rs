//! A lab: a network, its booted hosts, and the controller that connects to them.

use std::path::Path;

use crate::host::HostConfig;
use crate::network::Network;
use crate::runtime_directory::{self, RuntimeDirectory};
use crate::ssh_key::SshKey;
use crate::{ContainerEngine, Controller, Error, Host, Image, Result, Suite};

/// Source address of playbooks and clients.
pub const CONTROLLER: &str = "192.168.56.1";

/// Default disk size of a host in bytes: 1 GiB for logs, releases, and units.
const DISK: u64 = 1 << 30;

/// A host to boot.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// Name in the topology.
    pub name: String,
    /// Address in the topology.
    pub address: String,
    /// Debian suite.
    pub suite: Suite,
    /// Installed container engine.
    pub engine: Option<ContainerEngine>,
    /// Disk size in bytes.
    pub disk: u64,
}

impl HostSettings {
    /// A Debian 12 host without a container engine, with a disk of 1 GiB.
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

    /// The same host with another suite.
    #[must_use]
    pub fn with_suite(self, suite: Suite) -> Self {
        Self { suite, ..self }
    }

    /// The same host with a container engine.
    #[must_use]
    pub fn with_engine(self, engine: ContainerEngine) -> Self {
        Self {
            engine: Some(engine),
            ..self
        }
    }
}

/// Booted hosts on one network.
///
/// Dropping a lab removes all of them, even when a test panics. The next lab removes hosts of a
/// killed test.
#[derive(Debug)]
pub struct Lab {
    // Dropped in this order: hosts stop before their file systems are unmounted.
    hosts: Vec<Host>,
    controller: Controller,
    runtime_directory: RuntimeDirectory,
}

impl Lab {
    /// Boots the hosts in parallel and returns when all are booted.
    pub fn boot(specs: &[HostSettings]) -> Result<Self> {
        runtime_directory::remove_abandoned();
        Self::boot_in(RuntimeDirectory::new()?, specs)
    }

    /// As [`Lab::boot`], in a given runtime directory.
    pub fn boot_in(runtime_directory: RuntimeDirectory, specs: &[HostSettings]) -> Result<Self> {
        let network = Network::new(runtime_directory.name(), CONTROLLER)?;
        let key = SshKey::new(runtime_directory.path())?;
        let mut hosts = Vec::new();
        for spec in specs {
            hosts.push(prepare(&runtime_directory, &network, spec)?);
        }
        for host in &hosts {
            key.authorize(&host.root())?;
            host.boot()?;
        }
        for host in &hosts {
            host.wait_until_booted()?;
            key.add_known_host(&host.root(), host.address())?;
        }
        let controller = Controller::new(network.namespace(), key, runtime_directory.path());
        Ok(Self {
            hosts,
            controller,
            runtime_directory,
        })
    }

    /// The host with this name.
    pub fn host(&self, name: &str) -> Result<&Host> {
        self.hosts
            .iter()
            .find(|host| host.name() == name)
            .ok_or_else(|| Error::Invalid {
                what: format!("host {name}"),
                text: "not part of this lab".to_owned(),
            })
    }

    /// All hosts, in the order of their specifications.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The controller, which runs programs in the lab's network outside of the hosts.
    #[must_use]
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// The lab's runtime directory, for files that are removed with the lab.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.runtime_directory.path()
    }

    /// The lab's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.runtime_directory.name()
    }

    /// Leaves the hosts running after this process has exited, until `lab down`.
    pub fn keep(self) -> Result<()> {
        for host in self.hosts {
            std::mem::forget(host);
        }
        self.runtime_directory.keep()
    }
}

fn prepare(directory: &RuntimeDirectory, network: &Network, spec: &HostSettings) -> Result<Host> {
    let image = Image::cached(spec.suite, spec.engine)?;
    let link = network.connect(&spec.name, &spec.address)?;
    let config = HostConfig {
        lab: directory.name(),
        name: &spec.name,
        address: &spec.address,
        directory: directory.path(),
        link: &link,
        engine: spec.engine,
    };
    Host::prepare(&config, &image, spec.disk)
}
