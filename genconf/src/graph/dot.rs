//! For Graphviz.

use super::Picture;

/// Prints the picture in the DOT language.
#[must_use]
pub fn render(picture: &Picture) -> String {
    let mut lines = vec![
        format!("digraph \"{}\" {{", picture.title),
        "  rankdir=LR; compound=true; node [shape=box, style=rounded];".to_owned(),
    ];
    for (index, door) in picture.doors.iter().enumerate() {
        lines.push(format!(
            "  door{index} [label=\"{}\\n{}\"];",
            door.name,
            door.lines.join("\\n")
        ));
    }
    for (index, group) in picture.groups.iter().enumerate() {
        lines.push(format!(
            "  subgraph cluster_pool{index} {{ label=\"{} · {}\";",
            group.name, group.line
        ));
        for (number, (host, instances)) in group.hosts.iter().enumerate() {
            lines.push(format!(
                "    pool{index}host{number} [label=\"{host}\\n{}\"];",
                instances.join(" ")
            ));
        }
        lines.push("  }".to_owned());
    }
    for way in &picture.ways {
        lines.push(format!(
            "  door{} -> pool{}host0 [lhead=cluster_pool{}, label=\"{}\"];",
            way.door, way.group, way.group, way.label
        ));
    }
    lines.push("}".to_owned());
    lines.join("\n") + "\n"
}
