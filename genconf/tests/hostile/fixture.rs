//! The topology with every key, and the renderers.

use genconf::diagnostic::Diagnostics;
use genconf::render::{self, Renderer};
use genconf::source::Source;
use genconf::topology::{self, language_schema};
use genconf::tree::Tree;
use genconf::{Error, generate, validate};

use crate::field::{Field, Template};
use crate::token::excerpt;

/// Texts for fields.
pub(crate) type Texts<'t> = [(&'t Field, &'t str)];

pub(crate) struct Fixture {
    template: Template,
    renderers: Vec<Renderer>,
}

impl Fixture {
    /// With the embedded renderers.
    pub(crate) fn new() -> Self {
        Self::of(render::embedded().expect("the embedded templates are sound"))
    }

    /// With a renderer from these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        Self::of(render::discover(&files.collect()).expect("the renderer is sound"))
    }

    fn of(renderers: Vec<Renderer>) -> Self {
        let template = Template::new(&language_schema());
        Self {
            template,
            renderers,
        }
    }

    /// Every field.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.template.fields
    }

    /// One field for each key path of the language.
    pub(crate) fn samples(&self) -> Vec<&Field> {
        let mut seen = std::collections::HashSet::new();
        let fields = self.template.fields.iter();
        fields
            .filter(|field| seen.insert(field.path.as_str()))
            .collect()
    }

    /// The fields of `fields` that reject `text` if all of them have it.
    ///
    /// Panics if a location is outside of the text, or if no location is that of a field.
    pub(crate) fn rejecting<'p>(&self, fields: &[&'p Field], text: &str) -> Vec<&'p Field> {
        let texts: Vec<_> = fields.iter().map(|field| (*field, text)).collect();
        let (whole, spans) = self.template.filled(&texts);
        let source = Source::new("hostile.yaml", whole);
        let mut diagnostics = Diagnostics::default();
        let read = topology::parse(&source, &mut diagnostics);
        let valid = read.and_then(|read| validate::validate(read, &mut diagnostics));
        assert_ne!(
            valid.is_some(),
            diagnostics.has_errors(),
            "{}: {}",
            excerpt(&text),
            excerpt(&diagnostics)
        );
        if valid.is_some() {
            return Vec::new();
        }
        let mut pointed = Vec::new();
        for diagnostic in diagnostics.sorted() {
            for span in std::iter::once(&diagnostic.primary)
                .chain(&diagnostic.secondary)
                .map(|l| l.span)
            {
                let written = source.text().get(span.start..span.end);
                assert!(
                    written.is_some(),
                    "{}: {} is outside",
                    excerpt(&text),
                    excerpt(&diagnostic)
                );
                pointed.push(span);
            }
        }
        // The YAML parser reports a key of more than 1,024 characters after its end.
        let rejects = |field: &&&Field| {
            let own = &spans[field.number];
            let within = own.start..=own.end;
            pointed.iter().any(|span| within.contains(&span.start))
        };
        let rejecting: Vec<_> = fields.iter().filter(rejects).copied().collect();
        assert!(
            !rejecting.is_empty(),
            "no diagnostic has the location of {}: {}",
            excerpt(&text),
            excerpt(&diagnostics)
        );
        rejecting
    }

    /// The fields of `fields` that accept each of `texts` together, and the others.
    pub(crate) fn together<'p>(
        &self,
        fields: Vec<&'p Field>,
        texts: &[&str],
    ) -> [Vec<&'p Field>; 2] {
        let (mut set, mut rest) = (fields, Vec::new());
        loop {
            let rejecting = texts
                .iter()
                .map(|text| self.rejecting(&set, text))
                .find(|r| !r.is_empty());
            let Some(rejecting) = rejecting else {
                return [set, rest];
            };
            set.retain(|field| !rejecting.iter().any(|r| r.number == field.number));
            rest.extend(rejecting);
        }
    }

    /// The rendered files of a valid topology.
    pub(crate) fn rendered(&self, texts: &Texts) -> Tree {
        let source = Source::new("hostile.yaml", self.template.filled(texts).0);
        let mut diagnostics = Diagnostics::default();
        match generate(&source, ".", &self.renderers, &mut diagnostics) {
            Ok(generated) => generated.tree,
            Err(Error::Invalid) => panic!("was accepted before and is rejected: {diagnostics:?}"),
            Err(Error::Render(error)) => panic!("a valid topology was not rendered: {error}"),
        }
    }
}
