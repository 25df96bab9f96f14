//! nginx's configuration: upstreams, listens and proxied locations.

mod door;
mod files;
mod gzip;
mod header;
mod include;
mod left;
mod limit;
mod listen;
mod location;
mod machine;
mod pool;
mod realip;
mod redirect;
mod retry;
mod scope;
mod settings;
mod timeout;
mod token;
mod tree;
mod upstream;

use super::naming;
use super::plan::{Plan, ProxyPlan};
use super::{Fault, Imported, Note};
use crate::source::Source;
use files::Files;
use scope::Scope;
use tree::Directive;
use upstream::Upstreams;

/// Everything that has been understood so far.
#[derive(Debug, Default)]
struct Reading {
    upstreams: Upstreams,
    proxies: Vec<ProxyPlan>,
    notes: Vec<Note>,
}

/// Reads a configuration of nginx, a part of one that `http` would include, or
/// all files that `nginx -T` prints.
pub fn read(source: &Source) -> Result<Imported, Fault> {
    let files = Files::of(source);
    match include::whole(&files).and_then(|tree| import(&tree, source)) {
        Ok(imported) => Ok(files.told(imported)),
        Err(fault) => Err(files.fault(fault)),
    }
}

fn import(tree: &[Directive], source: &Source) -> Result<Imported, Fault> {
    let mut reading = Reading::default();
    let outer = tree.iter().find(|d| d.name == "http");
    let http = outer.map_or(tree, Directive::inside);
    let main = tree.iter().filter(|d| d.name != "http" && outer.is_some());
    for directive in main.filter(|d| !scope::is_read(&d.name)) {
        left::tell(directive, &mut reading.notes);
    }
    let servers: Vec<_> = http.iter().filter(|d| d.name == "server").collect();
    for port in servers.iter().flat_map(|s| door::ports(s)) {
        reading.upstreams.keep(port);
    }
    for upstream in http.iter().filter(|d| d.name == "upstream") {
        reading.upstreams.declare(upstream, &mut reading.notes);
    }
    for directive in http
        .iter()
        .filter(|d| !["upstream", "server"].contains(&d.name.as_str()))
    {
        if !scope::is_read(&directive.name) {
            left::tell(directive, &mut reading.notes);
        }
    }
    let scope = Scope::of(http);
    for server in &servers {
        door::read(server, &scope, &mut reading);
    }
    let drain = timeout::drain(tree, &mut reading.notes);
    for proxy in &mut reading.proxies {
        proxy.timeouts.extend(drain.map(|time| ("drain", time)));
    }
    redirect::redirects(&servers, &mut reading);
    redirect::settle(&mut reading);
    if reading.proxies.is_empty() {
        return Err(nothing(http, &reading.notes));
    }
    Ok(finish(reading, source))
}

/// Why there is no proxy, where that can be told.
fn nothing(http: &[Directive], notes: &[Note]) -> Fault {
    let said = "no location in it passes requests to an upstream or an address, which is what genconf describes";
    let unread = include::unread(http);
    if let Some(first) = unread.first() {
        let lines: Vec<_> = unread.iter().map(|d| format!("`{}`", d.text())).collect();
        let help = "import the site's own file, or all: nginx -T | genconf import nginx -";
        let said = format!(
            "{said}; what it includes is not read: {}; {help}",
            lines.join(", ")
        );
        return Fault::new(said).at(first.place);
    }
    let location = notes.iter().rev().find(|n| n.what.starts_with("location"));
    Fault::new(match location {
        Some(note) => format!("{said}: {}: {}", note.what, note.why),
        None => said.to_owned(),
    })
}

fn finish(mut reading: Reading, source: &Source) -> Imported {
    reading.upstreams.tell_unused(&mut reading.notes);
    let (hosts, apps, pools) = reading.upstreams.plan(&mut reading.notes);
    reading
        .notes
        .sort_by_key(|n| n.place.map(|p| (p.line, p.column)));
    let doors: Vec<_> = reading
        .proxies
        .iter()
        .filter_map(|p| door::port(p.listen.as_deref()))
        .collect();
    let mut taken = super::ports::Ports::default();
    for port in pools
        .iter()
        .flat_map(|p| p.ports.iter().copied())
        .chain(doors)
    {
        taken.take(port);
    }
    let count = u16::try_from(reading.proxies.len()).unwrap_or(u16::MAX);
    for (index, proxy) in (0..).zip(&mut reading.proxies) {
        proxy.status = taken.status(index, count);
        if hosts.len() > 1 {
            proxy.hosts = vec![hosts[0].name.clone()];
        }
    }
    let file = source.name().rsplit('/').next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    // `nginx.service` is the distribution's, and `default` says nothing.
    let known = ["nginx", "default"].contains(&stem);
    let plan = Plan {
        about: vec![
            "What nginx was told, as a topology. It knew addresses and not programs: the artifacts are yours to name."
                .to_owned(),
        ],
        project: naming::stem(if known { "site" } else { stem }, "site"),
        hosts,
        apps,
        pools,
        proxies: reading.proxies,
    };
    Imported::new(&plan, reading.notes)
}
