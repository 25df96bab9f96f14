//! `genconf graph`.

use std::fs;
use std::path::Path;

use crate::project::{VALID, genconf, output, project};

#[test]
fn diagrams_are_printed_in_each_format() {
    let folder = project(VALID);
    for (format, start) in [
        ("svg", "<svg "),
        ("mermaid", "flowchart LR"),
        ("dot", "digraph "),
    ] {
        let (code, out, err) = output(&genconf(
            folder.path(),
            &["graph", "topology.yaml", "--format", format],
        ));
        assert_eq!(code, 0, "{err}");
        assert!(out.starts_with(start), "{out}");
        for label in ["edge", "web", "8080", "8081"] {
            assert!(out.contains(label), "{format} has no {label}");
        }
    }
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures/topology.svg");
    let (_, out, _) = output(&genconf(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
        &["graph", "topology.yaml"],
    ));
    assert_eq!(
        out,
        fs::read_to_string(picture).expect("is readable"),
        "docs/pictures/topology.svg is not current"
    );
}
