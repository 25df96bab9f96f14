//! `genconf verify`: selection of renderers, and the report.

use crate::project::{VALID, genconf, output, project};

#[test]
fn an_unknown_renderer_is_an_invalid_argument() {
    let folder = project(VALID);
    let verify = |only: &str| {
        output(&genconf(
            folder.path(),
            &["verify", "topology.yaml", "--only", only],
        ))
    };
    let expected = "error: unknown renderer `haprxy` in `--only`\nhelp: did you mean `haproxy`?\n";
    assert_eq!(
        verify("nginx,haprxy"),
        (64, String::new(), expected.to_owned())
    );
    let (code, _, err) = verify("zzz");
    assert!(
        code == 64 && err.contains("renderers: ansible, haproxy, host, nginx"),
        "{err}"
    );
    let (code, _, err) = output(&genconf(
        folder.path(),
        &["topology.yaml", "--only", "ngnix"],
    ));
    let expected = "error: unknown directory `ngnix` in `--only`\nhelp: did you mean `nginx`?\n";
    assert_eq!((code, err.as_str()), (64, expected));
}

#[test]
fn the_report_is_a_result_in_each_format() {
    let folder = project(VALID);
    let verify = |format: &str| {
        let arguments = ["verify", "--only", "vagrant", "-o", format];
        output(&genconf(folder.path(), &arguments))
    };
    let (_, out, err) = verify("human");
    assert!(
        out.contains(" vagrant: ruby -c vagrant/Vagrantfile\n"),
        "{out}"
    );
    assert!(err.contains(" passed, 0 failed, "), "{err}");
    let (_, out, _) = verify("json");
    let report: serde_json::Value = serde_json::from_str(&out).expect("is JSON");
    assert_eq!(report["checks"][0]["renderer"], "vagrant");
    assert_eq!(
        report["checks"][0]["command"],
        "ruby -c vagrant/Vagrantfile"
    );
}
