use super::super::disk::log;
use super::*;

/// An app without releases.
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

    /// Uploads a file, and makes a release of it.
    fn admit(&self, content: &str) -> String {
        let file = self.root.path().join("upload");
        fs::write(&file, content).unwrap();
        let sha256 = super::super::sha256_of(&file).unwrap();
        let artifact = model::Artifact {
            source: "randoms".to_owned(),
            build: None,
            executable: "randoms".to_owned(),
            kind: model::ArtifactKind::File,
        };
        self.store.receive(&sha256, &file).unwrap();
        self.store.admit(&artifact, &sha256).unwrap()
    }

    /// A release that passed its checks.
    fn passed(&self, content: &str) -> String {
        let digest = self.admit(content);
        self.store.record(&digest, None).unwrap();
        digest
    }

    fn passed_each<const N: usize>(&self, contents: [&str; N]) -> [String; N] {
        contents.map(|content| self.passed(content))
    }

    fn previous(&self, left: Option<&str>) -> Option<String> {
        self.store.previous(left).unwrap()
    }
}

#[test]
fn an_app_without_a_directory_has_no_releases() {
    let App { store, .. } = App::new();
    assert_eq!(store.current().unwrap(), None);
    assert_eq!(store.proven().unwrap(), None);
    assert_eq!(store.previous(None).unwrap(), None);
    assert!(store.history().unwrap().is_empty() && store.releases().unwrap().is_empty());
    assert!(!store.has("0123456789ab").unwrap());
}

#[test]
fn what_cannot_be_read_is_an_error_and_not_absent() {
    let app = App::new();
    fs::create_dir_all(app.store.path("history")).unwrap();
    fs::write(app.store.path("current"), "not a link").unwrap();
    fs::write(app.store.path("releases"), "not a directory").unwrap();
    let results = [
        app.store.history().map(drop),
        app.store.current().map(drop),
        app.store.releases().map(drop),
        app.store.has("0123456789ab").map(drop),
        app.store.previous(None).map(drop),
        app.store.find("0").map(drop),
    ];
    for result in results {
        let message = result.unwrap_err().to_string();
        let directory = app.store.directory.to_str().unwrap();
        assert!(message.starts_with(directory), "{message}");
    }
}

#[test]
fn a_directory_with_another_name_is_neither_a_release_nor_deleted() {
    let app = App::new();
    let digest = app.admit("v1");
    let other = app.store.release("lost+found");
    fs::create_dir(&other).unwrap();
    app.store.record(&digest, None).unwrap();
    assert_eq!(app.store.releases().unwrap(), [digest]);
    assert!(other.is_dir());
    for name in ["", "..", "lost+found"] {
        assert!(!app.store.has(name).unwrap(), "{name:?}");
    }
}

#[test]
fn links_and_history_are_flushed_before_they_are_replaced() {
    let app = App::new();
    let digest = app.admit("v1");
    log::take();
    app.store.record(&digest, None).unwrap();
    let history = ["sync .history", "rename .history history", "sync randoms"];
    assert_eq!(log::take(), history);
    app.store.select(&digest).unwrap();
    app.store.prove(&digest).unwrap();
    let links = [
        "rename .current current",
        "sync randoms",
        "rename .proven proven",
        "sync randoms",
    ];
    assert_eq!(log::take(), links);
    app.store.select(&digest).unwrap();
    assert!(
        log::take().is_empty(),
        "a link with the same target is not replaced"
    );
}

#[test]
fn a_link_is_relative_and_replaces_the_one_before() {
    let app = App::new();
    let [first, second] = ["v1", "v2"].map(|content| app.admit(content));
    app.store.select(&first).unwrap();
    // As a process leaves it that is killed before the rename.
    std::os::unix::fs::symlink("releases/other", app.store.path(".current")).unwrap();
    app.store.select(&second).unwrap();
    let target = fs::read_link(app.store.path("current")).unwrap();
    assert_eq!(target, Path::new("releases").join(&second));
    assert_eq!(app.store.current().unwrap(), Some(second));
}

#[test]
fn five_releases_are_kept_and_always_the_current_one() {
    let app = App::new();
    let first = app.passed("v0");
    app.store.select(&first).unwrap();
    let others: Vec<_> = (1..8).map(|n| app.passed(&format!("v{n}"))).collect();
    assert_eq!(app.store.history().unwrap(), others[2..]);
    let mut kept = [&[first], &others[2..]].concat();
    kept.sort();
    assert_eq!(app.store.releases().unwrap(), kept);
}

#[test]
fn previous_is_the_release_that_passed_before_the_current_one() {
    let app = App::new();
    let [first, second, third] = app.passed_each(["v0", "v1", "v2"]);
    app.store.select(&third).unwrap();
    assert_eq!(app.previous(None), Some(second));
    app.store.select(&first).unwrap();
    assert_eq!(app.previous(None), None);
}

#[test]
fn an_interrupted_deploy_is_undone_and_an_interrupted_rollback_is_finished() {
    let app = App::new();
    let [a, b, c] = app.passed_each(["a", "b", "c"]);
    let new = app.admit("new");
    for (current, proven, previous) in [(&b, &c, &b), (&a, &c, &a), (&new, &c, &c), (&c, &b, &b)] {
        app.store.select(current).unwrap();
        app.store.prove(proven).unwrap();
        assert_eq!(
            app.previous(None).as_ref(),
            Some(previous),
            "{current} {proven}"
        );
        // What is on this host has priority.
        assert_eq!(
            app.previous(Some(&a)).as_ref(),
            Some(previous),
            "{current} {proven}"
        );
    }
}

