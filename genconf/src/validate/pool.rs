//! A pool's own keys, and those of its app, taken together.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::topology::choice::{CheckType, Mode, Runtime, Supervisor, Transport};
use crate::topology::decode::Named;
use crate::topology::{App, Pool, Topology, is_on};

/// Ports below 1024 belong to proxies.
pub(super) fn ports_are_unprivileged(topology: &Topology, faults: &mut Diagnostics) {
    for (name, pool) in topology.pools.iter() {
        for range in pool.ports.iter() {
            let Some(port) = range.value.ports().find(|p| p.number() < 1024) else {
                continue;
            };
            let said = format!(
                "`{}` asks for the privileged port {}",
                name.value.as_str(),
                port.number()
            );
            faults.push(
                Diagnostic::error(Code::PrivilegedPort, range.span, said)
                    .help("give the app a port from 1024 on and let a proxy listen on the low one"),
            );
        }
    }
}

/// A fork pool has one process for each port.
pub(super) fn workers_belong_to_clusters(topology: &Topology, faults: &mut Diagnostics) {
    for (_, pool) in topology.pools.iter() {
        if is_cluster(pool) || pool.is_unsure_of(&["mode"]) {
            continue;
        }
        let keys = [
            pool.workers.as_ref().map(|w| w.span),
            pool.supervisor.as_ref().map(|w| w.span),
        ];
        for span in keys.into_iter().flatten() {
            let said = "a fork pool has one process for each port, not workers";
            let diagnostic = Diagnostic::error(Code::Contradiction, span, said)
                .help("write `mode: cluster`, or give it more `ports`");
            faults.push(match &pool.mode {
                Some(mode) => diagnostic.also(mode.span, "fork here"),
                None => diagnostic,
            });
        }
    }
}

/// Sharing a port between units, and unix sockets, are systemd's doing: the app must take the socket.
pub(super) fn sockets_are_taken(topology: &Topology, faults: &mut Diagnostics) {
    for (_, pool) in topology.pools.iter() {
        let Some(app) = topology
            .apps
            .get(&pool.app.value)
            .filter(|a| uses_socket_activation(a) == Some(false))
        else {
            continue;
        };
        let why = app
            .socket_activation
            .as_ref()
            .map_or(pool.app.span, |s| s.span);
        if let Some(mode) = pool
            .mode
            .as_ref()
            .filter(|_| is_cluster(pool) && !may_be_by_app(pool))
        {
            let said = "workers of systemd share a socket that this app does not take";
            let help = if app.runs_on() == Runtime::Container {
                "give each container a port of its own in a fork pool, or let one be its workers' master with `supervisor: app`"
            } else {
                "let it take LISTEN_FDS and write `socket_activation: true`, or use its own master with `supervisor: app`"
            };
            faults.push(contradiction(mode.span, said, why).help(help));
        }
        if let Some(listen) = unix(pool) {
            let said = "only systemd makes the unix socket, and this app does not take it";
            let help = if app.runs_on() == Runtime::Container {
                "leave `listen` out: a container is met on a TCP port"
            } else {
                "let it take LISTEN_FDS and write `socket_activation: true`"
            };
            faults.push(contradiction(listen, said, why).help(help));
        }
    }
}

/// Each instance is told its own port: one that a person writes would be the same for all.
pub(super) fn instances_keep_their_ports(topology: &Topology, faults: &mut Diagnostics) {
    let told = |app: &App, name: &str| {
        let own = name == "HOST" && uses_socket_activation(app) == Some(false);
        name == "PORT" || name.starts_with("GENCONF_") || own
    };
    let apps = topology.apps.iter().map(|(_, app)| (app, &app.env));
    let pools = topology
        .pools
        .iter()
        .filter_map(|(_, pool)| Some((topology.apps.get(&pool.app.value)?, &pool.env)));
    for (app, env) in apps.chain(pools) {
        for name in env.iter().flat_map(Named::names) {
            if told(app, name.value.as_str()) {
                let said = format!(
                    "`{}` is what each instance is told by its unit",
                    name.value.as_str()
                );
                faults.push(
                    Diagnostic::error(Code::Contradiction, name.span, said)
                        .help("leave it out: `ports` gives each instance its own"),
                );
            }
        }
    }
}

/// A master of the app's own decides how many workers it has.
pub(super) fn workers_reach_their_master(topology: &Topology, faults: &mut Diagnostics) {
    for (_, pool) in topology.pools.iter().filter(|(_, p)| is_by_app(p)) {
        if let Some(workers) = &pool.workers {
            let said = "nobody tells the app's own master this number";
            faults.push(
                Diagnostic::warning(Code::NoEffect, workers.span, said)
                    .help("say it in `args` or `env`, as the app wants to hear it"),
            );
        }
    }
}

