//! Topologies of setups, and what they render to.

use genconf::diagnostic::Diagnostics;
use genconf::diagnostic::human::{self, Color};
use genconf::source::Source;
use genconf::{Generated, generate, render};

use crate::failure::{Checked, Context as _, Failure};
use crate::table::{Engine, Setup};

/// First port of the pool `web`. Further pools of a topology have ports in its range.
pub(crate) const FIRST_PORT: u16 = 3001;

/// The topology of `setup`. Pool `web` has all instances; `first` and `second` one each, for routes
/// that must be distinguished.
pub(crate) fn text(setup: &Setup, engine: Engine) -> String {
    if let Some(whole) = setup.whole {
        return whole(engine);
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
        engine.word(),
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
pub(crate) fn rendered(text: &str) -> Checked<Generated> {
    let source = Source::new("topology.yaml".to_owned(), text.to_owned());
    let renderers = render::embedded().doing("reading the embedded templates")?;
    let mut faults = Diagnostics::default();
    generate(&source, ".", &renderers, &mut faults).map_err(|refusal| {
        Failure::from(format!(
            "the topology is refused: {refusal:?}\n{}",
            human::render(&faults, &source, Color::Never)
        ))
    })
}
