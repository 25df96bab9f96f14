//! Stub engines: shell scripts that log their arguments and keep images as lines of a file.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Archives are lists of image names. A line of the log is written when the client has done its work.
const SCRIPT: &str = r#"#!/bin/sh
line="${0##*/} $*"
images=$0.images
status=0
[ "$1" = --events-backend=none ] && shift
for last; do :; done
case $1 in
image) grep -qxF -- "$last" "$images" || status=1 ;;
load) sed 's/^/Loaded image: /' "$last" && cat "$last" >> "$images" || status=1 ;;
tag) echo "$last" >> "$images" ;;
rmi)
    shift
    for name; do
        grep -vxF -- "$name" "$images" > "$images.new"
        mv "$images.new" "$images"
    done ;;
images) cat "$images" ;;
path) echo "$PATH" ;;
fail) echo "disk full" >&2; status=125 ;;
fail-silently) status=125 ;;
run) echo "$SECRET" ;;
esac
echo "$line" >> "${0%/*}/log"
exit $status
"#;

/// A directory of stub engines.
pub(super) struct StubEngines {
    directory: TempDir,
}

impl StubEngines {
    /// Installs stubs with these names.
    pub(super) fn install(names: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let stubs = Self { directory };
        std::fs::write(stubs.path("log"), "").unwrap();
        for name in names {
            std::fs::write(stubs.path(&format!("{name}.images")), "").unwrap();
            stubs.write_script(name);
        }
        stubs
    }

    /// With a child process: this process must not have an executable open for writing, because
    /// children that other tests fork in the meantime inherit it, and execve(2) fails with ETXTBSY.
    fn write_script(&self, name: &str) {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
            .arg(self.path(name))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = shell.stdin.take().unwrap();
        stdin.write_all(SCRIPT.as_bytes()).unwrap();
        drop(stdin);
        assert!(shell.wait().unwrap().success());
    }

    /// Where the engines are.
    pub(super) fn search_path(&self) -> String {
        self.directory.path().to_str().unwrap().to_owned()
    }

    /// A file in the directory.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Names of the images of an engine.
    pub(super) fn images(&self, engine: &str) -> BTreeSet<String> {
        let text = std::fs::read_to_string(self.path(&format!("{engine}.images"))).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Adds an image to an engine.
    pub(super) fn add_image(&self, engine: &str, name: &str) {
        let images = self.path(&format!("{engine}.images"));
        let mut file = std::fs::File::options().append(true).open(images).unwrap();
        writeln!(file, "{name}").unwrap();
    }

    /// Arguments of the clients that have ended, starting with the engine.
    pub(super) fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("log")).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}
