//! Host images: one Debian tree per suite, made once and shared by all hosts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Engine, Error, Result, Suite, command, digest};

/// What every lab host has installed. A lab namespace has no route to a package
/// mirror, so what a playbook would install must be here already.
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

/// Commands on the finished tree, `$1`, by mmdebstrap(1) `--customize-hook`.
const HOOKS: [&str; 4] = [
    // Installed as a playbook would find them on a host it has not touched.
    r#"systemctl --root="$1" disable --quiet nginx.service haproxy.service"#,
    // Without a mirror these timers only fail.
    r#"systemctl --root="$1" mask --quiet apt-daily.timer apt-daily-upgrade.timer"#,
    // Spread over the names a container has none of: no console, no clock of its own.
    r#"systemctl --root="$1" mask --quiet systemd-timesyncd.service getty.target console-getty.service"#,
    // Tells the apt module that its lists are fresh for good.
    r#"mkdir -p "$1/var/lib/apt/periodic" && touch -d 2099-01-01 "$1/var/lib/apt/periodic/update-success-stamp" "$1/var/lib/apt/lists""#,
];

/// Where packages come from unless `LAB_MIRROR` says otherwise.
const MIRROR: &str = "http://deb.debian.org/debian";

/// A Debian tree that hosts boot from, never written to after it is made.
#[derive(Debug, Clone)]
pub struct Image {
    tree: PathBuf,
    /// The suite it was made from.
    pub suite: Suite,
}

impl Image {
    /// The tree of `suite`, with a container engine if one is asked for, from
    /// the cache, made first when it is not there.
    ///
    /// The cache is `$XDG_CACHE_HOME/genconf-lab`, by default below `~/.cache`;
    /// a tree is named by the digest of its recipe.
    pub fn cached(suite: Suite, engine: Option<Engine>) -> Result<Self> {
        let cache = cache_folder();
        fs::create_dir_all(&cache).map_err(Error::io(format!("making {}", cache.display())))?;
        let packages = packages(suite, engine);
        let tree = cache.join(format!("{suite}-{}", recipe_digest(suite, &packages)));
        let lock_path = cache.join(format!("{suite}.lock"));
        let lock = File::create(&lock_path).map_err(Error::io("opening the image lock"))?;
        lock.lock()
            .map_err(Error::io("waiting for the image lock"))?;
        if !tree.exists() {
            make(suite, &packages, &tree)?;
        }
        Ok(Self { tree, suite })
    }

    /// The tree's folder.
    #[must_use]
    pub fn tree(&self) -> &Path {
        &self.tree
    }
}

/// Made under another name and renamed at the end: a tree that exists is whole.
fn make(suite: Suite, packages: &[&str], tree: &Path) -> Result<()> {
    let unfinished = tree.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(Error::io("removing an unfinished tree"))?;
    }
    let mirror = std::env::var("LAB_MIRROR").unwrap_or_else(|_| MIRROR.to_owned());
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=minbase", "--quiet"]);
    command.arg(format!("--include={}", packages.join(",")));
    for hook in HOOKS {
        command.arg(format!("--customize-hook={hook}"));
    }
    command.arg(suite.name()).arg(&unfinished).arg(mirror);
    command::finish(&mut command)?.success()?;
    fs::rename(&unfinished, tree).map_err(Error::io(format!("naming {}", tree.display())))
}

fn cache_folder() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/root".into()));
    std::env::var_os("XDG_CACHE_HOME")
        .filter(|folder| !folder.is_empty())
        .map_or_else(|| home().join(".cache"), PathBuf::from)
        .join("genconf-lab")
}

fn packages(suite: Suite, engine: Option<Engine>) -> Vec<&'static str> {
    let more = engine.map(|engine| engine.packages(suite));
    PACKAGES
        .iter()
        .chain(more.into_iter().flatten())
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
    fn each_suite_and_engine_has_a_tree_of_its_own() {
        let digest = |suite, engine| recipe_digest(suite, &packages(suite, engine));
        assert_ne!(digest(Suite::Bookworm, None), digest(Suite::Trixie, None));
        let docker = Some(Engine::Docker);
        assert_ne!(digest(Suite::Trixie, None), digest(Suite::Trixie, docker));
    }
}
