//! The topology with every key, ready to be filled with texts and judged.

use genconf::diagnostic::Diagnostics;
use genconf::render::{self, Renderer};
use genconf::source::Source;
use genconf::topology::{self, language_schema};
use genconf::tree::Tree;
use genconf::{Error, generate, validate};

use crate::place::{Form, Place};
use crate::token::brief;

/// A text at a place.
pub(crate) type Texts<'t> = [(&'t Place, &'t str)];

pub(crate) struct Ground {
    form: Form,
    renderers: Vec<Renderer>,
}

impl Ground {
    /// With the renderers that genconf has.
    pub(crate) fn new() -> Self {
        Self::of(render::embedded().expect("the embedded templates are sound"))
    }

    /// With a renderer made of these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        Self::of(render::discover(&files.collect()).expect("the renderer is sound"))
    }

    fn of(renderers: Vec<Renderer>) -> Self {
        let form = Form::new(&language_schema());
        Self { form, renderers }
    }

    /// Every place there is.
    pub(crate) fn places(&self) -> &[Place] {
        &self.form.places
    }

    /// One place for each key path of the language.
    pub(crate) fn samples(&self) -> Vec<&Place> {
        let mut seen = std::collections::HashSet::new();
        let places = self.form.places.iter();
        places
            .filter(|place| seen.insert(place.path.as_str()))
            .collect()
    }

    /// The places of `places` that refuse `text` when it stands at all of them.
    ///
    /// Whatever is refused has a fault that points at it: a fault that points
    /// at none of them, or outside of the text, fails the test.
    pub(crate) fn refusing<'p>(&self, places: &[&'p Place], text: &str) -> Vec<&'p Place> {
        let texts: Vec<_> = places.iter().map(|place| (*place, text)).collect();
        let (whole, spans) = self.form.filled(&texts);
        let source = Source::new("hostile.yaml", whole);
        let mut faults = Diagnostics::default();
        let read = topology::parse(&source, &mut faults);
        let valid = read.and_then(|read| validate::validate(read, &mut faults));
        assert_ne!(
            valid.is_some(),
            faults.has_errors(),
            "{}: {}",
            brief(&text),
            brief(&faults)
        );
        if valid.is_some() {
            return Vec::new();
        }
        let mut pointed = Vec::new();
        for fault in faults.sorted() {
            for span in std::iter::once(&fault.primary)
                .chain(&fault.secondary)
                .map(|l| l.span)
            {
                let written = source.text().get(span.start..span.end);
                assert!(
                    written.is_some(),
                    "{}: {} is outside",
                    brief(&text),
                    brief(&fault)
                );
                pointed.push(span);
            }
        }
        // YAML's own fault with a key of more than 1,024 characters is told right behind it.
        let refuses = |place: &&&Place| {
            let own = &spans[place.number];
            let within = own.start..=own.end;
            pointed.iter().any(|span| within.contains(&span.start))
        };
        let refusing: Vec<_> = places.iter().filter(refuses).copied().collect();
        assert!(
            !refusing.is_empty(),
            "no fault names the place of {}: {}",
            brief(&text),
            brief(&faults)
        );
        refusing
    }

    /// As many of `places` as can hold each of `texts` at once, and the rest.
    pub(crate) fn together<'p>(
        &self,
        places: Vec<&'p Place>,
        texts: &[&str],
    ) -> [Vec<&'p Place>; 2] {
        let (mut set, mut rest) = (places, Vec::new());
        loop {
            let refusing = texts
                .iter()
                .map(|text| self.refusing(&set, text))
                .find(|r| !r.is_empty());
            let Some(refusing) = refusing else {
                return [set, rest];
            };
            set.retain(|place| !refusing.iter().any(|r| r.number == place.number));
            rest.extend(refusing);
        }
    }

    /// The tree of a topology that is valid.
    pub(crate) fn rendered(&self, texts: &Texts) -> Tree {
        let source = Source::new("hostile.yaml", self.form.filled(texts).0);
        let mut faults = Diagnostics::default();
        match generate(&source, ".", &self.renderers, &mut faults) {
            Ok(generated) => generated.tree,
            Err(Error::Invalid) => panic!("was accepted and is refused: {faults:?}"),
            Err(Error::Render(fault)) => panic!("a valid topology was not rendered: {fault}"),
        }
    }
}
