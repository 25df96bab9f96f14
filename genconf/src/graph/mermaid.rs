//! For pages that draw Mermaid by themselves.

use super::Picture;

/// Prints the picture as a Mermaid flowchart.
#[must_use]
pub fn render(picture: &Picture) -> String {
    let mut lines = vec!["flowchart LR".to_owned()];
    for (index, door) in picture.doors.iter().enumerate() {
        lines.push(format!(
            "  door{index}[\"{}<br/>{}\"]",
            door.name,
            door.lines.join("<br/>")
        ));
    }
    for (index, group) in picture.groups.iter().enumerate() {
        lines.push(format!(
            "  subgraph pool{index}[\"{} · {}\"]",
            group.name, group.line
        ));
        for (number, (host, instances)) in group.hosts.iter().enumerate() {
            lines.push(format!(
                "    pool{index}host{number}[\"{host}<br/>{}\"]",
                instances.join(" ")
            ));
        }
        lines.push("  end".to_owned());
    }
    for way in &picture.ways {
        lines.push(format!(
            "  door{} -->|\"{}\"| pool{}",
            way.door, way.label, way.group
        ));
    }
    lines.join("\n") + "\n"
}
