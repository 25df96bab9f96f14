//! Where the file of a program lies, as seen from the topology.

use super::Program;
use crate::import::plan::{AppPlan, Archive};
use crate::topology::choice::Runtime;
use crate::topology::decode::Leaf as _;
use crate::topology::path::{FilePath, InnerPath};
use crate::topology::text::Text;

/// Longest path, as of any file of a topology.
const LONGEST: usize = 1024;

impl Program {
    /// The app it is, which was started in the folder `cwd` and has no name yet.
    pub(in crate::import) fn app(mut self, cwd: &str) -> AppPlan {
        let (artifact, archive) = match self.runtime {
            Runtime::Node => self.folder(cwd),
            _ => (self.file(cwd), None),
        };
        let env_file = self.variables(cwd);
        let mut app = AppPlan::new(String::new(), artifact, self.runtime);
        (app.archive, app.env_file) = (archive, env_file);
        (app.about, app.args) = (self.told, self.args);
        app
    }

    /// The file of variables, where it can be one.
    fn variables(&mut self, cwd: &str) -> Option<String> {
        let file = within(cwd, &self.env_file.take()?);
        if let Err(why) = FilePath::read(&file) {
            self.told.push(format!("`env_file` is left out: {why}"));
            return None;
        }
        let why = "`env_file` is read by systemd: lines NAME=value, without `export` and `$`; a PORT in it would be that of every instance";
        self.told.push(why.to_owned());
        Some(file)
    }

    /// One file is the artifact: its path is relative and plain.
    fn file(&mut self, cwd: &str) -> String {
        let unnamed = self.unnamed().to_owned();
        let Some(path) = self.file.take() else {
            return unnamed;
        };
        let whole = within(cwd, &path);
        let kept = match split(cwd, &path) {
            _ if !whole.starts_with('/') => whole.clone(),
            (folder, inside) if folder == normal(cwd) => inside,
            (_, name) => name,
        };
        if kept != whole {
            let why = format!("`{whole}` is sought beside the topology, as `{kept}`");
            self.told.push(why);
        }
        if FilePath::read(&kept).is_err() {
            let why = format!("`{path}` is not a path an artifact can have");
            self.told.push(Self::instead(&why, self.runtime));
            return unnamed;
        }
        kept
    }

    /// The folder is the artifact, and the file is one in it.
    fn folder(&mut self, cwd: &str) -> (String, Option<Archive>) {
        let unnamed = self.unnamed().to_owned();
        let (mut folder, mut main) = match &self.file {
            Some(path) => split(cwd, path),
            None => (normal(cwd), unnamed.clone()),
        };
        if InnerPath::read(&main).is_err() {
            let why = format!("`{main}` is not a path that node can be told here");
            self.told.push(Self::instead(&why, self.runtime));
            main = unnamed;
        }
        if folder == "/" || !is_sayable(&folder) {
            let why = "its folder is none to make an archive of; the topology's own is taken";
            self.told.push(why.to_owned());
            ".".clone_into(&mut folder);
        }
        let archive = Archive {
            folder,
            main: main.clone(),
            build: String::new(),
        };
        (main, Some(archive))
    }
}

fn is_sayable(folder: &str) -> bool {
    folder.len() <= LONGEST && !folder.contains(['\n', '\t']) && Text::read(folder).is_ok()
}

/// The folder of a program and its file in there.
fn split(cwd: &str, file: &str) -> (String, String) {
    let folder = normal(cwd);
    let path = normal(file);
    if path.starts_with('/') {
        let inside = path.strip_prefix(&folder);
        if let Some(inside) = inside.and_then(|p| p.strip_prefix('/')) {
            return (folder, inside.to_owned());
        }
    } else if !path.starts_with("..") {
        return (folder, path);
    }
    let path = within(&folder, &path);
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let folder = match folder {
        "" if path.starts_with('/') => "/",
        folder => folder,
    };
    (normal(folder), name(&path).to_owned())
}

/// `file` as seen from the topology, where `cwd` is relative to it or absolute.
fn within(cwd: &str, file: &str) -> String {
    if file.starts_with('/') {
        return normal(file);
    }
    normal(&format!("{}/{file}", normal(cwd)))
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The path without `.`, and without `..` where the folder above is named; `.` for none.
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
    fn a_file_lies_in_the_folder_it_was_started_in_or_in_its_own() {
        for (cwd, file, folder, main) in [
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
            let expected = (folder.to_owned(), main.to_owned());
            assert_eq!(split(cwd, file), expected, "{cwd} {file}");
        }
    }
}
