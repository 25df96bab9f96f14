use std::os::unix::fs::{MetadataExt as _, symlink};
use std::process::Command;

use model::{Artifact, ArtifactKind};

use super::super::disk::log;
use super::super::{Store, sha256_of};
use super::*;

/// An app, and a directory whose content is archived.
struct App {
    root: tempfile::TempDir,
    store: Store,
}

impl App {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = Store::new(&root.path().join("opt/randoms"));
        fs::create_dir(root.path().join("pack")).unwrap();
        Self { root, store }
    }

    fn file(&self, name: &str, mode: u32) -> &Self {
        let path = self.root.path().join("pack").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "//").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    fn link(&self, name: &str, target: &Path) -> &Self {
        symlink(target, self.root.path().join("pack").join(name)).unwrap();
        self
    }

    /// Archives the directory with these arguments of tar(1).
    fn pack(&self, arguments: &[&str]) -> PathBuf {
        let archive = self.root.path().join("archive.tar.gz");
        let tar = Command::new("tar")
            .current_dir(self.root.path().join("pack"))
            .args(["--create", "--gzip", "--absolute-names", "--file"])
            .arg(&archive)
            .args(arguments)
            .status();
        assert!(tar.unwrap().success());
        archive
    }

    /// Makes a release of an archive. Returns its directory.
    fn admit(&self, archive: &Path, main: &str) -> Result<PathBuf, Error> {
        let sha256 = sha256_of(archive).unwrap();
        let artifact = Artifact {
            source: "archive.tar.gz".to_owned(),
            build: None,
            executable: main.to_owned(),
            kind: ArtifactKind::Archive,
        };
        self.store.receive(&sha256, archive).unwrap();
        let digest = self.store.admit(&artifact, &sha256)?;
        Ok(self.store.release(&digest))
    }

    fn admit_all(&self, main: &str) -> Result<PathBuf, Error> {
        self.admit(&self.pack(&["."]), main)
    }

    /// The message with which an archive is rejected.
    fn rejection(&self, archive: &Path, main: &str) -> String {
        let error = self.admit(archive, main).unwrap_err();
        assert!(matches!(error, Error::Rejected(_)), "{error}");
        assert!(self.store.releases().unwrap().is_empty());
        let left = fs::read_dir(self.store.path("incoming")).unwrap().count();
        assert_eq!(left, 0, "files in incoming");
        error.to_string()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn all_users_can_read_and_none_can_write() {
    let app = App::new();
    for name in ["server.js", "node_modules/a/index.js", "public/a.html"] {
        app.file(name, 0o666);
    }
    app.link("node_modules/b", Path::new("a"));
    for name in ["pack", "pack/public"] {
        let path = app.root.path().join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o2700)).unwrap();
    }
    let release = app.admit_all("server.js").unwrap();
    for name in [
        "",
        "server.js",
        "node_modules",
        "node_modules/a",
        "node_modules/b",
        "public",
    ] {
        assert_eq!(mode(&release.join(name)), 0o755, "{name}");
    }
    for name in ["node_modules/a/index.js", "public/a.html"] {
        assert_eq!(mode(&release.join(name)), 0o644, "{name}");
    }
    assert_eq!(fs::read_dir(app.store.path("incoming")).unwrap().count(), 0);
}

#[test]
fn an_executable_stays_one_without_setuid_and_without_its_owner() {
    let app = App::new();
    app.file("bin/run", 0o6700).file("bin/other", 0o4711);
    let archive = app.pack(&["--owner=4711", "--group=4711", "."]);
    let release = app.admit(&archive, "bin/run").unwrap();
    for name in ["bin/run", "bin/other"] {
        assert_eq!(mode(&release.join(name)), 0o755, "{name}");
        let owner = fs::metadata(release.join(name)).unwrap().uid();
        assert_eq!(owner, rustix::process::geteuid().as_raw(), "{name}");
    }
}

#[test]
fn an_executable_that_is_a_link_out_of_the_release_is_rejected() {
    let outside = tempfile::tempdir().unwrap();
    let shadow = outside.path().join("shadow");
    fs::write(&shadow, "secret").unwrap();
    fs::set_permissions(&shadow, fs::Permissions::from_mode(0o600)).unwrap();
    let depth = "../".repeat(20);
    let relative = PathBuf::from(format!("{depth}{}", shadow.display()));
    for (link, target, main) in [
        ("server.js", shadow.as_path(), "server.js"),
        ("server.js", &relative, "server.js"),
        ("lib", outside.path(), "lib/shadow"),
    ] {
        let app = App::new();
        app.file("other.js", 0o644).link(link, target);
        let message = app.rejection(&app.pack(&["."]), main);
        let expected = format!("{main} is a link to {}, outside", shadow.display());
        assert!(message.contains(&expected), "{message}");
        assert_eq!(mode(&shadow), 0o600);
    }
}

