//! Resolves the paths of a program relative to the topology.

use super::Program;
use crate::import::draft::{AppDraft, Archive};
use crate::topology::choice::Runtime;
use crate::topology::decode::Scalar as _;
use crate::topology::path::{FilePath, InnerPath};
use crate::topology::text::Text;

/// Longest path in a topology.
const MAX_PATH_LENGTH: usize = 1024;

impl Program {
    /// The app of a program that was started in `cwd`. Its name is empty.
    pub(in crate::import) fn app(mut self, cwd: &str) -> AppDraft {
        let (artifact, archive) = match self.runtime {
            Runtime::Node => self.archive(cwd),
            _ => (self.single_file(cwd), None),
        };
        let env_file = self.env_file(cwd);
        let mut app = AppDraft::new(String::new(), artifact, self.runtime);
        (app.archive, app.env_file) = (archive, env_file);
        (app.comments, app.args) = (self.warnings, self.args);
        app
    }

    /// The environment file, if its path is valid.
    fn env_file(&mut self, cwd: &str) -> Option<String> {
        let file = within(cwd, &self.env_file.take()?);
        if let Err(reason) = FilePath::read(&file) {
            self.warnings
                .push(format!("`env_file` is not imported: {reason}"));
            return None;
        }
        let reason = "lines in `env_file` must be NAME=value without `export` and `$`, as systemd reads it; remove PORT, which would apply to every instance";
        self.warnings.push(reason.to_owned());
        Some(file)
    }

    /// The artifact of a program that is one file.
    fn single_file(&mut self, cwd: &str) -> String {
        let placeholder = self.placeholder().to_owned();
        let Some(path) = self.file.take() else {
            return placeholder;
        };
        let resolved = within(cwd, &path);
        let kept = match split(cwd, &path) {
            _ if !resolved.starts_with('/') => resolved.clone(),
            (directory, inside) if directory == normal(cwd) => inside,
            (_, name) => name,
        };
        if kept != resolved {
            let reason = format!("`{resolved}` is expected at `{kept}`, relative to the topology");
            self.warnings.push(reason);
        }
        // An archive needs `main`, which the command does not name.
        if FilePath::read(&kept).map_or(true, |file| file.is_archive()) {
            let reason = format!("`{path}` is not a valid artifact path");
            self.warnings
                .push(Self::replace_hint(&reason, self.runtime));
            return placeholder;
        }
        if self.runtime == Runtime::Native && is_part_of_directory(&resolved) {
            let reason = format!(
                "only `{kept}` is deployed: if it needs the rest of its directory, deploy an archive and set `main`"
            );
            self.warnings.push(reason);
        }
        kept
    }

    /// The file to run and the archive of its directory.
    fn archive(&mut self, cwd: &str) -> (String, Option<Archive>) {
        let placeholder = self.placeholder().to_owned();
        let (mut directory, mut main) = match &self.file {
            Some(path) => split(cwd, path),
            None => (normal(cwd), placeholder.clone()),
        };
        if InnerPath::read(&main).is_err() {
            let reason = format!("`{main}` is not a valid path of `main`");
            self.warnings
                .push(Self::replace_hint(&reason, self.runtime));
            main = placeholder;
        }
        if directory == "/" || !is_valid_directory(&directory) {
            let reason =
                "the directory cannot be archived; the topology's directory is used instead";
            self.warnings.push(reason.to_owned());
            ".".clone_into(&mut directory);
        }
        let archive = Archive {
            directory,
            main: main.clone(),
            build: String::new(),
        };
        (main, Some(archive))
    }
}

/// Whether a native program is a script, or a command of a project or a virtual environment. Such
/// programs usually load other files.
fn is_part_of_directory(path: &str) -> bool {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let parent = directory.rsplit('/').next().unwrap_or_default();
    ["py", "rb", "pl", "php", "sh"].contains(&extension)
        || ["bin", ".bin", "script", "scripts"].contains(&parent)
}

fn is_valid_directory(directory: &str) -> bool {
    directory.len() <= MAX_PATH_LENGTH
        && !directory.contains(['\n', '\t'])
        && Text::read(directory).is_ok()
}

/// The directory of a program and its file in it.
fn split(cwd: &str, file: &str) -> (String, String) {
    let directory = normal(cwd);
    let path = normal(file);
    if path.starts_with('/') {
        let inside = path.strip_prefix(&directory);
        if let Some(inside) = inside.and_then(|p| p.strip_prefix('/')) {
            return (directory, inside.to_owned());
        }
    } else if !path.starts_with("..") {
        return (directory, path);
    }
    let path = within(&directory, &path);
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let directory = match directory {
        "" if path.starts_with('/') => "/",
        directory => directory,
    };
    (normal(directory), name(&path).to_owned())
}

/// `file` in `cwd`, relative to the topology unless one of them is absolute.
fn within(cwd: &str, file: &str) -> String {
    if file.starts_with('/') {
        return normal(file);
    }
    normal(&format!("{}/{file}", normal(cwd)))
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Normalizes a path: removes `.` and resolves `..`; `.` for an empty path.
fn normal(path: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/').filter(|s| !s.is_empty() && *s != ".") {
        let above = steps.last().is_some_and(|last| *last != "..");
        match step {
            ".." if above => drop(steps.pop()),
            ".." if path.starts_with('/') => {}
            step => steps.push(step),
        }
    }
    let joined = steps.join("/");
    match (path.starts_with('/'), joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_belongs_to_the_working_directory_or_to_its_own() {
        for (cwd, file, directory, main) in [
            (".", "./bin/www", ".", "bin/www"),
            ("./api/", "dist/main.js", "api", "dist/main.js"),
            ("api", "../web/a.js", "web", "a.js"),
            ("", "../a.js", "..", "a.js"),
            ("/srv/shop", "a.js", "/srv/shop", "a.js"),
            (
                "/srv/shop/",
                "/srv/shop/dist/a.js",
                "/srv/shop",
                "dist/a.js",
            ),
            ("/srv/shop", "/srv/shopping/a.js", "/srv/shopping", "a.js"),
            ("api", "/srv/a.js", "/srv", "a.js"),
            (".", "/a.js", "/", "a.js"),
        ] {
            let expected = (directory.to_owned(), main.to_owned());
            assert_eq!(split(cwd, file), expected, "{cwd} {file}");
        }
    }
}
