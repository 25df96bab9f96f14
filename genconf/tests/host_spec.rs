//! `hosts/HOST.json` has what the layout has, for every topology.

use std::fs;
use std::path::Path;

use genconf::diagnostic::Diagnostics;
use genconf::source::Source;
use genconf::{generate, render};
use model::HostSpec;

#[test]
fn the_program_on_a_host_reads_what_genconf_resolved() {
    let topologies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../topologies");
    let renderers = render::embedded().expect("are valid");
    let mut monitored = 0;
    for entry in fs::read_dir(topologies).expect("is readable") {
        let path = entry.expect("is readable").path();
        if path.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("is readable");
        let source = Source::new("topology.yaml", text);
        let made = generate(&source, ".", &renderers, &mut Diagnostics::default());
        let made = made.expect("is valid");
        for host in &made.layout.hosts {
            let file = made
                .tree
                .iter()
                .find(|(p, _)| p.as_str() == host.spec_file.source);
            let (_, file) = file.expect("is rendered");
            let text = String::from_utf8(file.bytes.clone()).expect("is UTF-8");
            let spec = HostSpec::from_json(&text).expect("is a host spec");
            assert_eq!(spec, host.spec, "{}", path.display());
            monitored += usize::from(spec.monitor.is_some());
        }
    }
    assert!(monitored > 2);
}
