//! `genconf explain`.

use std::fs;

use crate::project::{VALID, genconf, output, project};

#[test]
fn a_rendered_line_is_traced_to_the_topology() {
    let folder = project(VALID);
    genconf(folder.path(), &["topology.yaml"]);
    let conf =
        fs::read_to_string(folder.path().join("nginx/edge/nginx.conf")).expect("is readable");
    let line = conf
        .lines()
        .position(|l| l.contains("server 127.0.0.1:8081"))
        .expect("is there")
        + 1;
    let (code, out, err) = output(&genconf(
        folder.path(),
        &["explain", &format!("nginx/edge/nginx.conf:{line}")],
    ));
    let expected = format!(
        "nginx/edge/nginx.conf:{line}: server 127.0.0.1:8081 max_fails=0;\n  \
         topology.yaml:5:35: pools.web.ports.0\n      \
         pools: {{ web: {{ app: web, ports: [8080-8081] }} }}\n  \
         rendered from templates/nginx\n"
    );
    assert_eq!((code, out), (0, expected), "{err}");
    let (code, _, err) = output(&genconf(
        folder.path(),
        &["explain", "nginx/edge/nginx.conf:99999"],
    ));
    assert!(
        code == 1 && err.contains("expected a line of nginx/edge/nginx.conf from 1 to "),
        "{err}"
    );
    let (code, _, err) = output(&genconf(folder.path(), &["explain", "port-clsh"]));
    assert_eq!(
        (code, err.as_str()),
        (
            64,
            "error: unknown code or key `port-clsh`\nhelp: did you mean `port-clash`?\n"
        )
    );
}

#[test]
fn a_file_is_explained_by_any_of_its_paths() {
    let folder = project(VALID);
    genconf(folder.path(), &["topology.yaml"]);
    genconf(folder.path(), &["topology.yaml", "--out-dir", "b"]);
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
        let (code, explained, err) = output(&genconf(
            folder.path(),
            &["explain", &line, "--out-dir", out],
        ));
        assert_eq!(code, 0, "{file} in {out}: {err}");
        assert!(
            explained.starts_with("nginx/edge/nginx.conf:1: "),
            "{explained}"
        );
    }
    let line = format!("{elsewhere}:1");
    let (code, _, err) = output(&genconf(folder.path(), &["explain", &line]));
    assert!(code == 1 && err.contains("renders no file"), "{err}");
}

#[test]
fn the_list_of_codes_has_a_summary_on_each_line() {
    let folder = project(VALID);
    let (code, out, _) = output(&genconf(folder.path(), &["explain"]));
    assert_eq!(code, 0);
    assert!(out.lines().all(|line| line.contains("  ")), "{out}");
    assert!(
        out.lines().any(|line| line.starts_with("port-clash ")),
        "{out}"
    );
}

#[test]
fn a_key_is_explained_by_its_description_in_the_schema() {
    let folder = project(VALID);
    let (code, out, err) = output(&genconf(folder.path(), &["explain", "pools.ports"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("pools.NAME.ports\n    "), "{out}");
}
