//! Statements and digests.

use super::*;
use crate::files::tests::Host;

const UNIT: &str = "/etc/systemd/system/randoms-web@.service";
const DROPIN: &str = "/etc/systemd/system/randoms-web@.service.d/own.conf";
const ENV: &str = "/etc/randoms/web.env";

fn digest(host: &Host) -> String {
    let files = [UNIT, DROPIN].map(PathBuf::from);
    digest_of_inputs(&host.root, &files, Some(Path::new(ENV))).unwrap()
}

#[test]
fn comments_and_blank_lines_are_no_statements() {
    let unit = "# Why.\n; Why not.\n\n[Socket]\n  # Indented.\n  ListenStream=80  \r\nBacklog=5";
    assert_eq!(
        statements(unit),
        ["[Socket]", "ListenStream=80", "Backlog=5"]
    );
}

#[test]
fn a_blank_line_ends_a_continued_statement_and_a_comment_does_not() {
    assert_eq!(
        statements("A=1 \\\n# Why.\n  2\nB=3\n"),
        ["A=1 \\", "2", "B=3"]
    );
    assert_ne!(statements("A=1 \\\n\nB=3\n"), statements("A=1 \\\nB=3\n"));
    assert_ne!(statements("A=1\\ \nB=3\n"), statements("A=1\\\nB=3\n"));
}

#[test]
fn a_change_of_comments_does_not_change_the_digest_of_inputs() {
    let host = Host::new();
    host.put(UNIT, "# Why.\n[Service]\nExecStart=a\n");
    let before = digest(&host);
    assert_eq!(before.len(), 64);
    host.put(UNIT, "[Service]\n\n  ; Because.\nExecStart=a\n");
    assert_eq!(digest(&host), before);
}

#[test]
fn each_change_of_an_input_changes_the_digest_of_inputs() {
    let host = Host::new();
    let mut digests = vec![digest(&host)];
    for (path, content) in [
        (UNIT, ""),
        (UNIT, "[Service]\nExecStart=a\n"),
        (UNIT, "[Service]\nExecStart=b\n"),
        (DROPIN, ""),
        (DROPIN, "[Service]\nUser=c\n"),
        (ENV, ""),
        (ENV, "A=1\n"),
        // Not a unit: a comment can be part of a value.
        (ENV, "A=1\n# Why.\n"),
    ] {
        host.put(path, content);
        digests.push(digest(&host));
    }
    let files = [UNIT, DROPIN].map(PathBuf::from);
    digests.push(digest_of_inputs(&host.root, &files, None).unwrap());
    digests.push(digest_of_inputs(&host.root, &files[..1], None).unwrap());
    std::fs::write(host.root.resolve(Path::new(UNIT)), [0xff]).unwrap();
    digests.push(digest(&host));
    let count = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn a_statement_in_another_file_changes_the_digest_of_inputs() {
    let host = Host::new();
    host.put(UNIT, "[Service]\nUser=a\n");
    host.put(DROPIN, "Group=b\n");
    let before = digest(&host);
    host.put(UNIT, "[Service]\n");
    host.put(DROPIN, "User=a\nGroup=b\n");
    assert_ne!(digest(&host), before);
}

#[test]
fn the_order_of_unit_files_does_not_change_the_digest_of_inputs() {
    let host = Host::new();
    host.put(UNIT, "[Service]\n");
    host.put(DROPIN, "[Service]\nUser=a\n");
    let files = [DROPIN, UNIT, DROPIN].map(PathBuf::from);
    let reversed = digest_of_inputs(&host.root, &files, Some(Path::new(ENV))).unwrap();
    assert_eq!(reversed, digest(&host));
}
