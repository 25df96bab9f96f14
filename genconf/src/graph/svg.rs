//! Diagrams as SVG, viewable in a browser.

use std::fmt::Write as _;

use super::{Diagram, PoolNode, ProxyNode};

const MARGIN: usize = 24;
const PROXY_WIDTH: usize = 190;
const ROUTE_WIDTH: usize = 330;
const INSTANCE_SIZE: (usize, usize) = (84, 24);
const INSTANCE_GAP: usize = 6;
const INSTANCES_PER_ROW: usize = 6;
const LINE_HEIGHT: usize = 18;
const PADDING: usize = 14;
const NODE_GAP: usize = 20;

const STYLE: &str = "\
  .background { fill: #ffffff }
  .proxy { fill: #e8f0fe; stroke: #3367d6 } .pool { fill: #f6f8fa; stroke: #8c959f }
  .instance { fill: #dafbe1; stroke: #2da44e } .route { fill: none; stroke: #3367d6; stroke-width: 1.5 }
  text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2328 }
  .name { font-weight: 600 } .small { font-size: 11px; fill: #59636e } .mid { text-anchor: middle }
";

/// A pool and its position.
struct PlacedPool<'p> {
    node: &'p PoolNode,
    top: usize,
    height: usize,
    /// Number of routes to the pool.
    routes: usize,
}

/// Prints the diagram as SVG.
#[must_use]
pub fn render(diagram: &Diagram) -> String {
    let placed = place_pools(diagram);
    let bottom = placed.last().map_or(MARGIN, |p| p.top + p.height);
    let proxies_height =
        diagram.proxies.iter().map(proxy_height).sum::<usize>() + NODE_GAP * diagram.proxies.len();
    let height = bottom.max(MARGIN + 30 + proxies_height) + MARGIN;
    let width = MARGIN * 2 + PROXY_WIDTH + ROUTE_WIDTH + pool_width();
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    line(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">"
    ));
    line(&format!("<title>{}</title>", escape(&diagram.title)));
    line(&format!("<style>\n{STYLE}</style>"));
    line(&format!(
        "<rect class=\"background\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>"
    ));
    line(&text((MARGIN, MARGIN + 12), "name", &diagram.title));
    let tops = place_proxies(diagram, height);
    line(&draw_routes(diagram, &placed, &tops));
    for (proxy, top) in diagram.proxies.iter().zip(&tops) {
        line(&rect(
            (MARGIN, *top),
            (PROXY_WIDTH, proxy_height(proxy)),
            "proxy",
        ));
        line(&text(
            (MARGIN + PADDING, top + PADDING + 10),
            "name",
            &proxy.name,
        ));
        for (index, label) in proxy.lines.iter().enumerate() {
            line(&text(
                (
                    MARGIN + PADDING,
                    top + PADDING + 10 + LINE_HEIGHT * (index + 1),
                ),
                "small",
                label,
            ));
        }
    }
    for pool in &placed {
        line(&draw_pool(pool));
    }
    line("</svg>");
    out
}

fn pools_left() -> usize {
    MARGIN + PROXY_WIDTH + ROUTE_WIDTH
}

fn pool_width() -> usize {
    PADDING * 2 + INSTANCES_PER_ROW * (INSTANCE_SIZE.0 + INSTANCE_GAP) - INSTANCE_GAP
}

fn proxy_height(proxy: &ProxyNode) -> usize {
    PADDING * 2 + LINE_HEIGHT * (proxy.lines.len() + 1) - 4
}

fn pool_height(pool: &PoolNode, routes: usize) -> usize {
    let hosts = pool.hosts.iter().map(|(_, instances)| {
        LINE_HEIGHT + rows(instances.len()) * (INSTANCE_SIZE.1 + INSTANCE_GAP)
    });
    (PADDING * 2 + LINE_HEIGHT + hosts.sum::<usize>()).max(PADDING + LINE_HEIGHT * (routes + 1))
}

