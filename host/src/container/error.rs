//! Errors of container engines.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why an image or a container could not be used.
#[derive(Debug)]
pub(crate) enum Error {
    /// Neither Podman nor Docker is installed.
    NoEngine {
        /// Directories that were searched, separated by colons.
        search_path: String,
    },
    /// The client of an engine did not start, or its exit status was not 0.
    Client {
        /// The client and its arguments.
        command: String,
        /// What it printed, or why it did not start.
        reason: String,
    },
    /// The archive of a release does not have the image of the topology.
    MissingImage {
        /// The expected image.
        image: String,
        /// The archive.
        archive: PathBuf,
        /// Names of the images in the archive.
        found: Vec<String>,
    },
    /// A file could not be read or locked.
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A directory that is not /opt/PROJECT/APP, or not a release in it.
    Directory {
        /// The directory.
        path: PathBuf,
        /// The expected form.
        expected: &'static str,
    },
    /// A variable that the unit of each instance sets is missing, or is not UTF-8.
    Variable(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEngine { search_path } => write!(
                f,
                "no container engine in {search_path}, expected podman or docker; run: apt-get install podman"
            ),
            Self::Client { command, reason } => write!(f, "{command}: {reason}"),
            Self::MissingImage {
                image,
                archive,
                found,
            } => {
                let found = match found.as_slice() {
                    [] => "no named image".to_owned(),
                    names => names.join(", "),
                };
                let archive = archive.display();
                write!(f, "image {image} is not in {archive}; found: {found}")
            }
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Directory { path, expected } => {
                write!(f, "expected {expected}, found {}", path.display())
            }
            Self::Variable(name) => write!(
                f,
                "environment variable {name}: expected a value in UTF-8, found none"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { error, .. } => Some(error),
            _ => None,
        }
    }
}
