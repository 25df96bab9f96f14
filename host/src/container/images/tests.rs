//! Loads and removals of images.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::super::stub::StubEngines;
use super::*;

/// An engine, and the directory of an app.
struct Fixture {
    stubs: StubEngines,
    engine: Engine,
    opt: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let stubs = StubEngines::install(&["docker"]);
        Self {
            engine: Engine::find(&stubs.search_path()).unwrap(),
            stubs,
            opt: tempfile::tempdir().unwrap(),
        }
    }

    fn app_directory(&self) -> PathBuf {
        self.opt.path().join("shop/randoms")
    }

    fn lock(&self) -> PathBuf {
        self.opt.path().join("images.lock")
    }

    /// Adds a release with an archive of these images.
    fn add_release(&self, digest: &str, images: &[&str]) {
        let release = self.app_directory().join("releases").join(digest);
        std::fs::create_dir_all(&release).unwrap();
        let lines = [images, &[""]].concat().join("\n");
        std::fs::write(release.join("randoms.tar"), lines).unwrap();
    }

    fn load(&self, digest: &str) -> Result<String, Error> {
        self.load_with(digest, &self.lock())
    }

    fn load_with(&self, digest: &str, lock: &Path) -> Result<String, Error> {
        let app_directory = self.app_directory();
        let images = Images::new(&self.engine, &app_directory, lock)?;
        images.load(digest, "randoms.tar", "randoms:1")
    }

    /// How often the client was run with this subcommand.
    fn count(&self, subcommand: &str) -> usize {
        let start = format!("docker {subcommand} ");
        let log = self.stubs.log();
        log.iter().filter(|line| line.starts_with(&start)).count()
    }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn an_image_has_the_name_of_its_release_and_not_that_of_its_archive() {
    let fixture = Fixture::new();
    fixture.add_release("abc", &["randoms:1", "randoms:latest"]);
    assert_eq!(
        fixture.load("abc").unwrap(),
        "localhost/genconf/shop/randoms:abc"
    );
    assert_eq!(
        fixture.stubs.images("docker"),
        set(&["localhost/genconf/shop/randoms:abc"])
    );
}

#[test]
fn an_image_is_found_by_its_name_with_a_registry() {
    for name in ["localhost/randoms:1", "docker.io/library/randoms:1"] {
        let fixture = Fixture::new();
        fixture.add_release("abc", &[name]);
        let loaded = fixture.load("abc").unwrap();
        assert_eq!(fixture.stubs.images("docker"), set(&[&loaded]));
    }
}

#[test]
fn a_release_is_loaded_once() {
    let fixture = Fixture::new();
    fixture.add_release("abc", &["randoms:1"]);
    let names = [(); 2].map(|()| fixture.load("abc").unwrap());
    assert_eq!(names[0], names[1]);
    assert_eq!(fixture.count("load"), 1);
}

#[test]
fn a_known_image_is_found_without_the_lock() {
    let fixture = Fixture::new();
    fixture.add_release("abc", &["randoms:1"]);
    let missing = fixture.opt.path().join("missing/images.lock");
    let error = fixture.load_with("abc", &missing).unwrap_err().to_string();
    assert!(error.contains("missing/images.lock"), "{error}");
    assert_eq!(fixture.count("load"), 0);
    let name = fixture.load("abc").unwrap();
    assert_eq!(fixture.load_with("abc", &missing).unwrap(), name);
}

/// Whether a thread waits for a lock on the file, from `/proc/locks`.
fn is_waited_for(lock: &File) -> bool {
    let inode = format!(":{} ", lock.metadata().unwrap().ino());
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    let is_waiting = |line: &str| line.contains("-> FLOCK") && line.contains(&inode);
    locks.lines().any(is_waiting)
}