fn rows(instances: usize) -> usize {
    instances.div_ceil(INSTANCES_PER_ROW)
}

fn place_pools(diagram: &Diagram) -> Vec<PlacedPool<'_>> {
    let mut top = MARGIN + 30;
    let mut placed = Vec::new();
    for (index, node) in diagram.pools.iter().enumerate() {
        let routes = diagram.routes.iter().filter(|r| r.pool == index).count();
        let height = pool_height(node, routes);
        placed.push(PlacedPool {
            node,
            top,
            height,
            routes,
        });
        top += height + NODE_GAP;
    }
    placed
}

/// Tops of the proxies: one below the other, vertically centered.
fn place_proxies(diagram: &Diagram, height: usize) -> Vec<usize> {
    let total: usize = diagram
        .proxies
        .iter()
        .map(|p| proxy_height(p) + NODE_GAP)
        .sum();
    let mut top = (height.saturating_sub(total) / 2).max(MARGIN + 30);
    diagram
        .proxies
        .iter()
        .map(|proxy| {
            let at = top;
            top += proxy_height(proxy) + NODE_GAP;
            at
        })
        .collect()
}

fn draw_routes(diagram: &Diagram, placed: &[PlacedPool<'_>], tops: &[usize]) -> String {
    let mut out = String::new();
    let mut drawn = vec![0; placed.len()];
    for route in &diagram.routes {
        let pool = &placed[route.pool];
        let from = (
            MARGIN + PROXY_WIDTH,
            tops[route.proxy] + proxy_height(&diagram.proxies[route.proxy]) / 2,
        );
        let step = (pool.height / (pool.routes + 1)).max(LINE_HEIGHT);
        let to = (pools_left(), pool.top + step * (drawn[route.pool] + 1));
        drawn[route.pool] += 1;
        let middle = from.0 + 90;
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "<path class=\"route\" d=\"M {} {} C {middle} {}, {} {}, {} {} H {}\"/>",
            from.0,
            from.1,
            from.1,
            from.0 + 30,
            to.1,
            middle,
            to.1,
            to.0
        );
        let _ = writeln!(
            out,
            "{}",
            text((middle + 8, to.1 - 5), "small", &route.label)
        );
    }
    out.pop();
    out
}

fn draw_pool(pool: &PlacedPool<'_>) -> String {
    let left = pools_left();
    let mut out = rect((left, pool.top), (pool_width(), pool.height), "pool");
    let mut y = pool.top + PADDING + 10;
    out.push_str(&text((left + PADDING, y), "name", &pool.node.name));
    let caption_left = left + PADDING + 10 + pool.node.name.chars().count() * 8;
    out.push_str(&text((caption_left, y), "small", &pool.node.caption));
    for (host, instances) in &pool.node.hosts {
        y += LINE_HEIGHT;
        out.push_str(&text((left + PADDING, y), "small", host));
        y += 6;
        for (index, instance) in instances.iter().enumerate() {
            let column = index % INSTANCES_PER_ROW;
            let at = (
                left + PADDING + column * (INSTANCE_SIZE.0 + INSTANCE_GAP),
                y + index / INSTANCES_PER_ROW * (INSTANCE_SIZE.1 + INSTANCE_GAP),
            );
            out.push_str(&rect(at, INSTANCE_SIZE, "instance"));
            out.push_str(&text(
                (at.0 + INSTANCE_SIZE.0 / 2, at.1 + 16),
                "small mid",
                instance,
            ));
        }
        y += rows(instances.len()) * (INSTANCE_SIZE.1 + INSTANCE_GAP);
    }
    out
}

fn rect(at: (usize, usize), size: (usize, usize), class: &str) -> String {
    format!(
        "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\"/>",
        at.0, at.1, size.0, size.1
    )
}

fn text(at: (usize, usize), class: &str, content: &str) -> String {
    format!(
        "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>",
        at.0,
        at.1,
        escape(content)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
