#![forbid(unsafe_code)]
//! One `topology.yaml` becomes nginx, systemd, Ansible and Vagrant files.
//!
//! Five verbs, five types, one direction:
//!
//! ```text
//! Source ─parse─▶ Topology ─validate─▶ Valid<Topology> ─resolve─▶ Layout ─render─▶ Tree ─write─▶ files
//! ```

pub mod cli;
pub mod commands;
pub mod diagnostic;
pub mod graph;
pub mod import;
pub mod layout;
pub mod render;
pub mod source;
pub mod topology;
pub mod tree;
pub mod validate;

use diagnostic::Diagnostics;
use layout::Layout;
use render::{RenderFault, Renderer};
use source::Source;
use tree::Tree;

/// Everything a topology comes to.
#[derive(Debug)]
pub struct Generated {
    /// What it means.
    pub layout: Layout,
    /// The files it becomes.
    pub tree: Tree,
}

/// Why nothing was generated.
#[derive(Debug)]
pub enum Refusal {
    /// The topology has errors; the diagnostics tell them.
    Faulty,
    /// A renderer failed on a valid topology.
    Render(RenderFault),
}

/// From text to tree. `place` is the folder of the topology as seen from the
/// bundle's; every fault is told to `faults`.
pub fn generate(
    source: &Source,
    place: &str,
    renderers: &[Renderer],
    faults: &mut Diagnostics,
) -> Result<Generated, Refusal> {
    let topology = topology::parse(source, faults).ok_or(Refusal::Faulty)?;
    let valid = validate::validate(topology, faults).ok_or(Refusal::Faulty)?;
    let layout = layout::resolve(&valid, place);
    let tree = render::render(&layout, renderers).map_err(Refusal::Render)?;
    Ok(Generated { layout, tree })
}
