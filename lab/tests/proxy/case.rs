//! A case of the table: its setup, its engines, and its check.

use crate::apps::Program;
use crate::failure::CheckResult;
use crate::fixture::Fixture;

/// A proxy engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Nginx,
    Haproxy,
}

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Nginx, Self::Haproxy];

    /// Name in a topology.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.name() == name)
    }
}

/// Whether the engines differ, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engines {
    /// Both have the same expected result.
    Same,
    /// Both run the case, with different expected results.
    Differ(&'static str),
    /// Only one runs the case.
    Only(Engine, &'static str),
}

/// A row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// `kind: expected behavior`.
    pub(crate) name: &'static str,
    pub(crate) setup: &'static Setup,
    /// Sends requests and checks the responses.
    pub(crate) check: fn(&Fixture) -> CheckResult,
    pub(crate) engines: Engines,
}

impl Case {
    pub(crate) fn runs_on(&self, engine: Engine) -> bool {
        match self.engines {
            Engines::Only(one, _) => one == engine,
            _ => true,
        }
    }

    /// The reason why the engines differ; empty if they do not.
    pub(crate) fn difference(&self) -> &'static str {
        match self.engines {
            Engines::Same => "",
            Engines::Differ(why) | Engines::Only(_, why) => why,
        }
    }
}

/// A case with the same expected result on both engines.
pub(crate) const fn case(
    name: &'static str,
    setup: &'static Setup,
    check: fn(&Fixture) -> CheckResult,
) -> Case {
    Case {
        name,
        setup,
        check,
        engines: Engines::Same,
    }
}

/// Keys of a topology, and the application behind its proxy. Cases with the same setup share one
/// fixture and run in order.
pub(crate) struct Setup {
    /// Keys of the app, as a YAML flow mapping without its braces.
    pub(crate) app: &'static str,
    /// Lines of the proxy, before its routes.
    pub(crate) proxy: &'static str,
    /// Lines of its routes.
    pub(crate) routes: &'static str,
    pub(crate) program: Program,
    /// Environment variables of the application.
    pub(crate) env: &'static [(&'static str, &'static str)],
    /// A complete topology that replaces the keys above.
    pub(crate) topology: Option<fn(Engine) -> String>,
    /// Instances of the pool `web`, on the ports from 3001.
    pub(crate) instances: u16,
}

/// An app that binds its own port.
pub(crate) const OWN_PORT: &str = "artifact: app.tar, main: app.js, runtime: node";
/// An app that uses socket activation.
pub(crate) const ACTIVATED: &str = "artifact: app, runtime: native";

/// A case that only one engine runs, with the reason.
pub(crate) const fn only(engine: Engine, why: &'static str, case: Case) -> Case {
    Case {
        engines: Engines::Only(engine, why),
        ..case
    }
}

/// A case in which the engines differ, with the reason.
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
    topology: None,
    instances: 1,
};

/// Default settings, for cases without side effects on other cases.
pub(crate) static DEFAULTS: Setup = PLAIN;

/// Default settings with TLS.
pub(crate) static TLS_DEFAULTS: Setup = Setup {
    proxy: TLS,
    ..PLAIN
};

/// TLS settings of a proxy.
pub(crate) const TLS: &str =
    "tls: { certificate: /etc/ssl/certs/site.pem, key: /etc/ssl/private/site.key }";
