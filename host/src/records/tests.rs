use super::*;

fn record(inputs: &str) -> Record {
    Record {
        before_start: None,
        restarted: Some("run-2".to_owned()),
        invocation: "run-1".to_owned(),
        inputs: inputs.to_owned(),
        configuration: String::new(),
        release: Some("111111111111".to_owned()),
    }
}

#[test]
fn records_are_read_again_as_they_were_written() {
    let state = tempfile::tempdir().unwrap();
    let mut records = Records::read(state.path()).unwrap();
    assert_eq!(records.get("a.service"), None);
    records.set("a.service", record("a")).unwrap();
    records.set("b.service", record("b")).unwrap();
    records.set("a.service", record("c")).unwrap();
    let again = Records::read(state.path()).unwrap();
    assert_eq!(again.get("a.service"), Some(&record("c")));
    assert_eq!(again.get("b.service"), Some(&record("b")));
}

#[test]
fn only_a_change_writes_the_file() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("started.json");
    let mut records = Records::read(state.path()).unwrap();
    records.retain(|_| false).unwrap();
    assert!(!path.exists());
    records.set("a.service", record("a")).unwrap();
    std::fs::remove_file(&path).unwrap();
    records.set("a.service", record("a")).unwrap();
    records.retain(|_| true).unwrap();
    assert!(!path.exists());
    records.set("a.service", record("b")).unwrap();
    assert!(path.exists());
}

#[test]
fn records_of_units_that_are_not_kept_are_removed() {
    let state = tempfile::tempdir().unwrap();
    let mut records = Records::read(state.path()).unwrap();
    for unit in ["a.service", "b.service"] {
        records.set(unit, record(unit)).unwrap();
    }
    records.retain(|unit| unit == "b.service").unwrap();
    let again = Records::read(state.path()).unwrap();
    assert_eq!(again.get("a.service"), None);
    assert_eq!(again.get("b.service"), Some(&record("b.service")));
}

#[test]
fn a_file_of_another_version_has_no_records_and_is_replaced() {
    let state = tempfile::tempdir().unwrap();
    for text in ["", "[]", r#"{"a.service": {"digest": 1}}"#] {
        std::fs::write(state.path().join("started.json"), text).unwrap();
        let mut records = Records::read(state.path()).unwrap();
        assert_eq!(records.get("a.service"), None, "{text:?}");
        records.set("a.service", record("a")).unwrap();
        let again = Records::read(state.path()).unwrap();
        assert_eq!(again.get("a.service"), Some(&record("a")));
    }
}

#[test]
fn a_record_without_later_fields_is_read() {
    let state = tempfile::tempdir().unwrap();
    let text = r#"{"a.service": {"inputs": "a"}}"#;
    std::fs::write(state.path().join("started.json"), text).unwrap();
    let records = Records::read(state.path()).unwrap();
    assert_eq!(records.get("a.service").unwrap().inputs, "a");
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let state = tempfile::tempdir().unwrap();
    std::fs::create_dir(state.path().join("started.json")).unwrap();
    Records::read(state.path()).unwrap_err();
}
