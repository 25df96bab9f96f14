//! Rules for the keys of a pool and of its app.

use crate::diagnostic::{Code, Diagnostic, Diagnostics, listed};
use crate::source::Span;
use crate::topology::choice::{CheckType, Mode, Runtime, Supervisor, Transport};
use crate::topology::decode::Named;
use crate::topology::name::HostName;
use crate::topology::{App, HostList, Pool, Topology, is_on};

/// Pools use ports from 1024 on.
pub(super) fn ports_are_unprivileged(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (name, pool) in topology.pools.iter() {
        for range in pool.ports.iter() {
            let Some(port) = range.value.ports().find(|p| p.number() < 1024) else {
                continue;
            };
            let message = format!(
                "ports of pool `{}` must be at least 1024, found `{}`",
                name.value.as_str(),
                port.number()
            );
            let help = "use a port such as `8080`, and let a proxy listen on the privileged port";
            let code = Code::PrivilegedPort;
            diagnostics.push(Diagnostic::error(code, range.span, message, help));
        }
    }
}

/// `workers` and `supervisor` require `mode: cluster`.
pub(super) fn workers_require_clusters(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (_, pool) in topology.pools.iter() {
        if is_cluster(pool) || pool.has_invalid(&["mode"]) {
            continue;
        }
        let keys = [
            ("workers", pool.workers.as_ref().map(|w| w.span)),
            ("supervisor", pool.supervisor.as_ref().map(|s| s.span)),
        ];
        for (key, span) in keys {
            let Some(span) = span else { continue };
            let message = format!("`{key}` requires `mode: cluster`, found `mode: fork`");
            let help = format!("set `mode: cluster`, or remove `{key}` and add ports");
            let diagnostic = Diagnostic::error(Code::ClusterOnly, span, message, help);
            diagnostics.push(match &pool.mode {
                Some(mode) => diagnostic.also(mode.span, "the mode"),
                None => diagnostic,
            });
        }
    }
}

/// Clusters with `supervisor: systemd` and Unix sockets require an app with socket activation.
pub(super) fn sockets_require_activation(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (_, pool) in topology.pools.iter() {
        let Some(app) = topology
            .apps
            .get(&pool.app.value)
            .filter(|a| uses_socket_activation(a) == Some(false))
        else {
            continue;
        };
        let is_container = app.runs_on() == Runtime::Container;
        let cause = app
            .socket_activation
            .as_ref()
            .map_or(pool.app.span, |s| s.span);
        let required = |span: Span, key: &str, help: &str| {
            let name = pool.app.value.as_str();
            let message = format!(
                "`{key}` requires `socket_activation: true` in app `{name}`, found `false`"
            );
            Diagnostic::error(Code::RequiresSocketActivation, span, message, help)
                .also(cause, "the app")
        };
        if let Some(mode) = pool
            .mode
            .as_ref()
            .filter(|_| is_cluster(pool) && !may_be_supervised_by_app(pool))
        {
            let help = if is_container {
                "set `mode: fork`, or `supervisor: app` if the app starts its own workers"
            } else {
                "set `socket_activation: true` if the app uses LISTEN_FDS, or `supervisor: app` if it starts its own workers"
            };
            diagnostics.push(required(mode.span, "mode: cluster", help));
        }
        if let Some(listen) = unix(pool) {
            let help = if is_container {
                "remove `listen`; a container listens on a TCP port"
            } else {
                "set `socket_activation: true` if the app uses LISTEN_FDS, or `listen: tcp`"
            };
            diagnostics.push(required(listen, "listen: unix", help));
        }
    }
}

/// `env` does not set variables that the unit of each instance sets.
pub(super) fn variables_are_not_reserved(topology: &Topology, diagnostics: &mut Diagnostics) {
    let is_reserved = |app: &App, name: &str| {
        let binds_own_port = uses_socket_activation(app) == Some(false);
        name == "PORT" || name.starts_with("GENCONF_") || (name == "HOST" && binds_own_port)
    };
    let apps = topology.apps.iter().map(|(_, app)| (app, &app.env));
    let pools = topology
        .pools
        .iter()
        .filter_map(|(_, pool)| Some((topology.apps.get(&pool.app.value)?, &pool.env)));
    for (app, env) in apps.chain(pools) {
        for name in env.iter().flat_map(Named::names) {
            let variable = name.value.as_str();
            if is_reserved(app, variable) {
                let message = format!(
                    "`env` must not have `{variable}`, because the unit of each instance sets it"
                );
                let help = match variable {
                    "PORT" => "remove `PORT`; each instance gets a port of `ports`".to_owned(),
                    _ => format!("remove `{variable}`"),
                };
                let code = Code::ReservedVariable;
                diagnostics.push(Diagnostic::error(code, name.span, message, help));
            }
        }
    }
}

