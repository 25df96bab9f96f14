//! Commands that do not write rendered files.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::project::{TOPOLOGY, genconf, outcome, project};

#[test]
fn usage_errors_are_on_stderr_help_and_version_on_stdout() {
    let folder = project(TOPOLOGY);
    let (code, out, err) = outcome(&genconf(folder.path(), &["--wrong"]));
    assert_eq!((code, out.as_str()), (64, ""));
    assert!(err.contains("unexpected argument '--wrong'"), "{err}");
    let (code, out, err) = outcome(&genconf(folder.path(), &["-h"]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("Exit codes:"), "{out}");
    let (code, out, _) = outcome(&genconf(folder.path(), &["-V"]));
    assert_eq!(
        (code, out),
        (0, format!("genconf {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn a_topology_on_standard_input_is_rendered() {
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
    stdin.write_all(TOPOLOGY.as_bytes()).expect("is taken");
    drop(stdin);
    assert!(child.wait().expect("it ended").success());
    assert!(folder.path().join("b/nginx/edge/nginx.conf").exists());
}

#[test]
fn explain_prints_the_source_of_a_rendered_line() {
    let folder = project(TOPOLOGY);
    genconf(folder.path(), &["topology.yaml"]);
    let conf =
        fs::read_to_string(folder.path().join("nginx/edge/nginx.conf")).expect("is readable");
    let line = conf
        .lines()
        .position(|l| l.contains("server 127.0.0.1:8081"))
        .expect("is there")
        + 1;
    let (code, out, err) = outcome(&genconf(
        folder.path(),
        &["explain", &format!("nginx/edge/nginx.conf:{line}")],
    ));
    let wanted = format!(
        "nginx/edge/nginx.conf:{line}: server 127.0.0.1:8081 max_fails=0;\n  \
         topology.yaml:5:35: pools.web.ports.0\n      \
         pools: {{ web: {{ app: web, ports: [8080-8081] }} }}\n  \
         printed by the renderer `nginx`\n"
    );
    assert_eq!((code, out), (0, wanted), "{err}");
    let (code, _, err) = outcome(&genconf(
        folder.path(),
        &["explain", "nginx/edge/nginx.conf:99999"],
    ));
    assert!(code == 1 && err.contains("has only"), "{err}");
    let (code, _, err) = outcome(&genconf(folder.path(), &["explain", "port-clsh"]));
    assert_eq!(
        (code, err.as_str()),
        (
            1,
            "error: no fault is called `port-clsh`; did you mean `port-clash`?\n"
        )
    );
}

#[test]
fn explain_accepts_any_path_of_a_file() {
    let folder = project(TOPOLOGY);
    genconf(folder.path(), &["topology.yaml"]);
    genconf(folder.path(), &["topology.yaml", "--out", "b"]);
    let whole = folder.path().join("nginx/edge/nginx.conf");
    let elsewhere = folder.path().join("b/nginx/edge/nginx.conf");
    let (whole, elsewhere) = (whole.display().to_string(), elsewhere.display().to_string());
    for (file, out) in [
        ("nginx/edge/nginx.conf", "."),
        ("./nginx/edge/nginx.conf", "."),
        ("b/../nginx/edge/nginx.conf", "."),
        (whole.as_str(), "."),
        ("nginx/edge/nginx.conf", "b"),
        ("b/nginx/edge/nginx.conf", "b"),
        (elsewhere.as_str(), "b"),
    ] {
        let line = format!("{file}:1");
        let (code, out_text, err) =
            outcome(&genconf(folder.path(), &["explain", &line, "--out", out]));
        assert_eq!(code, 0, "{file} in {out}: {err}");
        assert!(
            out_text.starts_with("nginx/edge/nginx.conf:1: "),
            "{out_text}"
        );
    }
    let line = format!("{elsewhere}:1");
    let (code, _, err) = outcome(&genconf(folder.path(), &["explain", &line]));
    assert!(code == 1 && err.contains("makes no file"), "{err}");
}

#[test]
fn an_unknown_renderer_is_a_usage_error() {
    let folder = project(TOPOLOGY);
    let verify = |only: &str| {
        outcome(&genconf(
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
    let (code, _, err) = outcome(&genconf(
        folder.path(),
        &["topology.yaml", "--only", "ngnix"],
    ));
    let wanted = "error: the bundle has no folder `ngnix`; did you mean `nginx`?\n";
    assert_eq!((code, err.as_str()), (64, wanted));
}

#[test]
fn init_writes_a_valid_template_and_overwrites_nothing() {
    let folder = TempDir::new().expect("a folder can be made");
    let (_, list, _) = outcome(&genconf(folder.path(), &["init", "--list"]));
    // Every description is a sentence.
    assert!(list.lines().all(|line| line.ends_with('.')), "{list}");
    for name in list.lines().filter_map(|l| l.split_whitespace().next()) {
        let file = format!("{name}.yaml");
        let (code, _, err) = outcome(&genconf(folder.path(), &["init", "--example", name, &file]));
        assert_eq!(code, 0, "{err}");
        let (code, _, err) = outcome(&genconf(folder.path(), &[&file, "--out", name]));
        assert_eq!(code, 0, "{name}: {err}");
    }
    let written = |file: &str| fs::read_to_string(folder.path().join(file)).expect("is readable");
    let host = "node1: { address: 192.168.56.11, cpus: 2, memory: 1GiB, os: debian13 }";
    assert!(written("default.yaml").contains(host));
    assert!(!written("single.yaml").contains("os: "));
    let (code, _, err) = outcome(&genconf(folder.path(), &["init", "default.yaml"]));
    assert!(code == 1 && err.contains("is already there"), "{err}");
}

#[test]
fn graph_prints_three_formats() {
    let folder = project(TOPOLOGY);
    for (language, sign) in [
        ("svg", "<svg "),
        ("mermaid", "flowchart LR"),
        ("dot", "digraph "),
    ] {
        let (code, out, err) = outcome(&genconf(
            folder.path(),
            &["graph", "topology.yaml", "--as", language],
        ));
        assert_eq!(code, 0, "{err}");
        assert!(out.starts_with(sign), "{out}");
        for name in ["edge", "web", "8080", "8081"] {
            assert!(out.contains(name), "{language} lacks {name}");
        }
    }
    let diagram = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures/topology.svg");
    let (_, out, _) = outcome(&genconf(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
        &["graph", "topology.yaml"],
    ));
    assert_eq!(
        out,
        fs::read_to_string(diagram).expect("is readable"),
        "docs/pictures/topology.svg is stale"
    );
}

#[test]
fn completions_and_the_manual_page_are_printed() {
    let folder = project(TOPOLOGY);
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = outcome(&genconf(folder.path(), &["completions", shell]));
        assert!(code == 0 && out.contains("genconf"), "{shell}");
    }
    let (code, out, _) = outcome(&genconf(folder.path(), &["man"]));
    assert!(code == 0 && out.contains(".TH genconf 1"), "{out}");
}
