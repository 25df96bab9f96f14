//! Compares the rendered files of every topology with the snapshots in `templates/*/golden`.
//! `make bless` updates them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use genconf::diagnostic::Diagnostics;
use genconf::render::{self, Renderer};
use genconf::source::Source;
use genconf::{generate, tree};

type Files = BTreeMap<String, Vec<u8>>;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The root topology and those in `topologies/`.
fn topologies() -> Vec<PathBuf> {
    let folder = fs::read_dir(repository().join("topologies")).expect("is readable");
    let mut found: Vec<_> = folder
        .map(|entry| entry.expect("is readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    found.push(repository().join("topology.yaml"));
    found.sort();
    found
}

/// The files that `renderer` renders for the topology at `path`, without static files.
fn rendered(renderer: &Renderer, path: &Path) -> Files {
    let text = fs::read_to_string(path).expect("the topology is readable");
    let source = Source::new(path.display().to_string(), text);
    let mut diagnostics = Diagnostics::default();
    let made = generate(
        &source,
        ".",
        std::slice::from_ref(renderer),
        &mut diagnostics,
    );
    let made = made.unwrap_or_else(|e| panic!("{}: {e:?} {diagnostics:?}", path.display()));
    let is_static = |path: &str| repository().join("templates").join(path).is_file();
    made.tree
        .iter()
        .filter(|(path, _)| !is_static(path.as_str()))
        .map(|(path, artifact)| (path.to_string(), artifact.bytes.clone()))
        .collect()
}

fn read_tree(root: &Path, folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            read_tree(root, &path, files);
        } else {
            let name = path
                .strip_prefix(root)
                .expect("is below")
                .display()
                .to_string();
            files.insert(name, fs::read(&path).expect("the file is readable"));
        }
    }
}

fn update(golden: &Path, files: &Files) {
    let _ = fs::remove_dir_all(golden);
    for (name, bytes) in files {
        let path = golden.join(name);
        fs::create_dir_all(path.parent().expect("has one")).expect("a folder can be made");
        fs::write(path, bytes).expect("a file can be written");
    }
}

fn compare(golden: &Path, made: &Files) {
    let mut wanted = Files::new();
    read_tree(golden, golden, &mut wanted);
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(made), names(&wanted), "files of {}", golden.display());
    for (name, bytes) in made {
        let (made, wanted) = (
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&wanted[name]),
        );
        assert!(
            made == wanted,
            "{}/{name} differs; run `make bless` to update it\n{}",
            golden.display(),
            similar::TextDiff::from_lines(&*wanted, &*made).unified_diff()
        );
    }
}

#[test]
fn rendered_files_equal_the_snapshots() {
    for renderer in render::embedded().expect("the embedded templates are valid") {
        for topology in topologies() {
            let made = rendered(&renderer, &topology);
            let case = topology.file_stem().expect("has a name");
            let golden = repository()
                .join("templates")
                .join(renderer.name())
                .join("golden")
                .join(case);
            if std::env::var_os("BLESS").is_some() {
                update(&golden, &made);
            }
            compare(&golden, &made);
        }
    }
}

#[test]
fn every_unit_of_a_host_is_rendered() {
    let renderers = render::embedded().expect("the embedded templates are valid");
    for topology in ["topology.yaml", "topologies/two-hosts.yaml"] {
        let text = fs::read_to_string(repository().join(topology)).expect("is readable");
        let made = generate(
            &Source::new(topology, text),
            ".",
            &renderers,
            &mut Diagnostics::default(),
        );
        let made = made.expect("the topology is valid");
        let is_rendered = |path: &str| {
            let path = tree::OutputPath::new(path).expect("is inside");
            assert!(
                made.tree.get(&path).is_some(),
                "{topology}: {path} is not rendered"
            );
        };
        for host in &made.layout.hosts {
            host.units
                .iter()
                .for_each(|unit| is_rendered(&format!("systemd/{unit}")));
            host.dropins
                .iter()
                .for_each(|dropin| is_rendered(&dropin.source));
            host.proxies
                .iter()
                .for_each(|proxy| is_rendered(&proxy.config));
        }
    }
}