#[test]
fn a_deploy_that_is_unfinished_on_other_hosts_is_undone() {
    let app = App::new();
    let [a, b, c] = app.passed_each(["a", "b", "c"]);
    for (current, left, previous) in [
        (&b, Some(c.as_str()), &b),
        (&c, Some(&b), &b),
        (&b, Some("0123456789ab"), &a),
        (&b, None, &a),
        (&b, Some(&b), &a),
    ] {
        app.store.select(current).unwrap();
        app.store.prove(current).unwrap();
        assert_eq!(
            app.previous(left).as_ref(),
            Some(previous),
            "{current} {left:?}"
        );
    }
}

#[test]
fn deploying_an_old_release_makes_it_the_newest() {
    let app = App::new();
    let [first, second] = app.passed_each(["v1", "v2"]);
    app.store.record(&first, None).unwrap();
    app.store.select(&first).unwrap();
    assert_eq!(app.previous(None), Some(second));
}

#[test]
fn a_release_that_was_left_by_a_rollback_becomes_the_oldest() {
    let app = App::new();
    let [a, b, c] = app.passed_each(["a", "b", "c"]);
    let d = app.admit("d");
    app.store.record(&d, Some(&b)).unwrap();
    assert_eq!(
        app.store.history().unwrap(),
        [&c, &a, &b, &d].map(String::as_str)
    );
    for (current, previous) in [(&d, &b), (&b, &a)] {
        app.store.select(current).unwrap();
        assert_eq!(app.previous(None).as_ref(), Some(previous));
    }
}

#[test]
fn five_releases_are_kept_after_a_rollback() {
    let app = App::new();
    let mut digests = app.passed_each(["v0", "v1", "v2", "v3", "v4"]);
    let left = digests[4].clone();
    let new = app.admit("v5");
    app.store.record(&new, Some(&digests[3])).unwrap();
    digests[4] = new;
    assert_eq!(app.store.history().unwrap(), digests);
    assert!(!app.store.has(&left).unwrap());
}

#[test]
fn a_previous_release_that_was_not_recorded_is_added() {
    let app = App::new();
    let first = app.passed("v1");
    let [unrecorded, new] = ["v2", "v3"].map(|content| app.admit(content));
    app.store.record(&new, Some(&unrecorded)).unwrap();
    assert_eq!(app.store.history().unwrap(), [first, unrecorded, new]);
}

#[test]
fn a_prefix_of_two_releases_is_an_error() {
    let app = App::new();
    let [first, second] = app.passed_each(["v1", "v2"]);
    assert_eq!(app.store.find(&first[..4]).unwrap(), Some(first.clone()));
    assert_eq!(app.store.find("not there").unwrap(), None);
    let message = app.store.find("").unwrap_err().to_string();
    let start = "more than one release starts with ";
    assert!(message.starts_with(start), "{message}");
    assert!(
        message.contains(&first) && message.contains(&second),
        "{message}"
    );
}

#[test]
fn a_release_that_is_forgotten_leaves_nothing() {
    let app = App::new();
    let digest = app.admit("v1");
    app.store.select(&digest).unwrap();
    app.store.record(&digest, None).unwrap();
    app.store.prove(&digest).unwrap();
    app.store.forget(&digest).unwrap();
    assert_eq!(app.store.current().unwrap(), None);
    assert_eq!(app.store.proven().unwrap(), None);
    assert!(app.store.releases().unwrap().is_empty());
    assert_eq!(fs::read_to_string(app.store.path("history")).unwrap(), "");
    assert!(
        fs::read_dir(app.store.path("incoming"))
            .unwrap()
            .next()
            .is_none()
    );
    app.store.forget(&digest).unwrap();
}

#[test]
fn a_release_is_renamed_before_it_is_deleted() {
    let app = App::new();
    let digest = app.admit("v1");
    log::take();
    app.store.forget(&digest).unwrap();
    let rename = format!("rename {digest} {digest}.deleted");
    assert_eq!(
        log::take(),
        [rename.as_str(), "sync incoming", "sync releases"]
    );
    // Where it cannot be renamed, nothing of it is deleted.
    app.admit("v1");
    fs::remove_dir(app.store.path("incoming")).unwrap();
    fs::write(app.store.path("incoming"), "").unwrap();
    assert!(app.store.forget(&digest).is_err());
    assert!(app.store.release(&digest).join("randoms").is_file());
}

#[test]
fn a_release_that_was_partly_deleted_can_be_added_and_deleted_again() {
    let app = App::new();
    let digest = app.admit("v1");
    // As a process leaves it that is killed during the deletion.
    let partly = app.store.incoming(&format!("{digest}.deleted"));
    fs::rename(app.store.release(&digest), &partly).unwrap();
    assert!(!app.store.has(&digest).unwrap());
    assert_eq!(app.admit("v1"), digest);
    assert!(app.store.release(&digest).join("randoms").is_file());
    fs::create_dir(&partly).unwrap();
    fs::write(partly.join("other"), "").unwrap();
    app.store.forget(&digest).unwrap();
    assert!(!app.store.has(&digest).unwrap() && !partly.exists());
}
