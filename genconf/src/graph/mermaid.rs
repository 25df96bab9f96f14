//! Diagrams as Mermaid flowcharts.

use super::Diagram;

/// Prints the diagram as a Mermaid flowchart.
#[must_use]
pub fn render(diagram: &Diagram) -> String {
    let mut lines = vec!["flowchart LR".to_owned()];
    for (index, proxy) in diagram.proxies.iter().enumerate() {
        lines.push(format!(
            "  proxy{index}[\"{}<br/>{}\"]",
            proxy.name,
            proxy.lines.join("<br/>")
        ));
    }
    for (index, pool) in diagram.pools.iter().enumerate() {
        lines.push(format!(
            "  subgraph pool{index}[\"{} · {}\"]",
            pool.name, pool.caption
        ));
        for (number, (host, instances)) in pool.hosts.iter().enumerate() {
            lines.push(format!(
                "    pool{index}host{number}[\"{host}<br/>{}\"]",
                instances.join(" ")
            ));
        }
        lines.push("  end".to_owned());
    }
    for route in &diagram.routes {
        lines.push(format!(
            "  proxy{} -->|\"{}\"| pool{}",
            route.proxy, route.label, route.pool
        ));
    }
    lines.join("\n") + "\n"
}
