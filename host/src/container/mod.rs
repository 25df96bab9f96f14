//! Runs images with Podman or Docker, for units of apps that are containers.

mod arguments;
mod engine;
mod error;
mod images;
#[cfg(test)]
mod stub;

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Subcommand;

pub(crate) use arguments::{ImageArguments, RunArguments};
pub(crate) use error::Error;

use arguments::Environment;
use engine::{Engine, SEARCH_PATH};
use images::Images;

/// Locked while an image is loaded, by all projects.
const LOCK: &str = "/run/genconf-images.lock";

/// A step of the unit of a container. The working directory of `load` and `run` is the release.
#[derive(Debug, Subcommand)]
pub(crate) enum ContainerCommand {
    /// Load the image of the release into the container engine
    ///
    /// The release is the working directory, /opt/PROJECT/APP/releases/DIGEST. The image is named
    /// localhost/genconf/PROJECT/APP:DIGEST. Images of removed releases are removed.
    Load {
        #[command(flatten)]
        image: ImageArguments,
    },
    /// Load the image of the release, and run it in the foreground
    ///
    /// The client of the engine replaces this process, and exits with the container. A container with
    /// the same name is removed first.
    Run {
        #[command(flatten)]
        image: ImageArguments,
        #[command(flatten)]
        run: Box<RunArguments>,
    },
    /// Stop a container with the stop signal of its image
    Stop {
        /// Name of the container
        #[arg(long)]
        name: String,
        /// Seconds from the stop signal to SIGKILL
        #[arg(long, value_name = "SECONDS")]
        stop_timeout: u64,
    },
    /// Remove a container and its volumes from all engines
    Remove {
        /// Name of the container
        #[arg(long)]
        name: String,
    },
}

/// Executes a step. `Run` replaces the process: it returns only errors.
pub(crate) fn execute(command: ContainerCommand) -> Result<(), Error> {
    let host = ContainerHost::default();
    match command {
        ContainerCommand::Load { image } => host.load(&Release::current()?, &image).map(drop),
        ContainerCommand::Run { image, run } => {
            let environment = std::env::vars_os().collect();
            let name = host.load(&Release::current()?, &image)?;
            let mut client = host.prepare_run(&run, &name, &environment)?;
            let error = client.exec();
            Err(Error::Client {
                command: client.get_program().to_string_lossy().into_owned(),
                reason: error.to_string(),
            })
        }
        ContainerCommand::Stop { name, stop_timeout } => host.stop(&name, stop_timeout),
        ContainerCommand::Remove { name } => host.remove(&name),
    }
}

/// Loads `image` of a release of the app in `/opt/PROJECT/APP` into the engine, unless it is loaded.
/// `archive` is a file in the release. Returns the name of the image in the engine.
pub(crate) fn load(
    app_directory: &Path,
    digest: &str,
    archive: &str,
    image: &str,
) -> Result<String, Error> {
    let release = Release {
        app_directory: app_directory.to_owned(),
        digest: digest.to_owned(),
    };
    let image = ImageArguments {
        archive: archive.to_owned(),
        image: image.to_owned(),
    };
    ContainerHost::default().load(&release, &image)
}

/// A release of an app.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Release {
    /// `/opt/PROJECT/APP`.
    app_directory: PathBuf,
    digest: String,
}

impl Release {
    /// The release in the working directory, which the kernel reports without the link `current`.
    fn current() -> Result<Self, Error> {
        let directory = std::env::current_dir().map_err(|error| Error::File {
            path: PathBuf::from("."),
            error,
        })?;
        Self::at(&directory)
    }

    fn at(directory: &Path) -> Result<Self, Error> {
        let digest = directory.file_name().and_then(|name| name.to_str());
        let releases = directory.parent().filter(|path| path.ends_with("releases"));
        let app_directory = releases.and_then(Path::parent);
        let release = app_directory.zip(digest).map(|(path, digest)| Self {
            app_directory: path.to_owned(),
            digest: digest.to_owned(),
        });
        release.ok_or_else(|| Error::Directory {
            path: directory.to_owned(),
            expected: "/opt/PROJECT/APP/releases/DIGEST",
        })
    }
}

/// The engines of a host.
#[derive(Debug)]
struct ContainerHost {
    /// Directories of engines, separated by colons.
    search_path: String,
    lock: PathBuf,
}

impl Default for ContainerHost {
    fn default() -> Self {
        Self {
            search_path: SEARCH_PATH.to_owned(),
            lock: PathBuf::from(LOCK),
        }
    }
}

impl ContainerHost {
    fn load(&self, release: &Release, image: &ImageArguments) -> Result<String, Error> {
        let engine = Engine::find(&self.search_path)?;
        let images = Images::new(&engine, &release.app_directory, &self.lock)?;
        images.load(&release.digest, &image.archive, &image.image)
    }

    /// The client that runs an image. Removes a container with the same name.
    fn prepare_run(
        &self,
        run: &RunArguments,
        image: &str,
        environment: &Environment,
    ) -> Result<Command, Error> {
        let engine = Engine::find(&self.search_path)?;
        let arguments = run.client_arguments(engine.kind, image, environment)?;
        self.remove(&run.name)?;
        Ok(engine.command(&arguments))
    }

    /// Stops a container of any engine: another one can be installed since its start.
    fn stop(&self, name: &str, seconds: u64) -> Result<(), Error> {
        let engines = Engine::find_all(&self.search_path);
        engines.iter().try_for_each(|e| e.stop(name, seconds))
    }

    /// Removes a container of any engine.
    fn remove(&self, name: &str) -> Result<(), Error> {
        let engines = Engine::find_all(&self.search_path);
        engines.iter().try_for_each(|engine| engine.remove(name))
    }
}

#[cfg(test)]
mod tests;
