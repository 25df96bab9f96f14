//! Prints a draft as a topology in YAML.

use std::fmt::Write as _;

use super::draft::{
    AppDraft, HostDraft, PoolDraft, PoolMode, ProxyDraft, RateLimitDraft, RouteDraft, TopologyDraft,
};
use super::ports::ranges;
use super::yaml_scalar::{escape_controls, scalar};
use crate::topology::choice::Runtime;
use crate::topology::default::BURST;
use crate::topology::quantity::Duration;

/// The topology as YAML.
pub(super) fn print(draft: &TopologyDraft) -> String {
    let mut output = Output(String::new());
    output.comments(0, &draft.comments);
    output.line(0, "version: 1");
    output.line(0, &format!("project: {}", scalar(&draft.project)));
    output.section("hosts", draft.hosts.iter(), host);
    output.section("apps", draft.apps.iter(), app);
    output.section("pools", draft.pools.iter(), pool);
    output.section("proxies", draft.proxies.iter(), proxy);
    output.0
}

/// The printed lines.
struct Output(String);

impl Output {
    fn line(&mut self, depth: usize, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{:width$}{text}", "", width = depth * 2);
    }

    fn comments(&mut self, depth: usize, lines: &[String]) {
        for line in lines {
            let mut chars = line.chars();
            let first = chars.next().into_iter().flat_map(char::to_uppercase);
            let line: String = first.chain(chars).collect();
            self.line(depth, &format!("# {}", escape_controls(&line)));
        }
    }

    fn section<'p, T: 'p>(
        &mut self,
        key: &str,
        items: impl Iterator<Item = &'p T>,
        print: fn(&mut Self, &T),
    ) {
        self.line(0, "");
        self.line(0, &format!("{key}:"));
        for item in items {
            print(self, item);
        }
    }

    /// Prints `key: value` if there is a value.
    fn key(&mut self, depth: usize, key: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.line(depth, &format!("{key}: {}", value.as_ref()));
        }
    }

    fn list(&mut self, depth: usize, key: &str, items: &[String]) {
        if !items.is_empty() {
            let items: Vec<_> = items.iter().map(|i| scalar(i)).collect();
            self.line(depth, &format!("{key}: [{}]", items.join(", ")));
        }
    }

    /// Prints the lines of `raw`, one per line.
    fn raw(&mut self, proxy: &ProxyDraft) {
        let sections = [("global", &proxy.raw_global), ("server", &proxy.raw_server)];
        let used = sections.into_iter().filter(|(_, lines)| !lines.is_empty());
        for (at, (key, lines)) in used.enumerate() {
            if at == 0 {
                self.line(2, "raw:");
            }
            self.line(3, &format!("{key}:"));
            for line in lines {
                self.line(4, &format!("- {}", scalar(line)));
            }
        }
    }

    fn mapping(&mut self, depth: usize, key: &str, pairs: &[(String, String)]) {
        if !pairs.is_empty() {
            self.line(depth, &format!("{key}:"));
        }
        for (name, value) in pairs {
            self.line(depth + 1, &format!("{}: {}", scalar(name), scalar(value)));
        }
    }
}

fn host(output: &mut Output, host: &HostDraft) {
    if host.is_placeholder {
        output.line(
            1,
            "# Placeholder: set the address of the host, and `memory` to check memory limits.",
        );
    }
    let cpus = host.cpus.map_or(String::new(), |c| format!(", cpus: {c}"));
    output.line(
        1,
        &format!(
            "{}: {{ address: \"{}\"{cpus} }}",
            scalar(&host.name),
            host.address
        ),
    );
}

fn app(output: &mut Output, app: &AppDraft) {
    output.line(1, &format!("{}:", scalar(&app.name)));
    output.comments(2, &app.comments);
    output.key(2, "artifact", Some(scalar(&app.artifact)));
    if let Some(archive) = &app.archive {
        output.key(2, "main", Some(scalar(&archive.main)));
        output.key(2, "build", Some(scalar(&archive.build)));
    }
    if app.runtime == Runtime::Native {
        output.line(
            2,
            "# Set these to true if the app supports sd_notify and socket activation.",
        );
        output.line(2, "sd_notify: false");
        output.line(2, "socket_activation: false");
    } else {
        output.key(2, "runtime", Some(app.runtime.word()));
    }
    output.line(
        2,
        "# Must return 200 to 299, not a redirect: a probe restarts an instance that does not.",
    );
    output.line(2, "health: /");
    output.list(2, "args", &app.args);
    output.mapping(2, "env", &app.env);
    output.key(2, "env_file", app.env_file.as_ref().map(|f| scalar(f)));
    output.key(2, "memory", app.memory.map(|m| m.to_string()));
    output.key(2, "stop_timeout", app.stop_timeout.map(|t| t.to_string()));
    output.key(2, "ready_timeout", app.ready_timeout.map(|t| t.to_string()));
}