#[test]
fn an_image_that_another_process_loads_in_the_meantime_is_not_loaded_again() {
    let fixture = Fixture::new();
    fixture.add_release("abc", &["randoms:1"]);
    std::thread::scope(|scope| {
        let other = File::create(fixture.lock()).unwrap();
        other.lock().unwrap();
        let load = scope.spawn(|| fixture.load("abc"));
        let limit = Instant::now() + Duration::from_secs(30);
        while !is_waited_for(&other) {
            assert!(!load.is_finished(), "loaded without the lock");
            assert!(Instant::now() < limit, "the lock is not waited for");
            std::thread::yield_now();
        }
        let name = "localhost/genconf/shop/randoms:abc";
        fixture.stubs.add_image("docker", name);
        other.unlock().unwrap();
        assert_eq!(load.join().unwrap().unwrap(), name);
    });
    assert_eq!(fixture.count("image"), 2);
    assert_eq!(fixture.count("load"), 0);
}

#[test]
fn an_archive_without_the_image_is_rejected_with_the_images_in_it() {
    let fixture = Fixture::new();
    fixture.add_release("abc", &["my-randoms:1", "randoms:10"]);
    let error = fixture.load("abc").unwrap_err().to_string();
    let archive = fixture.app_directory().join("releases/abc/randoms.tar");
    assert_eq!(
        error,
        format!(
            "image randoms:1 is not in {}; found: my-randoms:1, randoms:10",
            archive.display()
        )
    );
}

#[test]
fn an_archive_without_names_is_rejected() {
    let fixture = Fixture::new();
    fixture.add_release("abc", &[]);
    let error = fixture.load("abc").unwrap_err().to_string();
    assert!(error.ends_with("found: no named image"), "{error}");
}

#[test]
fn a_missing_archive_is_an_error_of_the_client() {
    let fixture = Fixture::new();
    std::fs::create_dir_all(fixture.app_directory()).unwrap();
    let error = fixture.load("abc").unwrap_err().to_string();
    assert!(error.contains("releases/abc/randoms.tar: sed:"), "{error}");
}

#[test]
fn the_image_of_a_removed_release_is_removed_at_the_next_load() {
    let fixture = Fixture::new();
    fixture.add_release("abc", &["randoms:1"]);
    fixture.add_release("def", &["randoms:1"]);
    fixture.add_release("012", &["randoms:1"]);
    let removed = fixture.load("abc").unwrap();
    let kept = fixture.load("def").unwrap();
    assert_eq!(fixture.stubs.images("docker"), set(&[&removed, &kept]));
    std::fs::remove_dir_all(fixture.app_directory().join("releases/abc")).unwrap();
    let others = [
        "localhost/genconf/other/randoms:abc",
        "localhost/genconf/shop/randoms-2:abc",
        "<none>:<none>",
    ];
    for other in others {
        fixture.stubs.add_image("docker", other);
    }
    let new = fixture.load("012").unwrap();
    let mut expected = set(&others);
    expected.extend([kept, new]);
    assert_eq!(fixture.stubs.images("docker"), expected);
}

#[test]
fn a_directory_that_is_not_of_an_app_is_rejected() {
    let fixture = Fixture::new();
    for path in ["/", "/opt", "shop"] {
        let lock = fixture.lock();
        let result = Images::new(&fixture.engine, Path::new(path), &lock);
        assert_eq!(
            result.unwrap_err().to_string(),
            format!("expected /opt/PROJECT/APP, found {path}")
        );
    }
}

#[test]
fn names_are_read_from_the_output_of_every_engine() {
    let docker = "Loaded image: randoms:1\nLoaded image: randoms:2\n";
    assert_eq!(loaded_images(docker), ["randoms:1", "randoms:2"]);
    let podman_3 = "Loaded image(s): localhost/randoms:1,localhost/randoms:2\n";
    assert_eq!(
        loaded_images(podman_3),
        ["localhost/randoms:1", "localhost/randoms:2"]
    );
    let unnamed = "Loading layer 3 MB\nLoaded image ID: sha256:0123\nLoaded image: \n";
    assert!(loaded_images(unnamed).is_empty());
}
