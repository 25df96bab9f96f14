use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::super::disk::log;
use super::*;

fn artifact(kind: ArtifactKind) -> Artifact {
    Artifact {
        source: "randoms".to_owned(),
        build: None,
        executable: "randoms".to_owned(),
        kind,
    }
}

fn file_artifact() -> Artifact {
    artifact(ArtifactKind::File)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

struct App {
    root: tempfile::TempDir,
    store: Store,
}

impl App {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = Store::new(&root.path().join("opt/randoms"));
        Self { root, store }
    }

    /// A file with this content, and its SHA-256.
    fn file(&self, content: &str) -> (PathBuf, String) {
        let path = self.root.path().join("upload");
        fs::write(&path, content).unwrap();
        let sha256 = sha256_of(&path).unwrap();
        (path, sha256)
    }

    fn received(&self, content: &str) -> String {
        let (file, sha256) = self.file(content);
        self.store.receive(&sha256, &file).unwrap();
        sha256
    }
}

#[test]
fn a_received_file_is_moved_and_belongs_to_the_effective_user() {
    let app = App::new();
    let (file, sha256) = app.file("v1");
    if geteuid().is_root() {
        lchown(&file, Some(4711), Some(4711)).unwrap();
    }
    disk::set_mode(&file, 0o4777).unwrap();
    app.store.receive(&sha256, &file).unwrap();
    let upload = app.store.incoming(&sha256);
    assert!(!file.exists());
    assert_eq!(fs::read_to_string(&upload).unwrap(), "v1");
    let metadata = fs::metadata(&upload).unwrap();
    assert_eq!(metadata.uid(), geteuid().as_raw());
    assert_eq!(metadata.gid(), getegid().as_raw());
    assert_eq!(mode(&upload), 0o600);
    assert_eq!(mode(upload.parent().unwrap()), 0o755);
}

#[test]
fn what_interrupted_runs_left_is_deleted() {
    let app = App::new();
    let directory = app.store.incoming(&"1".repeat(64));
    fs::create_dir_all(directory.join("a")).unwrap();
    fs::write(app.store.incoming(&"2".repeat(64)), "partial").unwrap();
    let target = app.root.path().join("target");
    fs::create_dir(&target).unwrap();
    symlink(&target, app.store.incoming("link")).unwrap();
    let sha256 = app.received("v1");
    assert_eq!(names(directory.parent().unwrap()), [sha256]);
    assert!(target.is_dir());
}

#[test]
fn only_a_regular_file_is_received() {
    let app = App::new();
    let (file, sha256) = app.file("v1");
    let link = app.root.path().join("link");
    symlink(&file, &link).unwrap();
    for path in [&link, app.root.path()] {
        let message = app.store.receive(&sha256, path).unwrap_err().to_string();
        assert_eq!(message, format!("{}: not a regular file", path.display()));
    }
    let missing = app.root.path().join("missing");
    let message = app
        .store
        .receive(&sha256, &missing)
        .unwrap_err()
        .to_string();
    assert!(message.starts_with(missing.to_str().unwrap()), "{message}");
    let error = app.store.receive("../../upload", &file).unwrap_err();
    assert!(matches!(error, Error::Rejected(_)));
    assert!(file.exists());
}

/// A directory on another file system than the store, if this machine has one.
fn other_file_system(store: &Path) -> Option<tempfile::TempDir> {
    let device = fs::metadata(store).unwrap().dev();
    let directory = tempfile::tempdir_in("/dev/shm").ok()?;
    let other = fs::metadata(directory.path()).unwrap().dev();
    (other != device).then_some(directory)
}

#[test]
fn a_file_on_another_file_system_is_moved_if_there_is_space_for_it() {
    let app = App::new();
    let Some(other) = other_file_system(app.root.path()) else {
        return;
    };
    let (_, sha256) = app.file("v1");
    let file = other.path().join("upload");
    fs::write(&file, "v1").unwrap();
    app.store.receive(&sha256, &file).unwrap();
    assert!(!file.exists());
    assert_eq!(mode(&app.store.incoming(&sha256)), 0o600);
    fs::File::create(&file).unwrap().set_len(1 << 42).unwrap();
    // A directory: without the check, the copy fails at once instead of filling the disk.
    let upload = app.store.incoming(&"0".repeat(64));
    fs::create_dir(&upload).unwrap();
    let error = move_file(&file, &upload).unwrap_err();
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    assert!(file.exists());
}

#[test]
fn a_copy_that_fails_keeps_the_uploaded_file() {
    let app = App::new();
    let Some(other) = other_file_system(app.root.path()) else {
        return;
    };
    // An upload that cannot be overwritten, since it is a directory that is not empty.
    let (_, sha256) = app.file("v1");
    let upload = app.store.incoming(&sha256);
    fs::create_dir_all(upload.join("a")).unwrap();
    let file = other.path().join("upload");
    fs::write(&file, "v1").unwrap();
    assert!(move_file(&file, &upload).is_err());
    assert!(file.exists());
    app.store.receive(&sha256, &file).unwrap();
    assert_eq!(fs::read_to_string(&upload).unwrap(), "v1");
}