/// Who watches must be able to see.
pub(super) fn health_can_be_watched(topology: &Topology, faults: &mut Diagnostics) {
    for (_, app) in topology.apps.iter() {
        let Some(via) = app.health.as_ref().and_then(|h| h.0.r#type.as_ref()) else {
            continue;
        };
        let is_silent = !app.is_unsure_of(&["sd_notify", "runtime"]) && !app.notifies();
        if via.value == CheckType::Watchdog && is_silent {
            let why = app.sd_notify.as_ref().map_or(app.artifact.span, |s| s.span);
            let said = "a watchdog waits for signs that this app does not give";
            faults.push(
                contradiction(via.span, said, why)
                    .help("write `type: probe`, or `sd_notify: true` once it speaks sd_notify"),
            );
        }
    }
    for (_, pool) in topology
        .pools
        .iter()
        .filter(|(_, p)| is_cluster(p) && !may_be_by_app(p))
    {
        let app = topology.apps.get(&pool.app.value);
        let Some(app) = app.filter(|a| watches(a) == Some(CheckType::Probe)) else {
            continue;
        };
        let why = app
            .health
            .as_ref()
            .and_then(|h| h.0.r#type.as_ref())
            .map_or(app.artifact.span, |v| v.span);
        let said = "a probe cannot tell the workers behind one port apart";
        faults.push(
            contradiction(pool.app.span, said, why)
                .help("let the app speak sd_notify, or use a fork pool"),
        );
    }
}

/// A file that somebody drops on a host is no way to ship to the public.
pub(super) fn only_development_is_watched(topology: &Topology, faults: &mut Diagnostics) {
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
            if !pool.is_surely_on(&name.value)
                || host.is_unsure_of(&["development"])
                || development.is_some_and(|d| d.value.into())
            {
                continue;
            }
            let name_of = name.value.as_str();
            let said = format!("this app is watched on `{name_of}`, which is not in development");
            let why = development.map_or(name.span, |d| d.span);
            faults.push(contradiction(watch.span, &said, why).help(
                "write `development: true` at the host, or leave `watch` out and use deploy.yml",
            ));
        }
    }
}

/// The longest path of a unix socket in bytes, `sun_path` of unix(7) less its end.
pub(super) const LONGEST_SOCKET: usize = 107;

/// `/run/PROJECT/POOL-PORT.sock` has to fit.
pub(super) fn unix_sockets_fit(topology: &Topology, faults: &mut Diagnostics) {
    let project = topology.project.value.as_str();
    for (name, pool) in topology.pools.iter() {
        let length = format!("/run/{project}/{}-65535.sock", name.value.as_str()).len();
        if let Some(listen) = unix(pool).filter(|_| length > LONGEST_SOCKET) {
            let said = format!(
                "the path of its unix socket would have {length} bytes, and {LONGEST_SOCKET} fit"
            );
            faults.push(
                contradiction(listen, &said, name.span)
                    .help("shorten the name of the pool or of the project"),
            );
        }
    }
}

/// A unix socket is met on its own host only.
pub(super) fn unix_sockets_are_local(topology: &Topology, faults: &mut Diagnostics) {
    for (name, pool) in topology.pools.iter() {
        let Some(listen) = unix(pool) else {
            continue;
        };
        for (_, proxy) in topology.proxies.iter().flat_map(Named::iter) {
            let Some(route) = proxy.routes.iter().find(|r| r.pool.value == name.value) else {
                continue;
            };
            if pool.is_unsure_of(&["hosts"]) || proxy.is_unsure_of(&["hosts"]) {
                continue;
            }
            let elsewhere =
                topology.hosts.names().map(|n| &n.value).find(|host| {
                    is_on(proxy.hosts.as_ref(), host) != is_on(pool.hosts.as_ref(), host)
                });
            let several = topology
                .hosts
                .names()
                .filter(|h| is_on(pool.hosts.as_ref(), &h.value))
                .count()
                > 1;
            if elsewhere.is_some() || several {
                let said = format!(
                    "a proxy on another host cannot reach the unix sockets of `{}`",
                    name.value.as_str()
                );
                faults.push(
                    Diagnostic::error(Code::Unreachable, route.pool.span, said)
                        .also(listen, "unix here")
                        .help("write `listen: tcp`, or put the pool and the proxy on one and the same host"),
                );
            }
        }
    }
}

fn contradiction(span: Span, said: &str, other: Span) -> Diagnostic {
    Diagnostic::error(Code::Contradiction, span, said).also(other, "because of this")
}

pub(super) fn is_cluster(pool: &Pool) -> bool {
    pool.mode.as_ref().is_some_and(|m| m.value == Mode::Cluster)
}

pub(super) fn is_by_app(pool: &Pool) -> bool {
    pool.supervisor
        .as_ref()
        .is_some_and(|w| w.value == Supervisor::App)
}

/// Whether its workers may have a master of their own: also where that could not be read.
fn may_be_by_app(pool: &Pool) -> bool {
    is_by_app(pool) || pool.is_unsure_of(&["supervisor"])
}

/// Whether it takes its socket from systemd, where that is known.
fn uses_socket_activation(app: &App) -> Option<bool> {
    let is_known = !app.is_unsure_of(&["socket_activation", "runtime"]);
    is_known.then(|| app.uses_socket_activation())
}

/// Who watches its health, where that is known.
pub(super) fn watches(app: &App) -> Option<CheckType> {
    let check = app.health.as_ref().map(|h| &h.0);
    let is_unsure = check.map_or(app.is_unsure_of(&["health"]), |c| c.is_unsure_of(&["type"]));
    let is_known = !is_unsure && !app.is_unsure_of(&["sd_notify", "runtime"]);
    is_known.then(|| app.check_type())
}

pub(super) fn unix(pool: &Pool) -> Option<Span> {
    let listen = pool.listen.as_ref()?;
    (listen.value == Transport::Unix).then_some(listen.span)
}
