//! One folder of templates at work.

use std::collections::BTreeMap;

use tera::{Context, Tera, Value};

use super::specification::{ArtifactRule, Each, Requirement, Specification, VerifyRule};
use super::{RenderFault, quote};
use crate::layout::Layout;
use crate::tree::{Artifact, BundlePath, Tree};

/// Files by path.
pub type Files = BTreeMap<String, Vec<u8>>;

const SPECIFICATION: &str = "renderer.yaml";
const TEMPLATE: &str = ".tera";

/// A renderer, ready to print.
#[derive(Clone, Debug)]
pub struct Renderer {
    name: String,
    specification: Specification,
    tera: Tera,
    copied: Files,
}

impl Renderer {
    /// Takes the files of the folder `name`, whose paths are relative to it.
    pub fn new(name: &str, files: Files) -> Result<Self, RenderFault> {
        let fault = |place: &str, message: String| RenderFault {
            renderer: name.to_owned(),
            place: place.to_owned(),
            message,
        };
        let text = |place: &str, bytes: &[u8]| {
            String::from_utf8(bytes.to_vec()).map_err(|e| fault(place, e.to_string()))
        };
        let Some(written) = files.get(SPECIFICATION) else {
            return Err(fault(SPECIFICATION, "the file is missing".to_owned()));
        };
        let specification = Specification::read(&text(SPECIFICATION, written)?)
            .map_err(|message| fault(SPECIFICATION, message))?;

        let mut tera = Tera::default();
        tera.set_escape_fn(quote::plain);
        tera.autoescape_on([""]);
        quote::register(&mut tera, &specification.languages)
            .map_err(|m| fault(SPECIFICATION, m))?;
        let mut templates = Vec::new();
        let mut copied = Files::new();
        for (path, bytes) in files {
            if path.ends_with(TEMPLATE) {
                templates.push((path.clone(), text(&path, &bytes)?));
            } else if path != SPECIFICATION
                && !["golden/", "tests/"].iter().any(|f| path.starts_with(f))
            {
                copied.insert(path, bytes);
            }
        }
        tera.add_raw_templates(templates)
            .map_err(|e| fault("its templates", e.to_string()))?;
        Ok(Self {
            name: name.to_owned(),
            specification,
            tera,
            copied,
        })
    }

    /// Its name, which is its folder's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says of itself.
    #[must_use]
    pub fn specification(&self) -> &Specification {
        &self.specification
    }

    /// Whether it is this renderer that makes the file at `path`.
    #[must_use]
    pub fn makes(&self, layout: &Layout, path: &BundlePath) -> bool {
        let mut own = Tree::default();
        let made = self
            .value(layout)
            .and_then(|layout| self.render(&layout, &mut own));
        made.is_ok() && own.get(path).is_some()
    }

    /// Adds everything this renderer makes of `layout`.
    pub(super) fn render(&self, layout: &Value, tree: &mut Tree) -> Result<(), RenderFault> {
        for rule in &self.specification.artifacts {
            for context in self.contexts(&rule.each, layout)? {
                self.artifact(rule, &context, tree)?;
            }
        }
        for (path, bytes) in &self.copied {
            self.add(&format!("{}/{path}", self.name), bytes.clone(), tree)?;
        }
        Ok(())
    }

    /// The commands that verify what this renderer makes of `layout`.
    pub fn verifications(&self, layout: &Layout) -> Result<Vec<VerifyRule>, RenderFault> {
        let layout = self.value(layout)?;
        let mut rules = Vec::new();
        for rule in &self.specification.verify {
            for context in self.contexts(&rule.each, &layout)? {
                rules.push(self.verification(rule, &context)?);
            }
        }
        Ok(rules)
    }