#[test]
fn any_user_can_execute_a_release() {
    let app = App::new();
    let sha256 = app.received("v1");
    let digest = app.store.admit(&file_artifact(), &sha256).unwrap();
    assert_eq!(digest, sha256[..12]);
    let release = app.store.release(&digest);
    for path in [
        &release,
        &release.join("randoms"),
        &app.store.path("releases"),
    ] {
        assert_eq!(mode(path), 0o755, "{}", path.display());
    }
    assert!(names(&app.store.path("incoming")).is_empty());
}

#[test]
fn an_image_is_a_file_of_the_release() {
    let app = App::new();
    let sha256 = app.received("image");
    let image = artifact(ArtifactKind::Image("randoms:1".to_owned()));
    let digest = app.store.admit(&image, &sha256).unwrap();
    let file = app.store.release(&digest).join("randoms");
    assert_eq!(fs::read_to_string(file).unwrap(), "image");
}

#[test]
fn a_release_is_flushed_before_it_gets_its_name() {
    let app = App::new();
    let sha256 = app.received("v1");
    log::take();
    let digest = app.store.admit(&file_artifact(), &sha256).unwrap();
    let new = format!("{digest}.new");
    assert_eq!(
        log::take(),
        [
            "sync incoming".to_owned(),
            format!("sync {sha256}"),
            format!("rename {sha256} randoms"),
            format!("sync {new}"),
            "sync incoming".to_owned(),
            "sync randoms".to_owned(),
            format!("rename {new} {digest}"),
            "sync releases".to_owned(),
            "sync incoming".to_owned(),
        ]
    );
}

#[test]
fn an_upload_with_another_sha256_is_deleted() {
    let app = App::new();
    let (file, found) = app.file("partial");
    let sha256 = "0".repeat(64);
    app.store.receive(&sha256, &file).unwrap();
    let message = app.store.admit(&file_artifact(), &sha256).unwrap_err();
    let expected = format!("digest mismatch: expected {sha256}, found {found}");
    assert!(message.to_string().ends_with(&expected), "{message}");
    assert!(app.store.releases().unwrap().is_empty());
    assert!(names(&app.store.path("incoming")).is_empty());
}

#[test]
fn an_upload_of_an_existing_release_is_deleted() {
    let app = App::new();
    let sha256 = app.received("v1");
    let digest = app.store.admit(&file_artifact(), &sha256).unwrap();
    app.received("v1");
    assert_eq!(app.store.admit(&file_artifact(), &sha256).unwrap(), digest);
    assert!(names(&app.store.path("incoming")).is_empty());
}

#[test]
fn a_missing_upload_is_an_error_with_its_path() {
    let app = App::new();
    let sha256 = "0".repeat(64);
    let message = app
        .store
        .admit(&file_artifact(), &sha256)
        .unwrap_err()
        .to_string();
    let path = app.store.incoming(&sha256);
    assert!(message.starts_with(path.to_str().unwrap()), "{message}");
    let error = app.store.admit(&file_artifact(), "v1").unwrap_err();
    assert!(matches!(error, Error::Rejected(_)));
}

#[test]
fn an_archive_of_which_two_do_not_fit_is_deleted() {
    let app = App::new();
    let sha256 = app.received("archive");
    let path = app.store.incoming(&sha256);
    let status = rustix::fs::statvfs(&path).unwrap();
    let length = status.f_bavail * status.f_frsize / 4 * 3;
    // Sparse: it occupies no space.
    let upload = fs::File::options().write(true).open(path).unwrap();
    upload.set_len(length).unwrap();
    let archive = artifact(ArtifactKind::Archive);
    let error = app.store.admit(&archive, &sha256).unwrap_err();
    let Error::NoSpace { needed, .. } = error else {
        panic!("expected Error::NoSpace, found {error}");
    };
    assert_eq!(needed, 2 * length + 64 * 1024 * 1024);
    assert!(names(&app.store.path("incoming")).is_empty());
}

#[test]
fn what_is_left_of_a_release_that_was_not_finished_is_replaced() {
    let app = App::new();
    let sha256 = app.received("v1");
    let new = app.store.incoming(&format!("{}.new", &sha256[..12]));
    fs::create_dir(&new).unwrap();
    fs::write(new.join("other"), "").unwrap();
    let digest = app.store.admit(&file_artifact(), &sha256).unwrap();
    assert_eq!(names(&app.store.release(&digest)), ["randoms"]);
}
