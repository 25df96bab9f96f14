//! Imports nginx configuration: upstreams, listeners, and locations with `proxy_pass`.

mod access;
mod backend;
mod body_size;
mod certificate;
mod challenge;
mod closed_location;
mod directive;
mod files;
mod gzip;
mod include;
mod kept_access;
mod limit;
mod listen;
mod location;
mod own_host;
mod pattern;
mod pool;
mod protection;
mod raw_line;
mod real_ip;
mod reason;
mod redirect;
mod request_header;
mod response_header;
mod retry;
mod rewriting;
mod scope;
mod server_block;
mod timeout;
mod token;
mod unsupported;
mod upstream;
mod variable;

use super::draft::{ProxyDraft, TopologyDraft};
use super::naming;
use super::{Finding, ImportError, Imported};
use crate::source::Source;
use directive::Directive;
use files::Files;
use own_host::OwnHost;
use scope::Scope;
use upstream::Upstreams;

/// The imported parts and findings so far.
#[derive(Debug, Default)]
struct ImportState {
    upstreams: Upstreams,
    proxies: Vec<ProxyDraft>,
    findings: Vec<Finding>,
}

/// The `http` block.
struct Site<'t> {
    /// Its directives.
    http: &'t [Directive],
    /// Its servers.
    servers: Vec<&'t Directive>,
    /// Its directives that servers inherit.
    scope: Scope<'t>,
}

/// Imports an nginx configuration, a file that `http` includes, or the output of `nginx -T`.
pub fn read(source: &Source) -> Result<Imported, ImportError> {
    let files = Files::of(source);
    match include::expand(&files).and_then(|tree| import(&tree, source)) {
        Ok(imported) => Ok(files.relocate(imported)),
        Err(error) => Err(files.relocate_error(error)),
    }
}

fn import(tree: &[Directive], source: &Source) -> Result<Imported, ImportError> {
    let mut state = ImportState::default();
    let outer = tree.iter().find(|d| d.name == "http");
    let http = outer.map_or(tree, Directive::inside);
    let main = tree.iter().filter(|d| d.name != "http" && outer.is_some());
    for directive in main.filter(|d| !scope::is_handled(d)) {
        unsupported::report(directive, &mut state.findings);
    }
    let servers: Vec<_> = http.iter().filter(|d| d.name == "server").collect();
    // 80 is the HTTP port that `tls` redirects.
    let ports = servers.iter().flat_map(|s| server_block::ports_of(s));
    for port in ports.chain([80]) {
        state.upstreams.reserve_port(port);
    }
    state.upstreams.own_host = OwnHost::of(&servers);
    for upstream in http.iter().filter(|d| d.name == "upstream") {
        state.upstreams.declare(upstream, &mut state.findings);
    }
    let site = Site {
        http,
        servers,
        scope: Scope::of(http),
    };
    for server in &site.servers {
        if server_block::is_imported(server, &site) {
            server_block::read(server, &site, &mut state);
        }
    }
    report_http(http, &mut state);
    let drain = timeout::drain(tree, &mut state.findings);
    for proxy in &mut state.proxies {
        proxy.timeouts.extend(drain.map(|time| ("drain", time)));
    }
    redirect::assign(&site, &mut state);
    redirect::resolve_conflicts(&mut state);
    if state.proxies.is_empty() {
        return Err(nothing_imported(http, &state.findings));
    }
    Ok(finish(state, source))
}

/// Reports directives of `http` that no proxy has.
fn report_http(http: &[Directive], state: &mut ImportState) {
    for directive in http {
        let is_block = ["upstream", "server"].contains(&directive.name.as_str());
        let line = raw_line::raw_line(directive);
        let is_kept = |p: &ProxyDraft| line.as_ref().is_some_and(|l| p.raw_global.contains(l));
        if !is_block && !scope::is_handled(directive) && !state.proxies.iter().any(is_kept) {
            unsupported::report(directive, &mut state.findings);
        }
    }
}

/// The error for a configuration without a proxy.
fn nothing_imported(http: &[Directive], findings: &[Finding]) -> ImportError {
    let message = "no location passes requests to an upstream or an address";
    let skipped_includes = include::skipped_includes(http);
    if let Some(first) = skipped_includes.first() {
        let lines: Vec<_> = skipped_includes
            .iter()
            .map(|d| format!("`{}`", d.text()))
            .collect();
        let help = "import the included file, or all files: nginx -T | genconf import nginx -";
        let message = format!(
            "{message}; includes are not read: {}; {help}",
            lines.join(", ")
        );
        return ImportError::new(message).at(first.position);
    }
    let locations = findings
        .iter()
        .filter(|n| n.subject.starts_with("location "));
    let reasons: Vec<_> = locations
        .map(|n| format!(": {}: {}", n.subject, n.reason))
        .collect();
    ImportError::new(format!("{message}{}", reasons.concat()))
}

/// Servers and locations that the topology contains.
fn proxy_entries(proxies: &[ProxyDraft]) -> usize {
    let routes: usize = proxies.iter().map(|p| p.routes.len()).sum();
    proxies.len() + routes
}

/// A finding about a directive that is skipped.
fn skipped(directive: &Directive, reason: &str) -> Finding {
    Finding::skipped(directive.text(), reason).at(directive.position)
}

fn finish(mut state: ImportState, source: &Source) -> Imported {
    state.upstreams.report_unused(&mut state.findings);
    let (hosts, apps, pools) = state.upstreams.draft(&mut state.findings);
    state
        .findings
        .sort_by_key(|n| n.position.map(|p| (p.line, p.column)));
    let listen_ports: Vec<_> = state
        .proxies
        .iter()
        .filter_map(|p| server_block::port(p.listen.as_deref()))
        .collect();
    let entries = pools.len() + proxy_entries(&state.proxies);
    let mut taken = super::ports::Ports::default();
    for port in pools
        .iter()
        .flat_map(|p| p.ports.iter().copied())
        .chain(listen_ports)
    {
        taken.reserve(port);
    }
    let count = u16::try_from(state.proxies.len()).unwrap_or(u16::MAX);
    for (index, proxy) in (0..).zip(&mut state.proxies) {
        proxy.status_port = taken.status_port(index, count);
        if hosts.len() > 1 {
            proxy.hosts = vec![hosts[0].name.clone()];
        }
    }
    let file = source.name().rsplit('/').next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    // `nginx.service` is a unit of the distribution.
    let is_generic = ["nginx", "default"].contains(&stem);
    let draft = TopologyDraft {
        comments: vec![
            "Imported from nginx, which has addresses but no apps: set the artifact of every app."
                .to_owned(),
        ],
        project: naming::stem(if is_generic { "site" } else { stem }, "site"),
        hosts,
        apps,
        pools,
        proxies: state.proxies,
    };
    Imported::new(&draft, entries, state.findings)
}
