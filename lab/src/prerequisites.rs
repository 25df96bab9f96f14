//! The programs and privileges that a lab needs on the machine.

use std::path::Path;

/// Programs that a lab starts, each with its Debian package.
const PROGRAMS: [(&str, &str); 12] = [
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
    ("mmdebstrap", "mmdebstrap"),
    ("systemd-nspawn", "systemd-container"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("curl", "curl"),
    ("openssl", "openssl"),
    ("npm", "npm"),
    ("strip", "binutils"),
    ("ansible-playbook", "ansible-core"),
];

/// The missing prerequisites, one message each; empty when a lab can run.
#[must_use]
pub fn missing() -> Vec<String> {
    let mut missing: Vec<String> = PROGRAMS
        .iter()
        .filter(|(program, _)| !is_installed(program))
        .map(|(program, package)| format!("{program} is not installed (apt install {package})"))
        .collect();
    if !is_root() {
        missing.push("namespaces and mounts need root (run as root or with sudo)".to_owned());
    }
    missing
}

/// Whether a missing prerequisite must fail the tests instead of skipping them (`CI=true`).
#[must_use]
pub fn skipping_is_forbidden() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true")
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

fn is_root() -> bool {
    std::fs::metadata(Path::new("/proc/self"))
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