/// `workers` has no effect with `supervisor: app`.
pub(super) fn workers_have_an_effect(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (_, pool) in topology
        .pools
        .iter()
        .filter(|(_, p)| is_supervised_by_app(p))
    {
        if let Some(workers) = &pool.workers {
            let message = "`workers` has no effect with `supervisor: app`";
            let help = "remove `workers`; set the number in `args` or `env` of the app";
            let code = Code::NoEffect;
            diagnostics.push(Diagnostic::warning(code, workers.span, message, help));
        }
    }
}

/// The type of a health check fits the app and the mode of its pools.
pub(super) fn health_checks_are_possible(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (name, app) in topology.apps.iter() {
        let Some(check) = app.health.as_ref().and_then(|h| h.0.r#type.as_ref()) else {
            continue;
        };
        let is_known = !app.has_invalid(&["sd_notify", "runtime"]);
        if check.value == CheckType::Watchdog && is_known && !app.notifies() {
            let cause = app.sd_notify.as_ref().map_or(app.artifact.span, |s| s.span);
            let message = format!(
                "`type: watchdog` requires `sd_notify: true` in app `{}`, found `false`",
                name.value.as_str()
            );
            let help = if app.runs_on() == Runtime::Container {
                "set `type: probe`"
            } else {
                "set `type: probe`, or `sd_notify: true` if the app sends WATCHDOG=1"
            };
            diagnostics.push(
                Diagnostic::error(Code::RequiresSdNotify, check.span, message, help)
                    .also(cause, "the app"),
            );
        }
    }
    for (_, pool) in topology
        .pools
        .iter()
        .filter(|(_, p)| is_cluster(p) && !may_be_supervised_by_app(p))
    {
        let app = topology.apps.get(&pool.app.value);
        let Some(app) = app.filter(|a| check_type(a) == Some(CheckType::Probe)) else {
            continue;
        };
        let set = app.health.as_ref().and_then(|h| h.0.r#type.as_ref());
        let cause = set.map_or(app.artifact.span, |t| t.span);
        let message = format!(
            "`mode: cluster` requires `type: watchdog` in app `{}`, found `probe`",
            pool.app.value.as_str()
        );
        let help = if app.runs_on() == Runtime::Container {
            "set `mode: fork`, or `supervisor: app` if the app starts its own workers"
        } else {
            "set `sd_notify: true` and `type: watchdog` if the app sends WATCHDOG=1, or `mode: fork`"
        };
        diagnostics.push(
            Diagnostic::error(Code::ProbeOnCluster, pool.app.span, message, help)
                .also(cause, "the app"),
        );
    }
}

/// `watch` requires development hosts.
pub(super) fn watch_requires_development(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (_, pool) in topology.pools.iter() {
        let watch = topology
            .apps
            .get(&pool.app.value)
            .filter(|a| a.is_watched());
        let Some(watch) = watch.and_then(|a| a.watch.as_ref()) else {
            continue;
        };
        for (name, host) in topology.hosts.iter() {
            let development = host.development.as_ref();
            if !pool.runs_on_host(&name.value)
                || host.has_invalid(&["development"])
                || development.is_some_and(|d| d.value.into())
            {
                continue;
            }
            let name_of = name.value.as_str();
            let message = format!(
                "`watch: true` requires `development: true` on host `{name_of}`, found `false`"
            );
            let help = format!("set `development: true` on host `{name_of}`, or remove `watch`");
            let cause = development.map_or(name.span, |d| d.span);
            diagnostics.push(
                Diagnostic::error(Code::RequiresDevelopment, watch.span, message, help)
                    .also(cause, "the host"),
            );
        }
    }
}

/// Maximum length of a Unix socket path in bytes: `sun_path` of unix(7) without the final NUL.
pub(super) const MAX_SOCKET_PATH: usize = 107;

/// `/run/PROJECT/POOL-PORT.sock` fits.
pub(super) fn unix_socket_paths_fit(topology: &Topology, diagnostics: &mut Diagnostics) {
    let project = topology.project.value.as_str();
    for (name, pool) in topology.pools.iter() {
        let length = format!("/run/{project}/{}-65535.sock", name.value.as_str()).len();
        if let Some(listen) = unix(pool).filter(|_| length > MAX_SOCKET_PATH) {
            let message = format!(
                "the path of a Unix socket must have at most {MAX_SOCKET_PATH} bytes, found {length}"
            );
            let help = format!(
                "shorten the name of the pool or the project by {} characters, or set `listen: tcp`",
                length - MAX_SOCKET_PATH
            );
            diagnostics.push(
                Diagnostic::error(Code::PathTooLong, listen, message, help)
                    .also(name.span, "part of the path"),
            );
        }
    }
}

/// Unix sockets are reachable on the same host only.
pub(super) fn unix_sockets_are_local(topology: &Topology, diagnostics: &mut Diagnostics) {
    for (name, pool) in topology.pools.iter() {
        let Some(listen) = unix(pool) else {
            continue;
        };
        for (proxy_name, proxy) in topology.proxies.iter().flat_map(Named::iter) {
            let Some(route) = proxy.routes.iter().find(|r| r.pool.value == name.value) else {
                continue;
            };
            if pool.has_invalid(&["hosts"]) || proxy.has_invalid(&["hosts"]) {
                continue;
            }
            let elsewhere =
                topology.hosts.names().map(|n| &n.value).find(|host| {
                    is_on(proxy.hosts.as_ref(), host) != is_on(pool.hosts.as_ref(), host)
                });
            let hosts = |list: &Option<HostList>| {
                let names = topology.hosts.names().map(|n| &n.value);
                let names = names.filter(|host| is_on(list.as_ref(), host));
                names.map(HostName::as_str).collect::<Vec<_>>()
            };
            let of_pool = hosts(&pool.hosts);
            if elsewhere.is_some() || of_pool.len() > 1 {
                let message = format!(
                    "the Unix sockets of pool `{}` must be on the only host of proxy `{}`, found the pool on {} and the proxy on {}",
                    name.value.as_str(),
                    proxy_name.value.as_str(),
                    listed(of_pool),
                    listed(hosts(&proxy.hosts)),
                );
                let help = "set `listen: tcp`, or the same single host in `hosts` of both";
                diagnostics.push(
                    Diagnostic::error(Code::Unreachable, route.pool.span, message, help)
                        .also(listen, "Unix sockets"),
                );
            }
        }
    }
}

pub(super) fn is_cluster(pool: &Pool) -> bool {
    pool.mode.as_ref().is_some_and(|m| m.value == Mode::Cluster)
}

pub(super) fn is_supervised_by_app(pool: &Pool) -> bool {
    pool.supervisor
        .as_ref()
        .is_some_and(|s| s.value == Supervisor::App)
}

/// Whether `supervisor` is `app` or invalid.
fn may_be_supervised_by_app(pool: &Pool) -> bool {
    is_supervised_by_app(pool) || pool.has_invalid(&["supervisor"])
}

/// Whether the app uses socket activation; `None` if a key that determines it is invalid.
fn uses_socket_activation(app: &App) -> Option<bool> {
    let is_known = !app.has_invalid(&["socket_activation", "runtime"]);
    is_known.then(|| app.uses_socket_activation())
}

/// The type of the health check; `None` if a key that determines it is invalid.
pub(super) fn check_type(app: &App) -> Option<CheckType> {
    let check = app.health.as_ref().map(|h| &h.0);
    let is_invalid = check.map_or(app.has_invalid(&["health"]), |c| c.has_invalid(&["type"]));
    let is_known = !is_invalid && !app.has_invalid(&["sd_notify", "runtime"]);
    is_known.then(|| app.check_type())
}

/// The location of `listen: unix`.
pub(super) fn unix(pool: &Pool) -> Option<Span> {
    let listen = pool.listen.as_ref()?;
    (listen.value == Transport::Unix).then_some(listen.span)
}
