//! Commands that write no bundle.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::project::{SOUND, genconf, project, said};

#[test]
fn usage_help_and_version_go_where_they_belong() {
    let folder = project(SOUND);
    let (code, out, err) = said(&genconf(folder.path(), &["--wrong"]));
    assert_eq!((code, out.as_str()), (64, ""));
    assert!(err.contains("unexpected argument '--wrong'"), "{err}");
    let (code, out, err) = said(&genconf(folder.path(), &["-h"]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("Exit codes:"), "{out}");
    let (code, out, _) = said(&genconf(folder.path(), &["-V"]));
    assert_eq!(
        (code, out),
        (0, format!("genconf {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn a_topology_on_standard_input_writes_where_it_is_told() {
    use std::io::Write as _;
    let folder = TempDir::new().expect("a folder can be made");
    let mut child = Command::new(env!("CARGO_BIN_EXE_genconf"))
        .args(["-", "--out", "b"])
        .current_dir(folder.path())
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("genconf starts");
    let mut stdin = child.stdin.take().expect("is piped");
    stdin.write_all(SOUND.as_bytes()).expect("is taken");
    drop(stdin);
    assert!(child.wait().expect("it ended").success());
    assert!(folder.path().join("b/nginx/door/nginx.conf").exists());
}

#[test]
fn a_rendered_line_is_traced_to_the_topology() {
    let folder = project(SOUND);
    genconf(folder.path(), &["topology.yaml"]);
    let conf =
        fs::read_to_string(folder.path().join("nginx/door/nginx.conf")).expect("is readable");
    let line = conf
        .lines()
        .position(|l| l.contains("server 127.0.0.1:8081"))
        .expect("is there")
        + 1;
    let (code, out, err) = said(&genconf(
        folder.path(),
        &["explain", &format!("nginx/door/nginx.conf:{line}")],
    ));
    let wanted = format!(
        "nginx/door/nginx.conf:{line}: server 127.0.0.1:8081 max_fails=0;\n  \
         topology.yaml:5:35: pools.web.ports.0\n      \
         pools: {{ web: {{ app: web, ports: [8080-8081] }} }}\n  \
         printed by the renderer `nginx`\n"
    );
    assert_eq!((code, out), (0, wanted), "{err}");
    let (code, _, err) = said(&genconf(
        folder.path(),
        &["explain", "nginx/door/nginx.conf:99999"],
    ));
    assert!(code == 1 && err.contains("has only"), "{err}");
    let (code, _, err) = said(&genconf(folder.path(), &["explain", "port-clsh"]));
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "error: no fault is called `port-clsh`; did you mean `port-clash`?\n"
        )
    );
}

#[test]
fn a_file_is_explained_by_any_of_its_paths() {
    let folder = project(SOUND);
    genconf(folder.path(), &["topology.yaml"]);
    genconf(folder.path(), &["topology.yaml", "--out", "b"]);
    let whole = folder.path().join("nginx/door/nginx.conf");
    let elsewhere = folder.path().join("b/nginx/door/nginx.conf");
    let (whole, elsewhere) = (whole.display().to_string(), elsewhere.display().to_string());
    for (file, out) in [
        ("nginx/door/nginx.conf", "."),
        ("./nginx/door/nginx.conf", "."),
        ("b/../nginx/door/nginx.conf", "."),
        (whole.as_str(), "."),
        ("nginx/door/nginx.conf", "b"),
        ("b/nginx/door/nginx.conf", "b"),
        (elsewhere.as_str(), "b"),
    ] {
        let line = format!("{file}:1");
        let (code, said, err) = said(&genconf(folder.path(), &["explain", &line, "--out", out]));
        assert_eq!(code, 0, "{file} in {out}: {err}");
        assert!(said.starts_with("nginx/door/nginx.conf:1: "), "{said}");
    }
    let line = format!("{elsewhere}:1");
    let (code, _, err) = said(&genconf(folder.path(), &["explain", &line]));
    assert!(code == 1 && err.contains("makes no file"), "{err}");
}

#[test]
fn a_renderer_that_is_not_there_is_a_wrong_usage() {
    let folder = project(SOUND);
    let verify = |only: &str| {
        said(&genconf(
            folder.path(),
            &["verify", "topology.yaml", "--only", only],
        ))
    };
    let wanted = "error: no renderer is called `haprxy`; did you mean `haproxy`?\n";
    assert_eq!(
        verify("nginx,haprxy"),
        (64, String::new(), wanted.to_owned())
    );
    let (code, _, err) = verify("zzz");
    assert!(
        code == 64 && err.contains("there are ansible, haproxy, nginx"),
        "{err}"
    );
    let (code, _, err) = said(&genconf(
        folder.path(),
        &["topology.yaml", "--only", "ngnix"],
    ));
    let wanted = "error: the bundle has no folder `ngnix`; did you mean `nginx`?\n";
    assert_eq!((code, err.as_str()), (64, wanted));
}

#[test]
fn init_writes_an_example_that_renders_and_overwrites_nothing() {
    let folder = TempDir::new().expect("a folder can be made");
    let (_, list, _) = said(&genconf(folder.path(), &["init", "--list"]));
    // Each is told in a whole sentence.
    assert!(list.lines().all(|line| line.ends_with('.')), "{list}");
    for name in list.lines().filter_map(|l| l.split_whitespace().next()) {
        let file = format!("{name}.yaml");
        let (code, _, err) = said(&genconf(folder.path(), &["init", "--example", name, &file]));
        assert_eq!(code, 0, "{err}");
        let (code, _, err) = said(&genconf(folder.path(), &[&file, "--out", name]));
        assert_eq!(code, 0, "{name}: {err}");
    }
    let written = |file: &str| fs::read_to_string(folder.path().join(file)).expect("is readable");
    let host = "node1: { address: 192.168.56.11, cpus: 2, memory: 1GiB, os: debian13 }";
    assert!(written("default.yaml").contains(host));
    assert!(!written("single.yaml").contains("os: "));
    let (code, _, err) = said(&genconf(folder.path(), &["init", "default.yaml"]));
    assert!(code == 1 && err.contains("is already there"), "{err}");
}

#[test]
fn pictures_are_drawn_in_three_languages() {
    let folder = project(SOUND);
    for (language, sign) in [
        ("svg", "<svg "),
        ("mermaid", "flowchart LR"),
        ("dot", "digraph "),
    ] {
        let (code, out, err) = said(&genconf(
            folder.path(),
            &["graph", "topology.yaml", "--as", language],
        ));
        assert_eq!(code, 0, "{err}");
        assert!(out.starts_with(sign), "{out}");
        for said in ["door", "web", "8080", "8081"] {
            assert!(out.contains(said), "{language} lacks {said}");
        }
    }
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures/topology.svg");
    let (_, out, _) = said(&genconf(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
        &["graph", "topology.yaml"],
    ));
    assert_eq!(
        out,
        fs::read_to_string(picture).expect("is readable"),
        "docs/pictures/topology.svg is stale"
    );
}

#[test]
fn completions_and_the_manual_page_are_printed() {
    let folder = project(SOUND);
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = said(&genconf(folder.path(), &["completions", shell]));
        assert!(code == 0 && out.contains("genconf"), "{shell}");
    }
    let (code, out, _) = said(&genconf(folder.path(), &["man"]));
    assert!(code == 0 && out.contains(".TH genconf 1"), "{out}");
}
