use serde_json::{Value, json};

use super::request::{Lacks, Mode, Part, SelectedRelease};
use super::*;
use crate::host::fixture::spec;

fn run_json() -> Value {
    json!({
        "who": "op@laptop", "machine": "boot", "pid": 7, "living": [7], "take_over": false,
        "expires_after_s": 60,
    })
}

fn parse(request: &Value) -> Request {
    serde_json::from_value(request.clone()).unwrap()
}

/// The reply to a request that fails before anything changes.
async fn failed(request: &str) -> String {
    let output = execute("randoms", request).await.unwrap();
    assert!(!output.is_success);
    let reply: Value = serde_json::from_str(&output.text).unwrap();
    assert_eq!(reply["changed"], false);
    reply["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_request_of_another_version_is_answered_with_what_to_do() {
    for (request, found) in [
        (json!({"step": "dance"}), "unknown variant `dance`"),
        (
            json!({"step": "restore", "run": run_json(), "extra": 1}),
            "unknown field `extra`",
        ),
        (
            json!({"step": "status", "extra": 1}),
            "unknown field `extra`",
        ),
        (
            json!({"step": "rotate", "out": [], "mode": "dry"}),
            "unknown variant `dry`",
        ),
        (
            json!({"step": "apply", "run": run_json(), "part": "all"}),
            "unknown variant `all`",
        ),
        (json!({"step": "unlock"}), "missing field `run`"),
        (json!({"run": run_json()}), "missing field `step`"),
        (
            json!({"step": "deploy", "run": run_json(), "artifacts": {"a": {"sha256": "", "sha1": ""}}}),
            "unknown field `sha1`",
        ),
        (
            json!({"step": "deploy", "run": run_json(), "artifacts": {}, "timing": {"wait_s": 1}}),
            "unknown field `wait_s`",
        ),
    ] {
        let error = failed(&request.to_string()).await;
        let start = "genconf-host does not understand this playbook: ";
        assert!(
            error.starts_with(start) && error.contains(found),
            "{request}: {error}"
        );
        assert!(error.ends_with("; run site.yml to update it"), "{error}");
    }
    assert!(
        failed("{")
            .await
            .contains("does not understand this playbook")
    );
}

#[tokio::test]
async fn a_configuration_that_cannot_be_installed_is_rejected_before_anything_is_locked() {
    let stage = |spec: &str| {
        let configuration = json!({
            "spec": spec, "files": {}, "env_files": {"/etc/randoms/randoms.env": "A=1\nPORT=2\n"},
        });
        json!({"step": "stage", "run": run_json(), "digest": "d1", "configuration": configuration})
            .to_string()
    };
    let spec = serde_json::to_string(&spec()).unwrap();
    let error = failed(&stage(&spec)).await;
    assert!(
        error.starts_with("line 2 of the env_file for /etc/randoms/randoms.env"),
        "{error}"
    );
    let error = failed(&stage(r#"{"format": 1}"#)).await;
    assert!(
        error.starts_with("spec.json: the file has format 1"),
        "{error}"
    );
}

#[tokio::test]
async fn a_lock_with_another_program_is_answered_with_that_and_nothing_else() {
    let programs = ["0".repeat(64)];
    let request = json!({"step": "lock", "run": run_json(), "programs": programs});
    let output = execute("randoms", &request.to_string()).await.unwrap();
    assert!(output.is_success, "{}", output.text);
    let reply: Value = serde_json::from_str(&output.text).unwrap();
    let wanted = json!({
        "error": "", "changed": false, "log": [], "warnings": [], "program": true, "configuration": false,
        "artifacts": [], "packages": [], "masked": [], "apply": false, "releases": {}, "first_releases": {},
    });
    assert_eq!(reply, wanted);
}

#[test]
fn fields_that_a_playbook_leaves_out_have_defaults() {
    let request = parse(&json!({"step": "lock", "run": run_json()}));
    let Request::Lock(lock) = request else {
        panic!("{request:?}");
    };
    assert_eq!((lock.run.pid, lock.mode), (7, Mode::Apply));
    assert!(lock.programs.is_empty() && lock.configuration.is_empty() && lock.artifacts.is_empty());
    let request = parse(&json!({"step": "rotate"}));
    let is_default =
        matches!(&request, Request::Rotate { mode: Mode::Apply, out } if out.is_empty());
    assert!(is_default, "{request:?}");
    assert!(matches!(
        parse(&json!({"step": "status"})),
        Request::Status {}
    ));
}

#[test]
fn every_step_of_a_playbook_is_understood() {
    let run = run_json();
    let artifacts = json!({"randoms": {"sha256": "ab", "bytes": 3}});
    let timing = json!({"observe_s": 0.5, "confirm_s": 60});
    let configuration = json!({"spec": "{}", "files": {"/etc/a": "a"}, "env_files": {}});
    for request in [
        json!({"step": "stage", "run": run, "mode": "check", "digest": "d", "configuration": configuration}),
        json!({"step": "admit", "run": run, "artifacts": artifacts, "uploaded": {"randoms": "/tmp/a"}}),
        json!({"step": "deploy", "run": run, "artifacts": artifacts, "timing": timing}),
        json!({"step": "select", "run": run, "release": "ab", "apps": ["randoms"]}),
        json!({"step": "rollback", "run": run, "releases": {"randoms": "ab"}, "timing": timing}),
        json!({"step": "undo", "run": run}),
        json!({"step": "confirm", "run": run, "watch_s": 30}),
        json!({"step": "unlock", "run": run}),
        json!({"step": "restore", "run": run}),
    ] {
        parse(&request);
    }
    for (word, part) in [
        ("instances", Part::Instances),
        ("proxies", Part::Proxies),
        ("removal", Part::Removal),
    ] {
        let request = parse(&json!({"step": "apply", "run": run, "part": word, "mode": "check"}));
        let Request::Apply(apply) = request else {
            panic!("{request:?}");
        };
        assert_eq!((apply.part, apply.mode), (part, Mode::Check));
    }
}

#[test]
fn a_reply_has_the_optional_fields_that_its_step_has_set() {
    let reply = Reply {
        changed: true,
        diff: "--- a\n".to_owned(),
        lacks: Lacks {
            packages: vec!["nginx".to_owned()],
            apply: true,
            ..Lacks::default()
        },
        selected: Some(
            [(
                "randoms".to_owned(),
                SelectedRelease {
                    from: None,
                    to: Some("ab".to_owned()),
                },
            )]
            .into(),
        ),
        nothing: Some("node1: no other release".to_owned()),
        moves: vec![crate::plan::Move::default()],
        rows: Some(vec![crate::status::Row::default()]),
        ..Reply::default()
    };
    let reply = serde_json::to_value(&reply).unwrap();
    assert_eq!(reply["diff"], "--- a\n");
    assert_eq!(
        (&reply["packages"], &reply["apply"]),
        (&json!(["nginx"]), &json!(true))
    );
    assert_eq!(
        reply["selected"],
        json!({"randoms": {"from": null, "to": "ab"}})
    );
    assert_eq!(reply["nothing"], "node1: no other release");
    assert_eq!(reply["moves"][0]["fresh"], false);
    assert_eq!(reply["rows"][0]["healthy"], false);
    let failed = serde_json::to_value(Reply::failed("no space")).unwrap();
    assert_eq!(failed["error"], "no space");
    for field in ["diff", "selected", "nothing", "moves", "rows"] {
        assert!(failed.get(field).is_none(), "{field}");
    }
}
