use tempfile::TempDir;

use super::*;

const TEXT: &str = "# a = 1\n; b = 1\n\nnet.ipv4.time = 3\nnet.ipv4.probes = 3\n";

/// A kernel with `net.ipv4.time = 7200` and `net.ipv4.probes = 9`, and the file 60-randoms-edge.conf.
struct Host {
    directory: TempDir,
    settings: KernelSettings,
    file: PathBuf,
}

impl Host {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let settings = KernelSettings {
            kernel: root.join("proc/sys"),
            directories: vec![root.join("etc"), root.join("run"), root.join("usr")],
        };
        let file = root.join("etc/60-randoms-edge.conf");
        let host = Self {
            directory,
            settings,
            file,
        };
        host.write("etc/60-randoms-edge.conf", TEXT);
        host.write("proc/sys/net/ipv4/time", "7200\n");
        host.write("proc/sys/net/ipv4/probes", "9\n");
        host
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn pending(&self) -> Vec<String> {
        let pending = self.settings.pending(&self.file);
        pending.iter().map(ToString::to_string).collect()
    }

    fn overriding(&self) -> Option<PathBuf> {
        self.settings.overriding(&self.file, &time())
    }

    /// Contents of the files of both keys.
    fn values(&self) -> [String; 2] {
        ["time", "probes"].map(|key| text(&self.path("proc/sys/net/ipv4").join(key)))
    }
}

fn time() -> Setting {
    setting("net.ipv4.time", "3")
}

fn setting(key: &str, value: &str) -> Setting {
    Setting {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

#[test]
fn settings_are_lines_with_a_key_and_a_value_that_are_not_comments() {
    assert_eq!(settings(TEXT), [time(), setting("net.ipv4.probes", "3")]);
    let found = settings(" a.b=1 2 = 3 \n-c.d\n-e.f = 4\n");
    assert_eq!(found, [setting("a.b", "1 2 = 3"), setting("e.f", "4")]);
}

#[test]
fn the_last_value_of_a_key_applies() {
    let found = settings("a.b = 1\nc.d = 2\n-a/b = 3\n");
    assert_eq!(found, [setting("a.b", "3"), setting("c.d", "2")]);
}

#[test]
fn the_first_separator_of_a_key_determines_the_other_one() {
    for (written, key, path) in [
        ("net.ipv4.x", "net.ipv4.x", "net/ipv4/x"),
        ("net/ipv4/x", "net.ipv4.x", "net/ipv4/x"),
        ("-net/ipv4/x", "net.ipv4.x", "net/ipv4/x"),
        (
            "net.conf.eth0/5.x",
            "net.conf.eth0/5.x",
            "net/conf/eth0.5/x",
        ),
        (
            "net/conf/eth0.5/x",
            "net.conf.eth0/5.x",
            "net/conf/eth0.5/x",
        ),
    ] {
        let found = settings(&format!("{written} = 1"));
        assert_eq!(found, [setting(key, "1")], "{written}");
        let host = KernelSettings::of_this_host();
        assert_eq!(host.path(key), Path::new("/proc/sys").join(path));
    }
}

#[test]
fn only_settings_that_differ_are_pending_and_none_after_they_are_applied() {
    let host = Host::new();
    host.write("proc/sys/net/ipv4/probes", "3\n");
    assert_eq!(host.pending(), ["net.ipv4.time = 3"]);
    host.settings.apply(&time()).unwrap();
    assert_eq!(host.values(), ["3\n", "3\n"]);
    assert_eq!(host.pending(), [""; 0]);
}

#[test]
fn a_setting_that_the_file_changes_is_pending() {
    let host = Host::new();
    for setting in host.settings.pending(&host.file) {
        host.settings.apply(&setting).unwrap();
    }
    host.write(
        "etc/60-randoms-edge.conf",
        &TEXT.replace("time = 3", "time = 4"),
    );
    assert_eq!(host.pending(), ["net.ipv4.time = 4"]);
}

#[test]
fn a_file_that_does_not_exist_has_no_pending_settings() {
    let host = Host::new();
    fs::remove_file(&host.file).unwrap();
    assert_eq!(host.pending(), [""; 0]);
}

#[test]
fn a_value_that_cannot_be_written_is_an_error_with_its_path() {
    let host = Host::new();
    let path = host.path("proc/sys/net/ipv4/time");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = host.settings.apply(&time()).unwrap_err();
    let expected = format!("{}: Is a directory", path.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[test]
fn a_key_that_the_kernel_does_not_have_is_pending_and_an_error() {
    let host = Host::new();
    let path = host.path("proc/sys/net/ipv4/time");
    fs::remove_file(&path).unwrap();
    assert_eq!(host.pending(), ["net.ipv4.time = 3", "net.ipv4.probes = 3"]);
    let error = host.settings.apply(&time()).unwrap_err();
    assert_eq!(error.error.kind(), io::ErrorKind::NotFound);
    assert_eq!(error.path, path);
    assert!(!path.exists());
}

#[test]
fn the_last_later_file_with_the_key_overrides_a_setting() {
    let host = Host::new();
    host.write("etc/70-own.conf", "net.ipv4.time = 50\n");
    host.write("usr/99-own.conf", "-net/ipv4/time=60\n");
    host.write("etc/99-z.conf", "net.ipv4.probes = 1\n");
    assert_eq!(host.overriding(), Some(host.path("usr/99-own.conf")));
}

#[test]
fn a_file_of_the_same_name_in_an_earlier_directory_replaces_one_that_overrides() {
    let host = Host::new();
    host.write("usr/70-own.conf", "net.ipv4.time = 60\n");
    assert_eq!(host.overriding(), Some(host.path("usr/70-own.conf")));
    host.write("run/70-own.conf", "net.ipv4.time = 70\n");
    assert_eq!(host.overriding(), Some(host.path("run/70-own.conf")));
    host.write("etc/70-own.conf", "# nothing\n");
    assert_eq!(host.overriding(), None);
}

#[test]
fn a_file_that_does_not_take_precedence_or_has_the_same_value_does_not_override() {
    let host = Host::new();
    host.write("etc/10-own.conf", "net.ipv4.time = 60\n");
    host.write("usr/60-randoms-edge.conf", "net.ipv4.time = 60\n");
    host.write("etc/70-own.conf", "net.ipv4.time = 60\n");
    host.write("etc/80-same.conf", "net.ipv4.time = 3\n");
    host.write("etc/90-own.conf.disabled", "net.ipv4.time = 60\n");
    assert_eq!(host.overriding(), None);
}

#[test]
fn the_kernel_of_this_host_has_the_settings_that_genconf_renders() {
    let host = KernelSettings::of_this_host();
    for key in [
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_retries2",
    ] {
        let value: Result<u32, _> = text(&host.path(key)).trim().parse();
        assert!(value.is_ok(), "{key}: {value:?}");
    }
}
