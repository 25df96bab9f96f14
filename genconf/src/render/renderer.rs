//! A renderer: the templates of one directory.

use std::collections::BTreeMap;

use tera::{Context, Tera, Value};

use super::specification::{Each, FileRule, Requirement, Specification, VerifyRule};
use super::{RenderError, quote};
use crate::layout::Layout;
use crate::tree::{OutputPath, RenderedFile, Tree};

/// File contents by path.
pub type Files = BTreeMap<String, Vec<u8>>;

const SPECIFICATION: &str = "renderer.yaml";
const TEMPLATE: &str = ".tera";

/// A parsed renderer.
#[derive(Clone, Debug)]
pub struct Renderer {
    name: String,
    specification: Specification,
    tera: Tera,
    static_files: Files,
}

impl Renderer {
    /// Parses the renderer `name` from its files. Paths are relative to its directory.
    pub fn new(name: &str, files: Files) -> Result<Self, RenderError> {
        let error = |location: &str, message: String| RenderError {
            renderer: name.to_owned(),
            location: location.to_owned(),
            message,
        };
        let text = |location: &str, bytes: &[u8]| {
            String::from_utf8(bytes.to_vec()).map_err(|e| error(location, e.to_string()))
        };
        let Some(written) = files.get(SPECIFICATION) else {
            return Err(error(SPECIFICATION, "the file is missing".to_owned()));
        };
        let specification = Specification::read(&text(SPECIFICATION, written)?)
            .map_err(|message| error(SPECIFICATION, message))?;

        let mut tera = Tera::default();
        tera.set_escape_fn(quote::plain);
        tera.autoescape_on([""]);
        quote::register(&mut tera, &specification.languages)
            .map_err(|m| error(SPECIFICATION, m))?;
        let mut templates = Vec::new();
        let mut static_files = Files::new();
        for (path, bytes) in files {
            if path.ends_with(TEMPLATE) {
                templates.push((path.clone(), text(&path, &bytes)?));
            } else if path != SPECIFICATION
                && !["golden/", "tests/"].iter().any(|f| path.starts_with(f))
            {
                static_files.insert(path, bytes);
            }
        }
        tera.add_raw_templates(templates)
            .map_err(|e| error("its templates", e.to_string()))?;
        Ok(Self {
            name: name.to_owned(),
            specification,
            tera,
            static_files,
        })
    }

    /// Name of the renderer and its directory.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Contents of its `renderer.yaml`.
    #[must_use]
    pub fn specification(&self) -> &Specification {
        &self.specification
    }

    /// Whether this renderer renders the file at `path`.
    #[must_use]
    pub fn renders(&self, layout: &Layout, path: &OutputPath) -> bool {
        let mut own = Tree::default();
        let result = self
            .value(layout)
            .and_then(|layout| self.render(&layout, &mut own));
        result.is_ok() && own.get(path).is_some()
    }

    /// Adds the files of this renderer to `tree`.
    pub(super) fn render(&self, layout: &Value, tree: &mut Tree) -> Result<(), RenderError> {
        for rule in &self.specification.files {
            for context in self.contexts(&rule.each, layout)? {
                self.render_file(rule, &context, tree)?;
            }
        }
        for (path, bytes) in &self.static_files {
            self.add(&format!("{}/{path}", self.name), bytes.clone(), tree)?;
        }
        Ok(())
    }

    /// The commands that verify the files of this renderer.
    pub fn verifications(&self, layout: &Layout) -> Result<Vec<VerifyRule>, RenderError> {
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
    ) -> Result<VerifyRule, RenderError> {
        let expand = |text: &String| self.inline(text, context);
        let list = |texts: &[String]| texts.iter().map(expand).collect::<Result<_, _>>();
        let map = |texts: &BTreeMap<String, String>| {
            let expanded = texts
                .iter()
                .map(|(key, text)| Ok((expand(key)?, expand(text)?)));
            expanded.collect::<Result<_, _>>()
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
    ) -> Result<Requirement, RenderError> {
        Ok(Requirement {
            version: requirement.version.clone(),
            at_least: self.inline(&requirement.at_least, context)?,
            reason: self.inline(&requirement.reason, context)?,
        })
    }

    /// The layout as a template value.
    pub(super) fn value(&self, layout: &Layout) -> Result<Value, RenderError> {
        Value::try_from_serializable(layout).map_err(|e| self.error("the layout", e.to_string()))
    }

    /// The template contexts of a rule: the layout, with one item of its list each.
    fn contexts(&self, each: &Each, layout: &Value) -> Result<Vec<Context>, RenderError> {
        let mut base = Context::new();
        for (key, value) in layout.as_map().into_iter().flatten() {
            let key = key.as_str().unwrap_or_default().to_owned();
            base.insert_value(key, value.clone());
        }
        let Each::Item {
            list,
            name,
            matching,
        } = each
        else {
            return Ok(vec![base]);
        };
        let Some(items) = layout.get_from_path(list).and_then(Value::as_array) else {
            return Err(self.error(SPECIFICATION, format!("the layout has no list `{list}`")));
        };
        let matches = |item: &&Value| {
            matching.iter().all(|(field, wanted)| {
                item.get_from_path(field).and_then(Value::as_str) == Some(wanted)
            })
        };
        let context = |item: &Value| {
            let mut context = base.clone();
            context.insert_value(name.clone(), item.clone());
            context
        };
        Ok(items.iter().filter(matches).map(context).collect())
    }

    fn render_file(
        &self,
        rule: &FileRule,
        context: &Context,
        tree: &mut Tree,
    ) -> Result<(), RenderError> {
        let path = self.inline(&rule.path, context)?;
        let text = self
            .tera
            .render(&rule.template, context)
            .map_err(|e| self.error(&rule.template, with_causes(&e)))?;
        self.add(&path, text.into_bytes(), tree)
    }

    /// Expands a template in the specification.
    fn inline(&self, template: &str, context: &Context) -> Result<String, RenderError> {
        self.tera
            .render_str(template, context, true)
            .map_err(|e| self.error(template, with_causes(&e)))
    }

    fn add(&self, path: &str, bytes: Vec<u8>, tree: &mut Tree) -> Result<(), RenderError> {
        let executable = bytes.starts_with(b"#!");
        let Some(output_path) = OutputPath::new(path) else {
            return Err(self.error(path, "the path is outside the output directory".to_owned()));
        };
        let file = RenderedFile { bytes, executable };
        tree.add(output_path, file)
            .map_err(|path| self.error(path.as_str(), "two rules render this path".to_owned()))
    }

    fn error(&self, location: &str, message: String) -> RenderError {
        RenderError {
            renderer: self.name.clone(),
            location: location.to_owned(),
            message,
        }
    }
}

/// An error message followed by its causes.
fn with_causes(error: &tera::Error) -> String {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        message.push_str(": ");
        message.push_str(&next.to_string());
        cause = next.source();
    }
    message
}
