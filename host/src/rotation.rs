//! Takes other hosts out of rotation on the proxies of this host, and returns them.
//!
//! The servers of these hosts are marked in the configuration of the proxy, and the proxy reloads. A mark
//! that an interrupted run has left is removed by the next run that takes any host out of rotation.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use model::{Engine, Proxy};

use crate::execution::{Context, Failure};
use crate::files::{self, File};
use crate::health_check::Checker;
use crate::systemd::{Systemd, Verb};

/// Marks a server that serves only if all others fail.
const BACKUP: &str = " backup";
/// The same where a hash of the address or chance selects the server: nginx has no backup servers there.
const DOWN: &str = " down";
const MODE: u32 = 0o644;

/// Takes the servers of the hosts `out` out of every proxy of this host, and returns all others. Returns
/// the proxies that reloaded.
///
/// A proxy is left as it is if no other server could take over, if it is down, or if it does not use the
/// configuration on disk yet: what that describes may not run yet.
pub(crate) async fn rotate<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    out: &[String],
) -> Result<Vec<String>, Failure> {
    let root = &context.machine.root;
    let observed = context.machine.observe(context.host, context.systemd).await;
    let observation = observed.map_err(Failure::new)?;
    let mut reloaded = Vec::new();
    for proxy in &context.host.proxies {
        let (started, now) = (
            observation.started.get(&proxy.unit),
            observation.inputs.get(&proxy.unit),
        );
        let is_current = started.map(|r| &r.configuration) == now.map(|r| &r.configuration);
        let is_active = observation.unit(&proxy.unit).is_active();
        let can_mark = is_current && is_active;
        if !out.is_empty() && !can_mark {
            continue;
        }
        let path = root.resolve(&proxy.configuration);
        let before = std::fs::read_to_string(&path)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        let can_spare = can_spare(context, proxy, &before, out).await;
        let after = marked(&before, if can_spare { out } else { &[] });
        if after == before {
            continue;
        }
        let file = File {
            path: proxy.configuration.clone(),
            content: after.into_bytes(),
            mode: MODE,
        };
        files::replace(root, &file).map_err(Failure::new)?;
        if !is_active {
            continue;
        }
        let units = [proxy.unit.clone()];
        context
            .systemd
            .run(Verb::Reload, &units)
            .await
            .map_err(Failure::new)?;
        reloaded.push(proxy.unit.clone());
        record(context, proxy)?;
    }
    Ok(reloaded)
}

/// Records that the proxy uses its configuration.
fn record<S, C>(context: Context<'_, S, C>, proxy: &Proxy) -> Result<(), Failure> {
    let configuration = context
        .machine
        .configuration_digest(proxy)
        .map_err(Failure::new)?;
    let mut records = context
        .machine
        .records(context.host)
        .map_err(Failure::new)?;
    // Without a record it is not known what else the proxy runs with.
    let Some(record) = records.get(&proxy.unit).cloned() else {
        return Ok(());
    };
    let record = crate::records::Record {
        configuration,
        ..record
    };
    records.set(&proxy.unit, record).map_err(Failure::new)
}

/// Whether each upstream with servers of the hosts `out` has a healthy one on another host.
async fn can_spare<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    proxy: &Proxy,
    configuration: &str,
    out: &[String],
) -> bool {
    for block in blocks(configuration) {
        let servers: Vec<(&str, &str)> = block
            .lines()
            .filter_map(|line| Some((server_host(line)?, server_address(proxy.engine, line)?)))
            .collect();
        if !servers.iter().any(|(host, _)| is_out(host, out)) {
            continue;
        }
        let others = servers.iter().filter(|(host, _)| !is_out(host, out));
        let others: BTreeSet<&str> = others.map(|(_, address)| *address).collect();
        let mut has_healthy = false;
        for address in others {
            has_healthy |= is_healthy(context, proxy, address).await;
        }
        if !has_healthy {
            return false;
        }
    }
    true
}

/// A connection does not show it: systemd accepts it while the instance behind its socket is broken.
async fn is_healthy<S: Systemd, C: Checker>(
    context: Context<'_, S, C>,
    proxy: &Proxy,
    address: &str,
) -> bool {
    let mut servers = proxy.servers.iter();
    let Some(server) = servers.find(|server| server.endpoint.to_string() == address) else {
        return false;
    };
    let timeout = std::time::Duration::from_secs(2);
    context
        .checker
        .check(&server.endpoint, &server.check, timeout)
        .await
        .is_ok()
}

/// The configuration in which the servers of `out`, and no others, are marked.
fn marked(configuration: &str, out: &[String]) -> String {
    blocks(configuration)
        .map(|block| marked_block(block, out))
        .collect()
}

fn marked_block(block: &str, out: &[String]) -> String {
    let is_hashed = block.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with("ip_hash") || line.starts_with("random")
    });
    let mark = if is_hashed { DOWN } else { BACKUP };
    let line = |line: &str| match server_host(line) {
        None => line.to_owned(),
        Some(host) => {
            let mark = if is_out(host, out) { mark } else { "" };
            let (server, comment) = line.split_once(" # ").unwrap_or((line, ""));
            let (server, end) = match server.strip_suffix(';') {
                Some(server) => (server, ";"),
                None => (server, ""),
            };
            let server = server
                .strip_suffix(BACKUP)
                .or_else(|| server.strip_suffix(DOWN))
                .unwrap_or(server);
            let newline = if line.ends_with('\n') && !comment.ends_with('\n') {
                "\n"
            } else {
                ""
            };
            format!("{server}{mark}{end} # {comment}{newline}")
        }
    };
    block.split_inclusive('\n').map(line).collect()
}

fn is_out(host: &str, out: &[String]) -> bool {
    out.iter().any(|name| name == host)
}

/// The upstreams of a configuration: each ends where the next one begins.
fn blocks(configuration: &str) -> impl Iterator<Item = &str> {
    let is_start = |line: &str| {
        let line = line.trim_start();
        line.starts_with("upstream ") || line.starts_with("backend ")
    };
    let mut starts = vec![0];
    let mut offset = 0;
    for line in configuration.split_inclusive('\n') {
        if is_start(line) && offset > 0 {
            starts.push(offset);
        }
        offset += line.len();
    }
    let ends: Vec<usize> = starts
        .iter()
        .skip(1)
        .copied()
        .chain([configuration.len()])
        .collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|(start, end)| &configuration[start..end])
}

/// The host of a server that has others elsewhere: the comment at the end of its line.
fn server_host(line: &str) -> Option<&str> {
    let line = line.trim();
    let (server, host) = line.strip_prefix("server ")?.split_once(" # ")?;
    let is_host = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    (!server.contains('#') && !host.is_empty() && host.chars().all(is_host)).then_some(host)
}

/// The address of a server. In `HAProxy` the name precedes it.
fn server_address(engine: Engine, line: &str) -> Option<&str> {
    let mut words = line.trim().trim_end_matches(';').split_whitespace();
    let position = match engine {
        Engine::Nginx => 1,
        Engine::Haproxy => 2,
    };
    words.nth(position).map(|word| word.trim_end_matches(';'))
}
