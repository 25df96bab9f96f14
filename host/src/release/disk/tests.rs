use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn directories_and_files_have_the_same_mode_with_any_umask() {
    let root = tempfile::tempdir().unwrap();
    // All tests of this process have this umask from here on, and none may depend on it.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let directory = root.path().join("a/b");
    create_directory(&directory).unwrap();
    write(&directory.join("file"), "content").unwrap();
    assert_eq!(mode(&root.path().join("a")), 0o755);
    assert_eq!(mode(&directory), 0o755);
    assert_eq!(mode(&directory.join("file")), 0o644);
}

#[test]
fn a_directory_that_others_cannot_enter_is_opened() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("a");
    fs::create_dir(&directory).unwrap();
    set_mode(&directory, 0o700).unwrap();
    create_directory(&directory).unwrap();
    assert_eq!(mode(&directory), 0o755);
}

#[test]
fn a_file_in_place_of_a_directory_is_an_error_with_its_path() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("a");
    fs::write(&file, "").unwrap();
    let message = create_directory(&file).unwrap_err().to_string();
    assert!(message.contains(file.to_str().unwrap()), "{message}");
}

#[test]
fn a_file_is_flushed_before_its_rename_and_its_directory_after_it() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("a");
    create_directory(&directory).unwrap();
    log::take();
    write(&directory.join("file"), "content").unwrap();
    assert_eq!(log::take(), ["sync .file", "rename .file file", "sync a"]);
}

#[test]
fn a_rename_to_another_directory_flushes_both() {
    let root = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        create_directory(&root.path().join(name)).unwrap();
    }
    fs::write(root.path().join("a/file"), "content").unwrap();
    log::take();
    rename(&root.path().join("a/file"), &root.path().join("b/file")).unwrap();
    assert_eq!(log::take(), ["rename file file", "sync b", "sync a"]);
}

#[test]
fn removing_a_link_keeps_what_it_points_to() {
    let root = tempfile::tempdir().unwrap();
    let (target, link) = (root.path().join("target"), root.path().join("link"));
    fs::create_dir(&target).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    remove(&link).unwrap();
    remove(&link).unwrap();
    assert!(target.is_dir() && fs::symlink_metadata(&link).is_err());
}

#[test]
fn only_a_file_that_does_not_exist_is_none() {
    let root = tempfile::tempdir().unwrap();
    assert!(
        if_exists(fs::read(root.path().join("file")))
            .unwrap()
            .is_none()
    );
    assert!(if_exists(fs::read(root.path())).is_err());
}
