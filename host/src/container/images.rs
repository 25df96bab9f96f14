//! Images of the releases of one app.
//!
//! The image of a release has the name localhost/genconf/PROJECT/APP:DIGEST, so that two releases can
//! run at the same time.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::Error;
use super::engine::Engine;

/// The images of one app in one engine.
#[derive(Debug)]
pub(super) struct Images<'a> {
    engine: &'a Engine,
    /// `/opt/PROJECT/APP`.
    app_directory: &'a Path,
    /// File that is locked while an archive is loaded.
    lock: &'a Path,
    /// `localhost/genconf/PROJECT/APP:`.
    prefix: String,
}

impl<'a> Images<'a> {
    /// Fails unless `app_directory` ends with PROJECT/APP in UTF-8.
    pub(super) fn new(
        engine: &'a Engine,
        app_directory: &'a Path,
        lock: &'a Path,
    ) -> Result<Self, Error> {
        let name = |path: &'a Path| path.file_name()?.to_str();
        let names = name(app_directory).zip(app_directory.parent().and_then(name));
        let (app, project) = names.ok_or_else(|| Error::Directory {
            path: app_directory.to_owned(),
            expected: "/opt/PROJECT/APP",
        })?;
        Ok(Self {
            engine,
            app_directory,
            lock,
            prefix: format!("localhost/genconf/{project}/{app}:"),
        })
    }

    /// Loads `image` of the archive of a release, unless the engine has it. Returns its name.
    pub(super) fn load(&self, digest: &str, archive: &str, image: &str) -> Result<String, Error> {
        let name = format!("{}{digest}", self.prefix);
        // Without the lock, which all projects share: an instance must not wait for the load of
        // another image at each start.
        if self.has(&name)? {
            return Ok(name);
        }
        let _lock = self.lock()?;
        if !self.has(&name)? {
            let archive = self
                .app_directory
                .join("releases")
                .join(digest)
                .join(archive);
            self.load_archive(&archive, image, &name)?;
        }
        self.prune()?;
        Ok(name)
    }

    /// Two archives can have different images of the same name, so only one is loaded at a time, until
    /// its image is renamed. The lock is released when the file is closed.
    fn lock(&self) -> Result<File, Error> {
        let open = File::options()
            .create(true)
            .write(true)
            // Any user who can open it could lock it.
            .mode(0o600)
            .truncate(false)
            .open(self.lock);
        let locked = open.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|error| Error::File {
            path: self.lock.to_owned(),
            error,
        })
    }

    fn has(&self, name: &str) -> Result<bool, Error> {
        let arguments = ["image", "inspect", "--format", "{{.Id}}", name];
        Ok(self.engine.output(&arguments)?.status.success())
    }

    fn load_archive(&self, archive: &Path, image: &str, name: &str) -> Result<(), Error> {
        let path = archive.to_string_lossy();
        let output = self.engine.stdout(&["load", "--quiet", "--input", &path])?;
        let names = loaded_images(&output);
        let Some(loaded) = names.iter().find(|loaded| is_image(loaded, image)) else {
            return Err(Error::MissingImage {
                image: image.to_owned(),
                archive: archive.to_owned(),
                found: names.into_iter().map(str::to_owned).collect(),
            });
        };
        self.engine.stdout(&["tag", loaded, name])?;
        // Names of the archive could be confused with images that an administrator loaded.
        let untag = [&["rmi"], names.as_slice()].concat();
        self.engine.output(&untag).map(drop)
    }

    /// Removes the images of releases that are removed.
    fn prune(&self) -> Result<(), Error> {
        let arguments = ["images", "--format", "{{.Repository}}:{{.Tag}}"];
        let output = self.engine.stdout(&arguments)?;
        let releases = self.app_directory.join("releases");
        for name in output.split_whitespace() {
            let digest = name.strip_prefix(&self.prefix);
            if digest.is_some_and(|digest| !releases.join(digest).is_dir()) {
                // Fails while a container of the image runs. A later load removes it.
                self.engine.output(&["rmi", name])?;
            }
        }
        Ok(())
    }
}

/// Names of images in the output of `load`: a line for each image, or all in one line, separated by
/// commas (Podman 3).
fn loaded_images(output: &str) -> Vec<&str> {
    let names = |line| {
        let rest = str::strip_prefix(line, "Loaded image")?;
        rest.strip_prefix("(s)").unwrap_or(rest).strip_prefix(':')
    };
    let names = output.lines().filter_map(names).flat_map(|l| l.split(','));
    let is_name = |name: &&str| !name.is_empty() && !name.contains(char::is_whitespace);
    names.map(str::trim).filter(is_name).collect()
}

/// Whether `loaded` is the name of `image` in an engine. Podman adds a registry: `randoms:1` becomes
/// `localhost/randoms:1` or `docker.io/library/randoms:1`.
fn is_image(loaded: &str, image: &str) -> bool {
    let registry = loaded.strip_suffix(image);
    registry.is_some_and(|registry| registry.is_empty() || registry.ends_with('/'))
}

#[cfg(test)]
mod tests;
