//! What the table of cases is made of.

use crate::apps::Program;
use crate::failure::Checked;
use crate::fixture::Fixture;

/// The program of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Nginx,
    Haproxy,
}

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Nginx, Self::Haproxy];

    /// As a topology names it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.word() == word)
    }
}

/// Whether the engines differ, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engines {
    /// Both show the same.
    Same,
    /// Both run it, and the check expects something else of each.
    Differ(&'static str),
    /// One of them runs it.
    Only(Engine, &'static str),
}

/// A row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// `kind: claim`.
    pub(crate) name: &'static str,
    pub(crate) setup: &'static Setup,
    /// What the client does and must see.
    pub(crate) check: fn(&Fixture) -> Checked,
    pub(crate) engines: Engines,
}

impl Case {
    pub(crate) fn runs_on(&self, engine: Engine) -> bool {
        match self.engines {
            Engines::Only(one, _) => one == engine,
            _ => true,
        }
    }

    /// Why the engines differ; empty where they do not.
    pub(crate) fn difference(&self) -> &'static str {
        match self.engines {
            Engines::Same => "",
            Engines::Differ(why) | Engines::Only(_, why) => why,
        }
    }
}

/// A row on which both engines agree.
pub(crate) const fn case(
    name: &'static str,
    setup: &'static Setup,
    check: fn(&Fixture) -> Checked,
) -> Case {
    Case {
        name,
        setup,
        check,
        engines: Engines::Same,
    }
}

/// A topology's keys, and the application behind its proxy. Cases with the same setup share one
/// fixture and run in order.
pub(crate) struct Setup {
    /// Keys of the app, as a YAML flow mapping without its braces.
    pub(crate) app: &'static str,
    /// Lines at the proxy, before its routes.
    pub(crate) proxy: &'static str,
    /// Lines of its routes.
    pub(crate) routes: &'static str,
    pub(crate) program: Program,
    /// Environment variables of the application.
    pub(crate) env: &'static [(&'static str, &'static str)],
    /// A complete topology, in place of one that is built from the keys above.
    pub(crate) whole: Option<fn(Engine) -> String>,
    /// Instances of the pool `web`, on the ports from 3001.
    pub(crate) instances: u16,
}

/// An app that binds its own port.
pub(crate) const OWN_PORT: &str = "artifact: app.tar, main: app.js, runtime: node";
/// An app that uses socket activation.
pub(crate) const ACTIVATED: &str = "artifact: app, runtime: native";

/// A row that one engine runs, and why.
pub(crate) const fn only(engine: Engine, why: &'static str, case: Case) -> Case {
    Case {
        engines: Engines::Only(engine, why),
        ..case
    }
}

/// A row in which the engines differ, and why.
pub(crate) const fn differ(why: &'static str, case: Case) -> Case {
    Case {
        engines: Engines::Differ(why),
        ..case
    }
}

/// One Express instance behind a proxy with default settings.
pub(crate) const PLAIN: Setup = Setup {
    app: OWN_PORT,
    proxy: "",
    routes: "- { path: /, pool: web }",
    program: Program::Express,
    env: &[],
    whole: None,
    instances: 1,
};

/// A fixture of default settings, shared by cases that leave nothing behind.
pub(crate) static DEFAULTS: Setup = PLAIN;

/// The same with TLS.
pub(crate) static ENCRYPTED: Setup = Setup {
    proxy: TLS,
    ..PLAIN
};

/// A certificate, on the paths of a host.
pub(crate) const TLS: &str =
    "tls: { certificate: /etc/ssl/certs/site.pem, key: /etc/ssl/private/site.key }";
