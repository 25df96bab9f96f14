//! What a host must have before anything on it is changed.

use std::path::Path;
use std::process::Command;

use super::request::Lacks;

/// The oldest systemd that the rendered units are tested with: that of Debian 12.
const MIN_SYSTEMD: u32 = 252;

/// Fails with everything that this host lacks and that genconf does not install.
pub(super) fn require(lacks: &Lacks) -> Result<(), String> {
    let installer = Path::new("/usr/bin/apt-get").exists();
    let problems = problems(
        &systemd_version(),
        lacks,
        if installer {
            Installer::Apt
        } else {
            Installer::None
        },
    );
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.join("; "))
}

/// How packages are installed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Installer {
    Apt,
    None,
}

/// `version`: the output of `systemctl --version`.
fn problems(version: &str, lacks: &Lacks, installer: Installer) -> Vec<String> {
    let mut problems = Vec::new();
    // `systemd 252 (252.39-1~deb12u1)`.
    let number = version
        .split_whitespace()
        .nth(1)
        .and_then(|word| word.parse::<u32>().ok());
    match number {
        None => problems.push("the host has no systemd".to_owned()),
        Some(number) if number < MIN_SYSTEMD => problems.push(format!(
            "the host has systemd {number}, expected at least {MIN_SYSTEMD} (Debian 12)"
        )),
        Some(_) => {}
    }
    if installer == Installer::None && !lacks.packages.is_empty() {
        problems.push(format!(
            "the host has no apt-get; install what the packages {} contain",
            lacks.packages.join(", ")
        ));
    }
    problems
}

fn systemd_version() -> String {
    let output = Command::new("systemctl")
        .arg("--version")
        .env("LC_ALL", "C.UTF-8")
        .output();
    output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN_12: &str = "systemd 252 (252.39-1~deb12u1)\n+PAM +AUDIT\n";

    fn lacking(packages: &[&str]) -> Lacks {
        Lacks {
            packages: packages.iter().map(|&package| package.to_owned()).collect(),
            ..Lacks::default()
        }
    }

    #[test]
    fn an_older_systemd_is_named_with_the_expected_version() {
        let debian_11 = "systemd 247 (247.3-7+deb11u6)\n";
        let found = problems(debian_11, &lacking(&["nginx"]), Installer::Apt);
        assert_eq!(
            found,
            ["the host has systemd 247, expected at least 252 (Debian 12)"]
        );
        assert_eq!(
            problems(DEBIAN_12, &lacking(&["nginx"]), Installer::Apt),
            [""; 0]
        );
        assert_eq!(
            problems("systemd 257 (257.8)", &lacking(&[]), Installer::None),
            [""; 0]
        );
    }

    #[test]
    fn all_problems_are_reported() {
        let found = problems("", &lacking(&["nginx", "dbus"]), Installer::None);
        let wanted = [
            "the host has no systemd",
            "the host has no apt-get; install what the packages nginx, dbus contain",
        ];
        assert_eq!(found, wanted);
    }
}
