//! The programs and artifacts under test, built from this workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lab::{Error, Result, command, digest, runtime_directory};

use crate::single_host_systems;

/// Name of the server without symbols, as in a release: every deploy uploads it.
const SERVER: &str = "randoms-stripped";

/// The directory of the built binaries.
pub(crate) struct Programs {
    directory: PathBuf,
}

impl Programs {
    /// Builds genconf and the server with the profile of these tests.
    pub(crate) fn build() -> Result<Self> {
        let directory = directory();
        let target = directory.parent().map(PathBuf::from).unwrap_or_default();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--profile", &profile(&directory)]);
        // All of the workspace, as for these tests: dependencies of a part have other features.
        cargo.args(["--workspace", "--bins"]);
        cargo.arg("--target-dir").arg(target);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        command::capture(&mut cargo)?.success()?;
        let mut strip = Command::new("strip");
        strip
            .arg("-o")
            .arg(directory.join(SERVER))
            .arg(directory.join("randoms"));
        command::capture(&mut strip)?.success()?;
        Ok(Self { directory })
    }

    pub(crate) fn genconf(&self) -> PathBuf {
        self.directory.join("genconf")
    }

    /// The server's bytes.
    pub(crate) fn server(&self) -> Result<Vec<u8>> {
        let path = self.directory.join(SERVER);
        fs::read(&path).map_err(Error::io(format!("reading {}", path.display())))
    }

    /// The Express app of `topologies/node-app.yaml`, built by its `build` command.
    ///
    /// The directory is named by the digest of the sources and kept, so that npm runs once.
    pub(crate) fn express(&self) -> Result<Vec<u8>> {
        let sources = [
            (
                "app.js",
                include_str!("../../../topologies/node-app/app.js"),
            ),
            (
                "package.json",
                include_str!("../../../topologies/node-app/package.json"),
            ),
            (
                "public/hello.txt",
                include_str!("../../../topologies/node-app/public/hello.txt"),
            ),
        ];
        let build = single_host_systems::NODE_APP
            .topology
            .lines()
            .find_map(|line| line.trim().strip_prefix("build: "))
            .unwrap_or_default();
        let texts = sources.map(|(_, text)| text).concat();
        let digest = digest::hex(&format!("{build}{texts}"), 6);
        let directory = self.directory.join(format!("node-app-{digest}"));
        let archive = directory.join("node-app/web.tar.gz");
        if !archive.exists() {
            let app = directory.join("node-app");
            fs::create_dir_all(app.join("public"))
                .map_err(Error::io("creating a directory for the app"))?;
            for (name, text) in sources {
                runtime_directory::write(&app.join(name), text)?;
            }
            let mut command = Command::new("sh");
            command.args(["-c", build]).current_dir(&directory);
            command::capture(&mut command)?.success()?;
        }
        fs::read(&archive).map_err(Error::io(format!("reading {}", archive.display())))
    }

    /// A tar archive with one file.
    pub(crate) fn packed(&self, name: &str, text: &str) -> Result<Vec<u8>> {
        let directory = self
            .directory
            .join(format!("packed-{}", digest::hex(text, 6)));
        fs::create_dir_all(&directory).map_err(Error::io("creating a directory for an archive"))?;
        runtime_directory::write(&directory.join(name), text)?;
        let archive = directory.join("packed.tar");
        let mut tar = Command::new("tar");
        tar.arg("-C")
            .arg(&directory)
            .arg("-cf")
            .arg(&archive)
            .arg(name);
        command::capture(&mut tar)?.success()?;
        fs::read(&archive).map_err(Error::io(format!("reading {}", archive.display())))
    }

    /// The image of `topologies/containers.yaml`, with `version` as a label.
    pub(crate) fn image(version: &str) -> Result<Vec<u8>> {
        let file = directory().join(format!("image-{version}.tar"));
        let mut build = Command::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../topologies/containers/build"
        ));
        build
            .arg(&file)
            .arg(version)
            .env("PROGRAM", directory().join(SERVER));
        command::capture(&mut build)?.success()?;
        fs::read(&file).map_err(Error::io(format!("reading {}", file.display())))
    }

    /// Path of the load client.
    pub(crate) fn lab() -> &'static str {
        env!("CARGO_BIN_EXE_lab")
    }
}

/// The directory of the binaries that these tests were built with.
fn directory() -> PathBuf {
    let lab = Path::new(env!("CARGO_BIN_EXE_lab"));
    lab.parent().map(PathBuf::from).unwrap_or_default()
}

/// The profile of a target directory; that of `dev` is named `debug`.
fn profile(directory: &Path) -> String {
    match directory.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev".to_owned(),
        Some(profile) => profile.to_owned(),
    }
}
