//! The layout as a picture: which door leads to which pool, and what is in it.
//!
//! Reads `layout`; touches nothing. [`Picture`] is what is to be seen;
//! [`svg`], [`mermaid`] and [`dot`] print it for three kinds of readers.

pub mod dot;
pub mod mermaid;
pub mod svg;

use crate::layout::{Layout, Pool, Proxy};

/// Doors, pools and the routes between them.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Name of the whole.
    pub title: String,
    /// Front doors.
    pub doors: Vec<Door>,
    /// Pools, those with the shortest way to the top first.
    pub groups: Vec<Group>,
    /// Which door leads to which pool.
    pub ways: Vec<Way>,
}

/// A front door.
#[derive(Clone, Debug)]
pub struct Door {
    /// Its name.
    pub name: String,
    /// What it is and where, a line each.
    pub lines: Vec<String>,
}

/// A pool.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// What it is.
    pub line: String,
    /// Its hosts, each with its instances.
    pub hosts: Vec<(String, Vec<String>)>,
}

/// A route.
#[derive(Clone, Debug)]
pub struct Way {
    /// Index of the door.
    pub door: usize,
    /// Index of the pool.
    pub group: usize,
    /// What is said along it.
    pub label: String,
}

impl Picture {
    /// The picture of `layout`.
    #[must_use]
    pub fn of(layout: &Layout) -> Self {
        let ways = layout
            .proxies
            .iter()
            .enumerate()
            .flat_map(|(door, proxy)| ways(layout, door, proxy));
        Self {
            title: layout.project.clone(),
            doors: layout.proxies.iter().map(door).collect(),
            groups: layout.pools.iter().map(group).collect(),
            ways: ways.collect(),
        }
    }
}

fn door(proxy: &Proxy) -> Door {
    let binds = proxy.listen.iter().map(|bind| {
        let scheme = match (bind.serves, proxy.tls.is_empty()) {
            (true, true) => "http",
            (true, false) => "https",
            (false, _) => "redirect",
        };
        format!("{scheme} {}", bind.socket)
    });
    let on = format!("on {}", proxy.hosts.join(", "));
    Door {
        name: proxy.name.clone(),
        lines: std::iter::once(proxy.engine.to_owned())
            .chain(binds)
            .chain([on])
            .collect(),
    }
}

fn group(pool: &Pool) -> Group {
    let instance = |port: &u16| match pool.unit_per {
        "worker" => format!("{port} × {}", pool.workers),
        _ => port.to_string(),
    };
    let instances: Vec<String> = pool.ports.iter().map(instance).collect();
    Group {
        name: pool.name.clone(),
        line: format!("{} · app {}", pool.mode, pool.app.name),
        hosts: pool
            .hosts
            .iter()
            .map(|host| (host.clone(), instances.clone()))
            .collect(),
    }
}

fn ways(layout: &Layout, door: usize, proxy: &Proxy) -> Vec<Way> {
    let balance = |name: &str| {
        proxy
            .upstreams
            .iter()
            .find(|u| u.name == name)
            .map_or("", |u| u.balance)
    };
    let way = |route: &crate::layout::Route| {
        let group = layout.pools.iter().position(|p| p.name == route.pool)?;
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
        let several = layout.pools[group].ports.len() * layout.pools[group].hosts.len() > 1;
        let how = if several {
            format!(" · {}", balance(&route.upstream))
        } else {
            String::new()
        };
        Some(Way {
            door,
            group,
            label: format!("{path}{rewritten}{how}"),
        })
    };
    proxy.routes.iter().filter_map(way).collect()
}
