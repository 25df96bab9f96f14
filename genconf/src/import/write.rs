//! A plan, printed as a topology for people.

use std::fmt::Write as _;

use super::plan::{
    AppPlan, HostPlan, Plan, PoolPlan, ProxyPlan, RateLimitPlan, RoutePlan, Sharing,
};
use super::ports::ranges;
use super::scalar::{scalar, tame};
use crate::topology::choice::Runtime;
use crate::topology::default::BURST;
use crate::topology::quantity::Duration;

/// The text of a topology.
pub(super) fn print(plan: &Plan) -> String {
    let mut page = Page(String::new());
    page.comments(0, &plan.about);
    page.line(0, "version: 1");
    page.line(0, &format!("project: {}", scalar(&plan.project)));
    page.section("hosts", plan.hosts.iter(), host);
    page.section("apps", plan.apps.iter(), app);
    page.section("pools", plan.pools.iter(), pool);
    page.section("proxies", plan.proxies.iter(), proxy);
    page.0
}

/// Lines so far.
struct Page(String);

impl Page {
    fn line(&mut self, depth: usize, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{:width$}{text}", "", width = depth * 2);
    }

    fn comments(&mut self, depth: usize, lines: &[String]) {
        for line in lines {
            let mut letters = line.chars();
            let first = letters.next().into_iter().flat_map(char::to_uppercase);
            let line: String = first.chain(letters).collect();
            self.line(depth, &format!("# {}", tame(&line)));
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

    /// `key: value`, where there is a value.
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

    fn mapping(&mut self, depth: usize, key: &str, pairs: &[(String, String)]) {
        if !pairs.is_empty() {
            self.line(depth, &format!("{key}:"));
        }
        for (name, value) in pairs {
            self.line(depth + 1, &format!("{}: {}", scalar(name), scalar(value)));
        }
    }
}

fn host(page: &mut Page, host: &HostPlan) {
    if host.guess {
        page.line(1, "# A made-up address: write the machine's own, and its `memory` if bounds should be checked.");
    }
    let cpus = host.cpus.map_or(String::new(), |c| format!(", cpus: {c}"));
    page.line(
        1,
        &format!(
            "{}: {{ address: \"{}\"{cpus} }}",
            scalar(&host.name),
            host.address
        ),
    );
}

fn app(page: &mut Page, app: &AppPlan) {
    page.line(1, &format!("{}:", scalar(&app.name)));
    page.comments(2, &app.about);
    page.key(2, "artifact", Some(scalar(&app.artifact)));
    if let Some(archive) = &app.archive {
        page.key(2, "main", Some(scalar(&archive.main)));
        page.key(2, "build", Some(scalar(&archive.build)));
    }
    if app.runtime == Runtime::Native {
        page.line(
            2,
            "# It speaks none of systemd's protocols, until you say otherwise.",
        );
        page.line(2, "sd_notify: false");
        page.line(2, "socket_activation: false");
    } else {
        page.key(2, "runtime", Some(app.runtime.word()));
    }
    page.line(
        2,
        "# Must answer 200 to 299 here, without a redirect: what does not is restarted by a probe.",
    );
    page.line(2, "health: /");
    page.list(2, "args", &app.args);
    page.mapping(2, "env", &app.env);
    page.key(2, "env_file", app.env_file.as_ref().map(|f| scalar(f)));
    page.key(2, "memory", app.memory.map(|m| m.to_string()));
    page.key(2, "stop_timeout", app.stop_timeout.map(|t| t.to_string()));
    page.key(2, "ready_timeout", app.ready_timeout.map(|t| t.to_string()));
}

fn pool(page: &mut Page, pool: &PoolPlan) {
    page.comments(1, &pool.about);
    page.line(1, &format!("{}:", scalar(&pool.name)));
    page.key(2, "app", Some(scalar(&pool.app)));
    if pool.sharing == Sharing::OwnCluster {
        page.line(2, "mode: cluster");
        page.line(2, "supervisor: app");
    }
    page.list(2, "hosts", &pool.hosts);
    page.line(2, &format!("ports: [{}]", ranges(&pool.ports).join(", ")));
}

fn proxy(page: &mut Page, proxy: &ProxyPlan) {
    page.comments(1, &proxy.about);
    page.line(1, &format!("{}:", scalar(&proxy.name)));
    page.list(2, "hosts", &proxy.hosts);
    page.key(2, "listen", proxy.listen.as_ref().map(|l| address(l)));
    if let Some((certificate, key, redirect)) = &proxy.tls {
        page.line(2, "tls:");
        page.key(3, "certificate", Some(scalar(certificate)));
        page.key(3, "key", Some(scalar(key)));
        page.key(3, "http_port", redirect.as_ref().map(|r| address(r)));
    }
    page.key(2, "status_port", proxy.status.map(|s| s.to_string()));
    page.list(2, "server_name", &proxy.server_names);
    page.key(2, "max_body", proxy.max_body.map(|m| m.to_string()));
    page.key(2, "timeouts", timeouts(&proxy.timeouts));
    page.key(2, "rate_limit", proxy.rate_limit.as_ref().map(rate_limit));
    page.list(2, "trusted_proxies", &proxy.trusted_proxies);
    page.key(2, "proxy_protocol", proxy.proxy_protocol.then_some("true"));
    page.key(2, "compress", proxy.uncompressed.then_some("false"));
    page.mapping(2, "headers", &proxy.headers);
    page.line(2, "routes:");
    for route in &proxy.routes {
        page.line(3, &format!("- {{ {} }}", route_keys(route).join(", ")));
    }
}

fn route_keys(route: &RoutePlan) -> Vec<String> {
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

/// The mapping of `timeouts`; none where nothing is in it.
fn timeouts(pairs: &[(&str, Duration)]) -> Option<String> {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(k, time)| format!("{k}: {time}"))
        .collect();
    (!pairs.is_empty()).then(|| format!("{{ {} }}", pairs.join(", ")))
}

fn rate_limit(limit: &RateLimitPlan) -> String {
    let burst = match limit.burst {
        BURST => String::new(),
        burst => format!(", burst: {burst}"),
    };
    format!("{{ rate: {}{burst} }}", limit.rate)
}

/// A port stands bare, an address with a port does not.
fn address(listen: &str) -> String {
    if listen.parse::<u16>().is_ok() {
        listen.to_owned()
    } else {
        scalar(listen)
    }
}
