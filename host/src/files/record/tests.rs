//! The record of installed files.

use super::*;
use crate::files::tests::{Host, file};

#[test]
fn files_that_were_modified_or_removed_since_are_reported() {
    let host = Host::new();
    let files = ["same", "edited", "gone"].map(|name| file(&format!("/etc/randoms/{name}"), name));
    assert_eq!(modified(&host.root, "randoms").unwrap(), BTreeMap::new());
    let record = record_of("randoms", &files).unwrap();
    assert_eq!(record.path, Path::new("/etc/randoms/files.json"));
    host.install(&[files.to_vec(), vec![record]].concat(), &[])
        .unwrap();
    assert_eq!(modified(&host.root, "randoms").unwrap(), BTreeMap::new());
    let edited = host.put("/etc/randoms/edited", "otherwise");
    let gone = PathBuf::from("/etc/randoms/gone");
    host.root.remove(&gone).unwrap();
    let expected = [
        (edited, Modification::Modified),
        (gone, Modification::Missing),
    ];
    assert_eq!(
        modified(&host.root, "randoms").unwrap(),
        BTreeMap::from(expected)
    );
}

#[test]
fn a_record_of_an_earlier_version_is_read() {
    let host = Host::new();
    let same = host.put("/etc/randoms/same", "same");
    let digest = "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5";
    let text = format!("{{\n  \"{}\": \"{digest}\"\n}}\n", same.display());
    host.put("/etc/randoms/files.json", &text);
    assert_eq!(modified(&host.root, "randoms").unwrap(), BTreeMap::new());
    let record = record_of("randoms", &[file("/etc/randoms/same", "same")]).unwrap();
    assert_eq!(String::from_utf8(record.content).unwrap(), text);
}

#[test]
fn a_record_that_cannot_be_parsed_is_an_error_with_its_path() {
    let host = Host::new();
    host.put("/etc/randoms/files.json", "{");
    let message = modified(&host.root, "randoms").unwrap_err().to_string();
    assert!(
        message.starts_with("/etc/randoms/files.json: "),
        "{message}"
    );
}