#[test]
fn a_link_to_a_file_outside_keeps_the_mode_of_that_file() {
    let app = App::new();
    let outside = app.root.path().join("outside");
    fs::write(&outside, "").unwrap();
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o600)).unwrap();
    app.file("server.js", 0o644).link("other", &outside);
    app.admit_all("server.js").unwrap();
    assert_eq!(mode(&outside), 0o600);
    let link = app.root.path().join("pack/other");
    assert!(set_mode(&link, 0o755).is_err());
}

#[test]
fn an_executable_that_is_a_link_inside_of_the_release_is_executed() {
    let app = App::new();
    app.file("bin/real.js", 0o600)
        .link("server.js", Path::new("bin/real.js"));
    let release = app.admit_all("server.js").unwrap();
    assert_eq!(mode(&release.join("bin/real.js")), 0o755);
}

#[test]
fn an_archive_without_the_executable_is_rejected_with_its_content() {
    let app = App::new();
    app.file("app/server.js", 0o644);
    let expected = "server.js cannot be run: server.js is not in the archive; found: app";
    assert_eq!(app.rejection(&app.pack(&["."]), "server.js"), expected);
    for (main, reason) in [
        ("app", "app is not in the archive"),
        ("app/server.js/a", "app/server.js/a is not in the archive"),
    ] {
        let message = app.rejection(&app.pack(&["."]), main);
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn a_link_to_nothing_is_no_executable() {
    let app = App::new();
    app.link("server.js", Path::new("/nonexistent/server.js"));
    let message = app.rejection(&app.pack(&["."]), "server.js");
    assert!(
        message.contains("not in the archive; found: server.js"),
        "{message}"
    );
}

#[test]
fn a_file_that_is_not_an_archive_is_rejected() {
    let app = App::new();
    let file = app.root.path().join("archive");
    fs::write(&file, "not an archive").unwrap();
    let message = app.rejection(&file, "server.js");
    let start = "server.js cannot be run: tar could not extract it: tar: ";
    assert!(message.starts_with(start), "{message}");
}

#[test]
fn nothing_remains_of_an_archive_that_is_not_complete() {
    let app = App::new();
    app.file("server.js", 0o644).file("z/last", 0o644);
    let noise: Vec<u8> = (0..200_000_u32)
        .flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_le_bytes())
        .collect();
    fs::write(app.root.path().join("pack/z/noise"), noise).unwrap();
    let archive = app.pack(&["server.js", "z"]);
    let length = fs::metadata(&archive).unwrap().len();
    let file = fs::File::options().write(true).open(&archive).unwrap();
    file.set_len(length / 2).unwrap();
    let message = app.rejection(&archive, "server.js");
    assert!(message.contains("tar could not extract it: "), "{message}");
}

#[test]
fn a_file_outside_of_the_release_is_not_written() {
    let app = App::new();
    app.file("server.js", 0o644);
    fs::write(app.root.path().join("übel"), "x").unwrap();
    let archive = app.pack(&["server.js", "../übel"]);
    let message = app.rejection(&archive, "server.js");
    // In UTF-8, not with escapes: tar runs in the locale C.UTF-8.
    assert!(message.contains("../übel"), "{message}");
}

#[test]
fn a_special_file_is_rejected() {
    let app = App::new();
    app.file("server.js", 0o644).file("lib/a", 0o644);
    let pipe = app.root.path().join("pack/lib/pipe");
    assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    let message = app.rejection(&app.pack(&["."]), "server.js");
    assert!(
        message.ends_with("lib/pipe is not a file or a directory"),
        "{message}"
    );
}

#[test]
fn names_that_are_not_ascii_are_kept() {
    let app = App::new();
    app.file("server.js", 0o644).file("über/日本.js", 0o644);
    let release = app.admit_all("server.js").unwrap();
    assert!(release.join("über/日本.js").is_file());
}

#[test]
fn an_archive_is_flushed_before_it_gets_its_name() {
    let app = App::new();
    app.file("server.js", 0o644);
    let archive = app.pack(&["."]);
    log::take();
    let release = app.admit(&archive, "server.js").unwrap();
    let digest = release.file_name().unwrap().to_str().unwrap();
    let calls = log::take();
    let position = |call: String| calls.iter().position(|known| *known == call).unwrap();
    let renamed = position(format!("rename {digest}.new {digest}"));
    assert!(
        position(format!("syncfs {digest}.new")) < renamed,
        "{calls:?}"
    );
    assert_eq!(calls[renamed + 1], "sync releases");
}
