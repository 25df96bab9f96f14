#![forbid(unsafe_code)]
//! Generates nginx, `HAProxy`, systemd, Ansible, and Vagrant files from one `topology.yaml`.
//!
//! The steps and their types:
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
use render::{RenderError, Renderer};
use source::Source;
use tree::Tree;

/// The result of [`generate`].
#[derive(Debug)]
pub struct Generated {
    /// The topology with defaults applied and names resolved.
    pub layout: Layout,
    /// The rendered files.
    pub tree: Tree,
}

/// Why [`generate`] failed.
#[derive(Debug)]
pub enum Error {
    /// The topology is invalid; the diagnostics list the errors.
    Invalid,
    /// A renderer failed on a valid topology.
    Render(RenderError),
}

/// Parses, validates, and renders `source`.
///
/// `topology_dir` is the topology's directory relative to the output directory. Errors and warnings
/// are added to `diagnostics`.
pub fn generate(
    source: &Source,
    topology_dir: &str,
    renderers: &[Renderer],
    diagnostics: &mut Diagnostics,
) -> Result<Generated, Error> {
    let topology = topology::parse(source, diagnostics).ok_or(Error::Invalid)?;
    let valid = validate::validate(topology, diagnostics).ok_or(Error::Invalid)?;
    let layout = layout::resolve(&valid, topology_dir);
    let tree = render::render(&layout, renderers).map_err(Error::Render)?;
    Ok(Generated { layout, tree })
}