fn pool(output: &mut Output, pool: &PoolDraft) {
    output.comments(1, &pool.comments);
    output.line(1, &format!("{}:", scalar(&pool.name)));
    output.key(2, "app", Some(scalar(&pool.app)));
    if pool.mode == PoolMode::AppCluster {
        output.line(2, "mode: cluster");
        output.line(2, "supervisor: app");
    }
    output.list(2, "hosts", &pool.hosts);
    output.line(2, &format!("ports: [{}]", ranges(&pool.ports).join(", ")));
}

fn proxy(output: &mut Output, proxy: &ProxyDraft) {
    output.comments(1, &proxy.comments);
    output.line(1, &format!("{}:", scalar(&proxy.name)));
    output.list(2, "hosts", &proxy.hosts);
    output.key(2, "listen", proxy.listen.as_ref().map(|l| address(l)));
    if let Some((certificate, key, redirect)) = &proxy.tls {
        output.line(2, "tls:");
        output.key(3, "certificate", Some(scalar(certificate)));
        output.key(3, "key", Some(scalar(key)));
        output.key(3, "http_port", redirect.as_ref().map(|r| address(r)));
    }
    output.key(2, "status_port", proxy.status_port.map(|s| s.to_string()));
    output.list(2, "server_name", &proxy.server_names);
    output.key(2, "max_body", proxy.max_body.map(|m| m.to_string()));
    output.key(2, "timeouts", timeouts(&proxy.timeouts));
    output.key(2, "rate_limit", proxy.rate_limit.as_ref().map(rate_limit));
    output.list(2, "trusted_proxies", &proxy.trusted_proxies);
    output.key(2, "proxy_protocol", proxy.proxy_protocol.then_some("true"));
    output.key(2, "compress", proxy.uncompressed.then_some("false"));
    output.mapping(2, "headers", &proxy.headers);
    output.raw(proxy);
    output.line(2, "routes:");
    for route in &proxy.routes {
        output.line(3, &format!("- {{ {} }}", route_keys(route).join(", ")));
    }
}

fn route_keys(route: &RouteDraft) -> Vec<String> {
    let mut keys = vec![
        format!("path: {}", scalar(&route.path)),
        format!("pool: {}", scalar(&route.pool)),
    ];
    keys.extend(route.balance.map(|b| format!("balance: {}", b.word())));
    keys.extend(
        route
            .rewrite
            .as_ref()
            .map(|r| format!("rewrite: {}", scalar(r))),
    );
    keys.extend(timeouts(&route.timeouts).map(|t| format!("timeouts: {t}")));
    keys.extend(route.max_body.map(|m| format!("max_body: {m}")));
    let limit = route.rate_limit.as_ref().map(rate_limit);
    keys.extend(limit.map(|l| format!("rate_limit: {l}")));
    keys.extend(route.retry.map(|r| format!("retry: {}", r.word())));
    keys
}

/// The mapping of `timeouts`; `None` if it is empty.
fn timeouts(pairs: &[(&str, Duration)]) -> Option<String> {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(k, time)| format!("{k}: {time}"))
        .collect();
    (!pairs.is_empty()).then(|| format!("{{ {} }}", pairs.join(", ")))
}

fn rate_limit(limit: &RateLimitDraft) -> String {
    let burst = match limit.burst {
        BURST => String::new(),
        burst => format!(", burst: {burst}"),
    };
    format!("{{ rate: {}{burst} }}", limit.rate)
}

/// A port is printed plain, an address with a port as a scalar.
fn address(listen: &str) -> String {
    if listen.parse::<u16>().is_ok() {
        listen.to_owned()
    } else {
        scalar(listen)
    }
}
