//! Diagrams of a layout: proxies, pools, and the routes between them.
//!
//! [`svg`], [`mermaid`], and [`dot`] print a [`Diagram`].

pub mod dot;
pub mod mermaid;
pub mod svg;

use crate::layout::{Layout, Pool, Proxy};

/// Proxies and pools as nodes, routes as edges.
#[derive(Clone, Debug)]
pub struct Diagram {
    /// Name of the project.
    pub title: String,
    /// Proxies, sorted by name.
    pub proxies: Vec<ProxyNode>,
    /// Pools, sorted by name.
    pub pools: Vec<PoolNode>,
    /// Routes from proxies to pools.
    pub routes: Vec<RouteEdge>,
}

/// A proxy.
#[derive(Clone, Debug)]
pub struct ProxyNode {
    /// Name of the proxy.
    pub name: String,
    /// Engine, listeners, and hosts, one per line.
    pub lines: Vec<String>,
}

/// A pool.
#[derive(Clone, Debug)]
pub struct PoolNode {
    /// Name of the pool.
    pub name: String,
    /// Mode and app.
    pub caption: String,
    /// Hosts with their instances.
    pub hosts: Vec<(String, Vec<String>)>,
}

/// A route.
#[derive(Clone, Debug)]
pub struct RouteEdge {
    /// Index of the proxy.
    pub proxy: usize,
    /// Index of the pool.
    pub pool: usize,
    /// Path, rewrite, and balancing method.
    pub label: String,
}

impl Diagram {
    /// The diagram of `layout`.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        let proxies = layout.proxies.iter().enumerate();
        let routes = proxies.flat_map(|(index, proxy)| route_edges(layout, index, proxy));
        Self {
            title: layout.project.clone(),
            proxies: layout.proxies.iter().map(proxy_node).collect(),
            pools: layout.pools.iter().map(pool_node).collect(),
            routes: routes.collect(),
        }
    }
}

fn proxy_node(proxy: &Proxy) -> ProxyNode {
    let binds = proxy.listen.iter().map(|bind| {
        let scheme = match (bind.serves, proxy.tls.is_empty()) {
            (true, true) => "http",
            (true, false) => "https",
            (false, _) => "redirect",
        };
        format!("{scheme} {}", bind.socket)
    });
    let hosts = format!("on {}", proxy.hosts.join(", "));
    ProxyNode {
        name: proxy.name.clone(),
        lines: std::iter::once(proxy.engine.to_string())
            .chain(binds)
            .chain([hosts])
            .collect(),
    }
}

fn pool_node(pool: &Pool) -> PoolNode {
    let instance = |port: &u16| match pool.unit_per {
        "worker" => format!("{port} × {}", pool.workers),
        _ => port.to_string(),
    };
    let instances: Vec<String> = pool.ports.iter().map(instance).collect();
    PoolNode {
        name: pool.name.clone(),
        caption: format!("{} · app {}", pool.mode, pool.app.name),
        hosts: pool
            .hosts
            .iter()
            .map(|host| (host.clone(), instances.clone()))
            .collect(),
    }
}

fn route_edges(layout: &Layout, index: usize, proxy: &Proxy) -> Vec<RouteEdge> {
    let balance = |name: &str| {
        proxy
            .upstreams
            .iter()
            .find(|u| u.name == name)
            .map_or("", |u| u.balance)
    };
    let edge = |route: &crate::layout::Route| {
        let pool = layout.pools.iter().position(|p| p.name == route.pool)?;
        let path = if route.path.is_empty() {
            "/"
        } else {
            &route.path
        };
        let rewrite = if route.rewrite.is_empty() {
            "/"
        } else {
            &route.rewrite
        };
        let rewritten = if route.rewrites {
            format!(" → {rewrite}")
        } else {
            String::new()
        };
        let has_choice = layout.pools[pool].ports.len() * layout.pools[pool].hosts.len() > 1;
        let method = if has_choice {
            format!(" · {}", balance(&route.upstream))
        } else {
            String::new()
        };
        Some(RouteEdge {
            proxy: index,
            pool,
            label: format!("{path}{rewritten}{method}"),
        })
    };
    proxy.routes.iter().filter_map(edge).collect()
}
