//! Diagrams in the DOT language of Graphviz.

use super::Diagram;

/// Prints the diagram in DOT.
#[must_use]
pub fn render(diagram: &Diagram) -> String {
    let mut lines = vec![
        format!("digraph \"{}\" {{", diagram.title),
        "  rankdir=LR; compound=true; node [shape=box, style=rounded];".to_owned(),
    ];
    for (index, proxy) in diagram.proxies.iter().enumerate() {
        lines.push(format!(
            "  proxy{index} [label=\"{}\\n{}\"];",
            proxy.name,
            proxy.lines.join("\\n")
        ));
    }
    for (index, pool) in diagram.pools.iter().enumerate() {
        lines.push(format!(
            "  subgraph cluster_pool{index} {{ label=\"{} · {}\";",
            pool.name, pool.caption
        ));
        for (number, (host, instances)) in pool.hosts.iter().enumerate() {
            lines.push(format!(
                "    pool{index}host{number} [label=\"{host}\\n{}\"];",
                instances.join(" ")
            ));
        }
        lines.push("  }".to_owned());
    }
    for route in &diagram.routes {
        lines.push(format!(
            "  proxy{} -> pool{}host0 [lhead=cluster_pool{}, label=\"{}\"];",
            route.proxy, route.pool, route.pool, route.label
        ));
    }
    lines.push("}".to_owned());
    lines.join("\n") + "\n"
}