    fn verification(
        &self,
        rule: &VerifyRule,
        context: &Context,
    ) -> Result<VerifyRule, RenderFault> {
        let print = |text: &String| self.inline(text, context);
        let list = |texts: &[String]| texts.iter().map(print).collect::<Result<_, _>>();
        let map = |texts: &BTreeMap<String, String>| {
            let printed = texts
                .iter()
                .map(|(key, text)| Ok((print(key)?, print(text)?)));
            printed.collect::<Result<_, _>>()
        };
        Ok(VerifyRule {
            run: list(&rule.run)?,
            prepare: list(&rule.prepare)?,
            stubs: list(&rule.stubs)?,
            links: map(&rule.links)?,
            environment: map(&rule.environment)?,
            binds: map(&rule.binds)?,
            packaged: list(&rule.packaged)?,
            requires: rule
                .requires
                .as_ref()
                .map(|requirement| self.requirement(requirement, context))
                .transpose()?,
            each: Each::Once,
        })
    }

    fn requirement(
        &self,
        requirement: &Requirement,
        context: &Context,
    ) -> Result<Requirement, RenderFault> {
        Ok(Requirement {
            version: requirement.version.clone(),
            at_least: self.inline(&requirement.at_least, context)?,
            because: self.inline(&requirement.because, context)?,
        })
    }

    /// The layout as templates see it.
    pub(super) fn value(&self, layout: &Layout) -> Result<Value, RenderFault> {
        Value::try_from_serializable(layout).map_err(|e| self.fault("the layout", e.to_string()))
    }

    /// The contexts a rule is applied with: the layout, and the item if there is one.
    fn contexts(&self, each: &Each, layout: &Value) -> Result<Vec<Context>, RenderFault> {
        let mut whole = Context::new();
        for (key, value) in layout.as_map().into_iter().flatten() {
            let key = key.as_str().unwrap_or_default().to_owned();
            whole.insert_value(key, value.clone());
        }
        let Each::Item {
            list,
            name,
            matching,
        } = each
        else {
            return Ok(vec![whole]);
        };
        let Some(items) = layout.get_from_path(list).and_then(Value::as_array) else {
            return Err(self.fault(SPECIFICATION, format!("the layout has no list `{list}`")));
        };
        let counts = |item: &&Value| {
            matching.iter().all(|(field, wanted)| {
                item.get_from_path(field).and_then(Value::as_str) == Some(wanted)
            })
        };
        let context = |item: &Value| {
            let mut context = whole.clone();
            context.insert_value(name.clone(), item.clone());
            context
        };
        Ok(items.iter().filter(counts).map(context).collect())
    }

    fn artifact(
        &self,
        rule: &ArtifactRule,
        context: &Context,
        tree: &mut Tree,
    ) -> Result<(), RenderFault> {
        let path = self.inline(&rule.path, context)?;
        let text = self
            .tera
            .render(&rule.template, context)
            .map_err(|e| self.fault(&rule.template, whole(&e)))?;
        self.add(&path, text.into_bytes(), tree)
    }

    /// A template inside the specification.
    fn inline(&self, template: &str, context: &Context) -> Result<String, RenderFault> {
        self.tera
            .render_str(template, context, true)
            .map_err(|e| self.fault(template, whole(&e)))
    }

    fn add(&self, path: &str, bytes: Vec<u8>, tree: &mut Tree) -> Result<(), RenderFault> {
        let program = bytes.starts_with(b"#!");
        let Some(inside) = BundlePath::new(path) else {
            return Err(self.fault(path, "the path leaves the bundle".to_owned()));
        };
        tree.add(inside, Artifact { bytes, program })
            .map_err(|path| self.fault(path.as_str(), "two artifacts have this path".to_owned()))
    }

    fn fault(&self, place: &str, message: String) -> RenderFault {
        RenderFault {
            renderer: self.name.clone(),
            place: place.to_owned(),
            message,
        }
    }
}

/// An error with its causes, which a template engine keeps to itself.
fn whole(error: &tera::Error) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        said.push_str(": ");
        said.push_str(&next.to_string());
        cause = next.source();
    }
    said
}
