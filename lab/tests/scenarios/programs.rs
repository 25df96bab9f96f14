//! The binaries under test, built from this workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lab::{Error, Result, command, digest, state};

use crate::catalogue;

/// The server without the symbols that no release has: every deploy sends it.
const SERVER: &str = "randoms-stripped";

/// Where the built binaries are.
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Builds genconf and the server in the profile these tests were built in.
    pub(crate) fn build() -> Result<Self> {
        let folder = folder();
        let target = folder.parent().map(PathBuf::from).unwrap_or_default();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--profile", &profile(&folder)]);
        // As these tests were: a part of the workspace would be built with other features.
        cargo.args(["--workspace", "--bins"]);
        cargo.arg("--target-dir").arg(target);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        command::finish(&mut cargo)?.success()?;
        let mut strip = Command::new("strip");
        strip
            .arg("-o")
            .arg(folder.join(SERVER))
            .arg(folder.join("randoms"));
        command::finish(&mut strip)?.success()?;
        Ok(Self { folder })
    }

    pub(crate) fn genconf(&self) -> PathBuf {
        self.folder.join("genconf")
    }

    /// The server's bytes.
    pub(crate) fn server(&self) -> Result<Vec<u8>> {
        let path = self.folder.join(SERVER);
        fs::read(&path).map_err(Error::io(format!("reading {}", path.display())))
    }

    /// The Express app of `topologies/node-app.yaml`, made by the command that stands there.
    ///
    /// The folder is named by what goes in, and kept: npm is asked once.
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
        let build = catalogue::NODE_APP
            .topology
            .lines()
            .find_map(|line| line.trim().strip_prefix("build: "))
            .unwrap_or_default();
        let texts = sources.map(|(_, text)| text).concat();
        let digest = digest::hex(&format!("{build}{texts}"), 6);
        let folder = self.folder.join(format!("node-app-{digest}"));
        let archive = folder.join("node-app/web.tar.gz");
        if !archive.exists() {
            let app = folder.join("node-app");
            fs::create_dir_all(app.join("public"))
                .map_err(Error::io("making a folder for the app"))?;
            for (name, text) in sources {
                state::write(&app.join(name), text)?;
            }
            let mut command = Command::new("sh");
            command.args(["-c", build]).current_dir(&folder);
            command::finish(&mut command)?.success()?;
        }
        fs::read(&archive).map_err(Error::io(format!("reading {}", archive.display())))
    }

    /// An archive of one file.
    pub(crate) fn packed(&self, name: &str, text: &str) -> Result<Vec<u8>> {
        let folder = self.folder.join(format!("packed-{}", digest::hex(text, 6)));
        fs::create_dir_all(&folder).map_err(Error::io("making a folder for an archive"))?;
        state::write(&folder.join(name), text)?;
        let archive = folder.join("packed.tar");
        let mut tar = Command::new("tar");
        tar.arg("-C")
            .arg(&folder)
            .arg("-cf")
            .arg(&archive)
            .arg(name);
        command::finish(&mut tar)?.success()?;
        fs::read(&archive).map_err(Error::io(format!("reading {}", archive.display())))
    }

    /// The image of `topologies/containers.yaml`, made as its file says, with `version` as label.
    pub(crate) fn image(version: &str) -> Result<Vec<u8>> {
        let file = folder().join(format!("image-{version}.tar"));
        let mut build = Command::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../topologies/containers/build"
        ));
        build
            .arg(&file)
            .arg(version)
            .env("PROGRAM", folder().join(SERVER));
        command::finish(&mut build)?.success()?;
        fs::read(&file).map_err(Error::io(format!("reading {}", file.display())))
    }

    /// The load client.
    pub(crate) fn lab() -> &'static str {
        env!("CARGO_BIN_EXE_lab")
    }
}

/// Where Cargo put what these tests were built with.
fn folder() -> PathBuf {
    let lab = Path::new(env!("CARGO_BIN_EXE_lab"));
    lab.parent().map(PathBuf::from).unwrap_or_default()
}

/// The profile whose folder that is; Cargo calls the one of `dev` by another name.
fn profile(folder: &Path) -> String {
    match folder.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev".to_owned(),
        Some(profile) => profile.to_owned(),
    }
}
