//! The topologies the scenarios render.

/// The root topology: one host with every layout.
pub(crate) const ROOT: &str = include_str!("../../../topology.yaml");

/// A proxy host and two app hosts that serve one pool.
pub(crate) const HOSTS: &str = "\
version: 1
project: randoms
hosts:
  front: { address: 192.168.56.10 }
  node1: { address: 192.168.56.11 }
  node2: { address: 192.168.56.12 }
apps:
  randoms: { artifact: target/release/randoms, health: /health }
pools:
  spread: { app: randoms, ports: [8082-8085], hosts: [node1, node2] }
proxies:
  edge:
    engine: nginx
    listen: 80
    hosts: [front]
    routes:
      - { path: /api/randoms, pool: spread }
";
