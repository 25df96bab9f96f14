//! Starts, restarts, and reloads the proxies of this host.

use model::Proxy;

use super::Step;
use super::needs::is_other_invocation;
use super::ports::evict;
use crate::host::Host;
use crate::observation::Observation;
use crate::systemd::Verb;

/// Every proxy is active with the configuration on disk.
pub(crate) fn proxies(host: &Host, observation: &Observation) -> Vec<Step> {
    steps(host, observation, |proxy| need(proxy, observation))
}

/// The same after files were restored. Proxies that systemd has started since they were
/// recorded may run the files that are gone, so they restart too.
pub(crate) fn restored_proxies(host: &Host, observation: &Observation) -> Vec<Step> {
    steps(host, observation, |proxy| {
        if is_other_invocation(&proxy.unit, observation) {
            return Some(Verb::Restart);
        }
        need(proxy, observation)
    })
}

fn steps(
    host: &Host,
    observation: &Observation,
    need: impl Fn(&Proxy) -> Option<Verb>,
) -> Vec<Step> {
    let is_moved = |proxy: &&Proxy| observation.has_moved(&proxy.socket);
    let moved: Vec<&Proxy> = host.proxies.iter().filter(is_moved).collect();
    let mut steps = Vec::new();
    // A proxy is passed its sockets when it starts, so neither a restart nor a reload moves it. All close
    // before any opens, because two proxies may exchange their ports.
    for proxy in &moved {
        steps.push(Step::units(
            Verb::Stop,
            [proxy.unit.clone(), proxy.socket.clone()],
        ));
    }
    for proxy in &moved {
        steps.extend(open(proxy, observation));
    }
    for proxy in &host.proxies {
        let is_moved = observation.has_moved(&proxy.socket);
        if !is_moved {
            if !observation.unit(&proxy.socket).is_active() {
                steps.extend(open(proxy, observation));
            }
            if observation.unit(&proxy.unit).is_down() {
                steps.push(Step::RequireOwnStatus(proxy.unit.clone()));
            }
        }
        let units = [proxy.socket.clone(), proxy.unit.clone()];
        let is_disabled = |unit: &String| !observation.unit(unit).is_enabled;
        let disabled: Vec<String> = units.into_iter().filter(is_disabled).collect();
        if !disabled.is_empty() {
            steps.push(Step::Enable(disabled));
        }
        if let Some(file) = &proxy.kernel_settings {
            steps.push(Step::KernelSettings {
                unit: proxy.unit.clone(),
                file: file.clone(),
            });
        }
        let verb = if is_moved {
            Some(Verb::Start)
        } else {
            need(proxy)
        };
        if let Some(verb) = verb {
            steps.push(Step::Proxy {
                unit: proxy.unit.clone(),
                verb,
            });
        }
        steps.push(Step::Adopt(vec![proxy.socket.clone()]));
    }
    steps
}

/// Opens the socket of a proxy. Its addresses are in the unit: a proxy can have several.
fn open(proxy: &Proxy, observation: &Observation) -> Vec<Step> {
    let listen = observation.unit(&proxy.socket).listen;
    let mut steps = evict(observation, &listen);
    match listen.into_iter().next() {
        Some(endpoint) => steps.push(Step::OpenSocket {
            socket: proxy.socket.clone(),
            endpoint,
        }),
        None => steps.push(Step::units(Verb::Start, [proxy.socket.clone()])),
    }
    steps
}

/// What a proxy needs.
fn need(proxy: &Proxy, observation: &Observation) -> Option<Verb> {
    let state = observation.unit(&proxy.unit);
    if state.is_stopped() {
        return Some(Verb::Start);
    }
    if !state.is_active() || observation.has_changed_inputs(&proxy.unit) == Some(true) {
        return Some(Verb::Restart);
    }
    let started = observation.started.get(&proxy.unit);
    let now = observation.inputs.get(&proxy.unit);
    let is_same = started.map(|r| &r.configuration) == now.map(|r| &r.configuration);
    // Without a record, a reload suffices: it drops no connection.
    (!is_same).then_some(Verb::Reload)
}
