//! The contents of `renderer.yaml`: output files, their templates, and the commands that verify them.

use std::collections::BTreeMap;

use crate::source::{Kind, Node, Source, read};

/// The contents of `renderer.yaml`.
#[derive(Clone, Debug)]
pub struct Specification {
    /// One-line description.
    pub summary: String,
    /// The quoting filters its templates may use.
    pub languages: Vec<String>,
    /// Files to render.
    pub files: Vec<FileRule>,
    /// Commands that verify the files.
    pub verify: Vec<VerifyRule>,
}

/// A template and the files it renders.
#[derive(Clone, Debug)]
pub struct FileRule {
    /// File name of the template in the renderer's directory.
    pub template: String,
    /// Path in the output directory, itself a template.
    pub path: String,
    /// How often the rule applies.
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
        /// Name of the item in the template.
        name: String,
        /// Field values that an item must have.
        matching: BTreeMap<String, String>,
    },
}

/// A validator command.
#[derive(Clone, Debug)]
pub struct VerifyRule {
    /// Program and arguments, each a template. Runs in a copy of the output directory.
    pub run: Vec<String>,
    /// Command to run before it; empty for none.
    pub prepare: Vec<String>,
    /// Paths on a host that the copy replaces with stub files, each a template.
    pub stubs: Vec<String>,
    /// Symbolic links to create in the copy, from new name to target, each a template.
    pub links: BTreeMap<String, String>,
    /// Environment variables of the commands, each a template.
    pub environment: BTreeMap<String, String>,
    /// Directives whose address the tool would bind, and the prefix of a unix socket in that place. In
    /// the copy, unix sockets replace the addresses, so that no privilege and no local address is
    /// needed.
    pub binds: BTreeMap<String, String>,
    /// Directories of the tool's package. Paths in them refer to the local machine.
    pub packaged: Vec<String>,
    /// Version of the tool that the file needs.
    pub requires: Option<Requirement>,
    /// How often the rule applies.
    pub each: Each,
}

/// A minimum version of a tool. An older one may reject a file that is valid on the hosts.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// Command that prints the installed version.
    pub version: Vec<String>,
    /// Minimum version, a template; empty for any.
    pub at_least: String,
    /// Reason for the minimum, a template.
    pub reason: String,
}

impl Specification {
    /// Parses `renderer.yaml`.
    pub fn read(text: &str) -> Result<Self, String> {
        let source = Source::new("renderer.yaml", text);
        let root = read(&source).map_err(|error| {
            let position = source.position(error.span.start);
            format!("line {}: {}", position.line, error.message)
        })?;
        require_known_keys(&root, &["summary", "language", "files", "verify"])?;
        let languages = root.get("language").map(texts).unwrap_or_default();
        let rules = |key: &str| root.get(key).map(Node::elements).unwrap_or_default();
        Ok(Self {
            summary: text_of(&root, "summary")?,
            languages,
            files: rules("files")
                .iter()
                .map(|n| file_rule(n))
                .collect::<Result<_, _>>()?,
            verify: rules("verify")
                .iter()
                .map(|n| verify_rule(n))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn file_rule(node: &Node) -> Result<FileRule, String> {
    require_known_keys(node, &["template", "path", "each", "as", "where"])?;
    Ok(FileRule {
        template: text_of(node, "template")?,
        path: text_of(node, "path")?,
        each: each(node)?,
    })
}

/// Keys of a verify rule.
const VERIFY_KEYS: &[&str] = &[
    "run",
    "prepare",
    "stubs",
    "links",
    "environment",
    "binds",
    "packaged",
    "requires",
    "each",
    "as",
    "where",
];

fn verify_rule(node: &Node) -> Result<VerifyRule, String> {
    require_known_keys(node, VERIFY_KEYS)?;
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
        reason: text_of(node, "reason")?,
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

/// A key with a typo would have no effect.
fn require_known_keys(node: &Node, known: &[&str]) -> Result<(), String> {
    let mut keys = node.entries().iter().filter_map(|entry| entry.key.text());
    match keys.find(|key| !known.contains(key)) {
        Some(key) => Err(format!(
            "unknown key `{key}`, expected one of: {}",
            known.join(", ")
        )),
        None => Ok(()),
    }
}

fn text_of(node: &Node, key: &str) -> Result<String, String> {
    let text = node.get(key).and_then(Node::text);
    text.map(str::to_owned)
        .ok_or_else(|| format!("the key `{key}` is missing"))
}

/// The texts of a list, or a single text as a list.
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
