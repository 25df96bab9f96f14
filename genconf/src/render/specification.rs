//! `renderer.yaml`: what a renderer makes, from which templates, and the
//! commands that verify it.

use std::collections::BTreeMap;

use crate::source::{Kind, Node, Source, read};

/// What a renderer says of itself.
#[derive(Clone, Debug)]
pub struct Specification {
    /// One line for people.
    pub summary: String,
    /// The quoting filters its templates may use.
    pub languages: Vec<String>,
    /// What it makes.
    pub artifacts: Vec<ArtifactRule>,
    /// How the result is verified.
    pub verify: Vec<VerifyRule>,
}

/// A template and the artifacts that come from it.
#[derive(Clone, Debug)]
pub struct ArtifactRule {
    /// File name of the template in the renderer's folder.
    pub template: String,
    /// Path in the bundle, itself a template.
    pub path: String,
    /// How often.
    pub each: Each,
}

/// How often a rule applies.
#[derive(Clone, Debug)]
pub enum Each {
    /// Once for the whole layout.
    Once,
    /// Once for every item of a list of the layout.
    Item {
        /// The list: `pools`, `proxies`, …
        list: String,
        /// What the item is called in the template.
        name: String,
        /// Fields an item must have to count.
        matching: BTreeMap<String, String>,
    },
}

/// A command of a real tool that judges the artifacts.
#[derive(Clone, Debug)]
pub struct VerifyRule {
    /// Program and arguments, each a template; run in a copy of the bundle.
    pub run: Vec<String>,
    /// A command to run first, of the same kind; empty for none.
    pub prepare: Vec<String>,
    /// Programs that must seem to exist, as paths on a host, each a template.
    pub stubs: Vec<String>,
    /// Links to make first, new name to old, each a template, in the copy.
    pub links: BTreeMap<String, String>,
    /// Variables that the commands get, each a template.
    pub environment: BTreeMap<String, String>,
    /// Words at the beginning of a line of configuration after which an address stands that the tool
    /// would take, and what stands there before the name of a unix socket: in the copy it takes one
    /// of those, which needs no privilege and no address of this machine.
    pub binds: BTreeMap<String, String>,
    /// Folders that belong to the package of the tool: paths in them are those of this machine.
    pub packaged: Vec<String>,
    /// The version of the tool that the artifact needs.
    pub requires: Option<Requirement>,
    /// How often.
    pub each: Each,
}

/// A minimum version of a tool: an older one may refuse what is right on a host.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// A command that prints the installed version.
    pub version: Vec<String>,
    /// The minimum, a template; empty where any version will do.
    pub at_least: String,
    /// The reason, a template.
    pub because: String,
}

impl Specification {
    /// Reads `renderer.yaml`.
    pub fn read(text: &str) -> Result<Self, String> {
        let source = Source::new("renderer.yaml", text);
        let root = read(&source).map_err(|fault| {
            let at = source.position(fault.span.start);
            format!("line {}: {}", at.line, fault.message)
        })?;
        let languages = root.get("language").map(texts).unwrap_or_default();
        let rules = |key: &str| root.get(key).map(Node::elements).unwrap_or_default();
        Ok(Self {
            summary: text_of(&root, "summary")?,
            languages,
            artifacts: rules("artifacts")
                .iter()
                .map(|n| artifact(n))
                .collect::<Result<_, _>>()?,
            verify: rules("verify")
                .iter()
                .map(|n| verify(n))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn artifact(node: &Node) -> Result<ArtifactRule, String> {
    Ok(ArtifactRule {
        template: text_of(node, "template")?,
        path: text_of(node, "path")?,
        each: each(node)?,
    })
}

fn verify(node: &Node) -> Result<VerifyRule, String> {
    let list = |key: &str| node.get(key).map(texts).unwrap_or_default();
    let map = |key: &str| node.get(key).map(pairs).unwrap_or_default();
    Ok(VerifyRule {
        run: list("run"),
        prepare: list("prepare"),
        stubs: list("stubs"),
        links: map("links"),
        environment: map("environment"),
        binds: map("binds"),
        packaged: list("packaged"),
        requires: node.get("requires").map(requirement).transpose()?,
        each: each(node)?,
    })
}

fn requirement(node: &Node) -> Result<Requirement, String> {
    let version = node.get("version").map(texts).unwrap_or_default();
    if version.is_empty() {
        return Err("the key `version` is missing".to_owned());
    }
    Ok(Requirement {
        version,
        at_least: text_of(node, "at_least")?,
        because: text_of(node, "because")?,
    })
}

fn each(node: &Node) -> Result<Each, String> {
    let list = text_of(node, "each")?;
    if list == "once" {
        return Ok(Each::Once);
    }
    Ok(Each::Item {
        list,
        name: text_of(node, "as")?,
        matching: node.get("where").map(pairs).unwrap_or_default(),
    })
}

fn text_of(node: &Node, key: &str) -> Result<String, String> {
    let text = node.get(key).and_then(Node::text);
    text.map(str::to_owned)
        .ok_or_else(|| format!("the key `{key}` is missing"))
}

/// The texts of a list, or the one text that stands instead of it.
fn texts(node: &Node) -> Vec<String> {
    let own = node.text().into_iter();
    let listed = node.elements().iter().filter_map(|n| n.text());
    own.chain(listed).map(str::to_owned).collect()
}

fn pairs(node: &Node) -> BTreeMap<String, String> {
    let Kind::Mapping(entries) = &node.kind else {
        return BTreeMap::new();
    };
    entries
        .iter()
        .filter_map(|e| Some((e.key.text()?.to_owned(), e.value.text()?.to_owned())))
        .collect()
}
