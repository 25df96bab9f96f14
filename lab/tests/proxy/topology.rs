//! The topology of a setup, and its rendered files.

use genconf::diagnostic::Diagnostics;
use genconf::diagnostic::human::{self, Color};
use genconf::source::Source;
use genconf::{Generated, generate, render};

use crate::case::{Engine, Setup};
use crate::failure::{CheckResult, Context as _, Failure};

/// First port of the pool `web`; further pools have the following ports.
pub(crate) const FIRST_PORT: u16 = 3001;

/// The topology of `setup`. The pool `web` has all instances; with a route to the pool `first`,
/// the first instance is in `first` and the others are in `second`.
pub(crate) fn text(setup: &Setup, engine: Engine) -> String {
    if let Some(topology) = setup.topology {
        return topology(engine);
    }
    let ports = |from: u16, to: u16| format!("[{from}-{to}]");
    let last = FIRST_PORT + setup.instances - 1;
    let pools = if setup.routes.contains("pool: first") {
        format!(
            "  first: {{ app: app, ports: [{FIRST_PORT}] }}\n  second: {{ app: app, ports: {} }}",
            ports(FIRST_PORT + 1, last)
        )
    } else {
        format!("  web: {{ app: app, ports: {} }}", ports(FIRST_PORT, last))
    };
    format!(
        "version: 1\nproject: suite\nhosts:\n  web1: {{ address: 192.0.2.10 }}\napps:\n  \
         app: {{ {} }}\npools:\n{pools}\nproxies:\n  edge:\n    engine: {}\n{}\
         \n    routes:\n{}\n",
        setup.app,
        engine.name(),
        indented(setup.proxy, 4),
        indented(setup.routes, 6),
    )
}

fn indented(lines: &str, depth: usize) -> String {
    let lines: Vec<String> = lines
        .lines()
        .map(|line| format!("{}{}", " ".repeat(depth), line))
        .collect();
    lines.join("\n")
}

/// Renders a topology.
pub(crate) fn rendered(text: &str) -> CheckResult<Generated> {
    let source = Source::new("topology.yaml".to_owned(), text.to_owned());
    let renderers = render::embedded().context("reading the embedded templates")?;
    let mut diagnostics = Diagnostics::default();
    generate(&source, ".", &renderers, &mut diagnostics).map_err(|refusal| {
        Failure::from(format!(
            "the topology is invalid: {refusal:?}\n{}",
            human::render(&diagnostics, &source, Color::Never)
        ))
    })
}
