//! Renders a layout to files with templates.
//!
//! The output depends only on the layout and the templates: no disk, clock, environment, or
//! randomness. Every directory below `templates/` is a renderer and is embedded in the binary.

mod quote;
mod renderer;
mod specification;

pub use renderer::{Files, Renderer};
pub use specification::{Each, FileRule, Requirement, Specification, VerifyRule};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::layout::Layout;
use crate::tree::Tree;

/// An error in a renderer: the topology was valid, so its templates or `renderer.yaml` are wrong.
#[derive(Clone, Debug)]
pub struct RenderError {
    /// Name of the renderer.
    pub renderer: String,
    /// Template, output path, or key with the error.
    pub location: String,
    /// Error message.
    pub message: String,
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "renderer `{}`, {}: {}",
            self.renderer, self.location, self.message
        )
    }
}

impl std::error::Error for RenderError {}

const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The renderers in the binary, sorted by name.
pub fn embedded() -> Result<Vec<Renderer>, RenderError> {
    let files = EMBEDDED
        .iter()
        .map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()));
    discover(&files.collect())
}

/// The renderers in `files`; the first component of a path is the name of its renderer.
pub fn discover(files: &Files) -> Result<Vec<Renderer>, RenderError> {
    let names: BTreeSet<String> = files
        .keys()
        .filter_map(|path| path.split_once('/'))
        .map(|(directory, _)| directory.to_owned())
        .collect();
    names
        .into_iter()
        .map(|name| {
            let prefix = format!("{name}/");
            let own = files
                .iter()
                .filter_map(|(path, bytes)| {
                    Some((path.strip_prefix(&prefix)?.to_owned(), bytes.clone()))
                })
                .collect::<BTreeMap<_, _>>();
            Renderer::new(&name, own)
        })
        .collect()
}

/// Renders the files of all `renderers`.
pub fn render(layout: &Layout, renderers: &[Renderer]) -> Result<Tree, RenderError> {
    let mut tree = Tree::default();
    let Some(first) = renderers.first() else {
        return Ok(tree);
    };
    // Converted once: with many hosts this takes longer than rendering.
    let layout = first.value(layout)?;
    for renderer in renderers {
        renderer.render(&layout, &mut tree)?;
    }
    Ok(tree)
}
