//! Differences between files and the host.

use super::*;
use crate::files::tests::{Host, file};

#[test]
fn a_file_differs_in_content_or_mode() {
    let host = Host::new();
    let secret = File {
        mode: 0o600,
        ..file("/etc/randoms/secret.env", "A=1\n")
    };
    let files = [secret.clone()];
    assert_eq!(differing(&host.root, &files).unwrap(), files);
    host.install(&files, &[]).unwrap();
    assert_eq!(differing(&host.root, &files).unwrap(), []);
    host.root.set_mode(&secret.path, 0o644).unwrap();
    assert_eq!(differing(&host.root, &files).unwrap(), files);
    host.root.set_mode(&secret.path, 0o600).unwrap();
    let other = [File {
        content: b"A=2\n".to_vec(),
        ..secret
    }];
    assert_eq!(differing(&host.root, &other).unwrap(), other);
}

#[test]
fn closed_directories_are_listed_once_and_can_be_repaired() {
    let host = Host::new();
    host.put("/opt/open/a", "");
    host.put("/opt/closed/a", "");
    let [open, closed, missing, link] =
        ["/opt/open", "/opt/closed", "/opt/missing", "/opt/link"].map(PathBuf::from);
    host.root.set_mode(&open, 0o2755).unwrap();
    host.root.set_mode(&closed, 0o750).unwrap();
    std::os::unix::fs::symlink(host.root.resolve(&closed), host.root.resolve(&link)).unwrap();
    let directories = [open, closed.clone(), missing, closed.clone(), link];
    let found = closed_directories(&host.root, &directories).unwrap();
    assert_eq!(found, [closed]);
    repair_directories(&host.root, &found).unwrap();
    assert_eq!(
        closed_directories(&host.root, &directories).unwrap(),
        [] as [PathBuf; 0]
    );
}
