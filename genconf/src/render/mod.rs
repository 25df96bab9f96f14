//! From a layout to a tree of files, by templates.
//!
//! Pure: no disk, clock, environment or randomness. The templates are
//! embedded; every folder below `templates/` is a renderer, and nothing here
//! knows the name of one. `tree` comes next.

mod quote;
mod renderer;
mod specification;

pub use renderer::{Files, Renderer};
pub use specification::{ArtifactRule, Each, Requirement, Specification, VerifyRule};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::layout::Layout;
use crate::tree::Tree;

/// Why a render failed. The topology was valid, so the fault is ours, or the
/// template's author's.
#[derive(Clone, Debug)]
pub struct RenderFault {
    /// The renderer.
    pub renderer: String,
    /// Template, artifact or key at fault.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for RenderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "renderer `{}`, {}: {}",
            self.renderer, self.place, self.message
        )
    }
}

impl std::error::Error for RenderFault {}

const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The renderers in the binary, by name.
pub fn embedded() -> Result<Vec<Renderer>, RenderFault> {
    let files = EMBEDDED
        .iter()
        .map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()));
    discover(&files.collect())
}

/// The renderers among `files`, whose paths begin with a renderer's folder.
pub fn discover(files: &Files) -> Result<Vec<Renderer>, RenderFault> {
    let names: BTreeSet<String> = files
        .keys()
        .filter_map(|path| path.split_once('/'))
        .map(|(folder, _)| folder.to_owned())
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

/// Prints everything that `renderers` make of `layout`.
pub fn render(layout: &Layout, renderers: &[Renderer]) -> Result<Tree, RenderFault> {
    let mut tree = Tree::default();
    let Some(first) = renderers.first() else {
        return Ok(tree);
    };
    // Once for all: for many hosts this costs more than the templates do.
    let layout = first.value(layout)?;
    for renderer in renderers {
        renderer.render(&layout, &mut tree)?;
    }
    Ok(tree)
}
