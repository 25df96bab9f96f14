//! Host images: one Debian root directory per suite, built once and shared by all hosts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{ContainerEngine, Error, Result, Suite, command, digest};

/// Packages of every lab host. A lab network has no route to a package mirror, so packages that a
/// playbook installs must be in the image.
const PACKAGES: [&str; 15] = [
    "ca-certificates",
    "dbus",
    "haproxy",
    "iproute2",
    "logrotate",
    "nginx",
    "nodejs",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd",
    "systemd-sysv",
    "tzdata",
];

/// Commands that customize the finished root directory `$1` (mmdebstrap(1) `--customize-hook`).
const HOOKS: [&str; 4] = [
    // Playbooks find the proxies installed but not enabled.
    r#"systemctl --root="$1" disable --quiet nginx.service haproxy.service"#,
    // These timers fail without a mirror.
    r#"systemctl --root="$1" mask --quiet apt-daily.timer apt-daily-upgrade.timer"#,
    // A container has no console and no clock.
    r#"systemctl --root="$1" mask --quiet systemd-timesyncd.service getty.target console-getty.service"#,
    // Ansible's apt module does not update package lists with a time stamp in the future.
    r#"mkdir -p "$1/var/lib/apt/periodic" && touch -d 2099-01-01 "$1/var/lib/apt/periodic/update-success-stamp" "$1/var/lib/apt/lists""#,
];

/// The default package mirror; `LAB_MIRROR` overrides it.
const MIRROR: &str = "http://deb.debian.org/debian";

/// A Debian root directory that hosts boot from; it is not changed after it is built.
#[derive(Debug, Clone)]
pub struct Image {
    root: PathBuf,
    /// Debian suite.
    pub suite: Suite,
}

impl Image {
    /// The image of `suite` with a container engine, from the cache; builds a missing image.
    ///
    /// The cache is `$XDG_CACHE_HOME/genconf-lab`, by default below `~/.cache`. The name of an
    /// image contains the digest of its packages and hooks.
    pub fn cached(suite: Suite, engine: Option<ContainerEngine>) -> Result<Self> {
        let cache = cache_directory();
        fs::create_dir_all(&cache).map_err(Error::io(format!("creating {}", cache.display())))?;
        let packages = packages(suite, engine);
        let root = cache.join(format!("{suite}-{}", recipe_digest(suite, &packages)));
        let lock_path = cache.join(format!("{suite}.lock"));
        let lock = File::create(&lock_path).map_err(Error::io("opening the image lock"))?;
        lock.lock()
            .map_err(Error::io("waiting for the image lock"))?;
        if !root.exists() {
            build(suite, &packages, &root)?;
        }
        Ok(Self { root, suite })
    }

    /// Path of the root directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// Builds an image under a temporary name and renames it, so that an existing image is complete.
fn build(suite: Suite, packages: &[&str], root: &Path) -> Result<()> {
    let unfinished = root.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(Error::io("removing an unfinished image"))?;
    }
    let mirror = std::env::var("LAB_MIRROR").unwrap_or_else(|_| MIRROR.to_owned());
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=minbase", "--quiet"]);
    command.arg(format!("--include={}", packages.join(",")));
    for hook in HOOKS {
        command.arg(format!("--customize-hook={hook}"));
    }
    command.arg(suite.name()).arg(&unfinished).arg(mirror);
    command::capture(&mut command)?.success()?;
    fs::rename(&unfinished, root).map_err(Error::io(format!("renaming to {}", root.display())))
}

fn cache_directory() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/root".into()));
    std::env::var_os("XDG_CACHE_HOME")
        .filter(|directory| !directory.is_empty())
        .map_or_else(|| home().join(".cache"), PathBuf::from)
        .join("genconf-lab")
}

fn packages(suite: Suite, engine: Option<ContainerEngine>) -> Vec<&'static str> {
    let engine_packages = engine.map(|engine| engine.packages(suite));
    PACKAGES
        .iter()
        .chain(engine_packages.into_iter().flatten())
        .copied()
        .collect()
}

fn recipe_digest(suite: Suite, packages: &[&str]) -> String {
    let recipe = format!("{suite}\n{}\n{}", packages.join("\n"), HOOKS.join("\n"));
    digest::hex(&recipe, 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_suite_and_engine_has_a_separate_image() {
        let digest = |suite, engine| recipe_digest(suite, &packages(suite, engine));
        assert_ne!(digest(Suite::Bookworm, None), digest(Suite::Trixie, None));
        let docker = Some(ContainerEngine::Docker);
        assert_ne!(digest(Suite::Trixie, None), digest(Suite::Trixie, docker));
    }
}
