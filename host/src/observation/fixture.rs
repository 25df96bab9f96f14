//! A host in a temporary directory, for tests.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use model::{Endpoint, HealthCheck, HostSpec};
use tempfile::TempDir;

use super::{Machine, Observation};
use crate::execution::Context;
use crate::files::{File, Root, Transaction};
use crate::health_check::{Checker, Failure};
use crate::host::Host;
use crate::records::Record;
use crate::systemd::fake::FakeSystemd;
use crate::systemd::{Activity, Systemd as _};

/// The first lines of files that genconf installs.
pub(crate) const BANNER: &str = "# Written by genconf for randoms.\n";

/// Passes all checks except those of these endpoints.
#[derive(Debug, Default)]
pub(crate) struct FakeChecker {
    failing: Mutex<BTreeMap<String, String>>,
}

impl FakeChecker {
    /// From now on, checks of this endpoint fail for this reason.
    pub(crate) fn fail(&self, endpoint: &str, reason: &str) {
        let mut failing = self.failing.lock().unwrap();
        failing.insert(endpoint.to_owned(), reason.to_owned());
    }
}

impl Checker for FakeChecker {
    async fn check(
        &self,
        endpoint: &Endpoint,
        _: &HealthCheck,
        _: Duration,
    ) -> Result<(), Failure> {
        let failing = self.failing.lock().unwrap();
        failing
            .get(&endpoint.to_string())
            .map_or(Ok(()), |reason| Err(Failure::new(reason)))
    }
}

/// Files, processes, and units.
#[derive(Debug)]
pub(crate) struct FakeHost {
    _directory: TempDir,
    pub(crate) host: Host,
    pub(crate) machine: Machine,
    pub(crate) systemd: FakeSystemd,
    pub(crate) checker: FakeChecker,
}

impl FakeHost {
    /// A host without files and units.
    pub(crate) fn new(spec: HostSpec) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let proc = directory.path().join("proc");
        std::fs::create_dir_all(proc.join("net")).unwrap();
        for table in ["tcp", "tcp6", "unix"] {
            std::fs::write(proc.join("net").join(table), "header\n").unwrap();
        }
        Self {
            host: Host::new(spec, 2),
            machine: Machine {
                root: Root::at(&directory.path().join("root")),
                proc,
            },
            systemd: FakeSystemd::default(),
            checker: FakeChecker::default(),
            _directory: directory,
        }
    }

    /// What steps change.
    pub(crate) fn context(&self) -> Context<'_, FakeSystemd, FakeChecker> {
        Context {
            host: &self.host,
            machine: &self.machine,
            systemd: &self.systemd,
            checker: &self.checker,
        }
    }

    pub(crate) async fn observe(&self) -> Observation {
        self.machine
            .observe(&self.host, &self.systemd)
            .await
            .unwrap()
    }

    /// Writes a file; `path` is that on the host.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.machine.root.resolve(Path::new(path));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Content of a file.
    pub(crate) fn read(&self, path: &Path) -> String {
        std::fs::read_to_string(self.machine.root.resolve(path)).unwrap()
    }

    /// Files that a run installs and does not apply.
    pub(crate) fn install(&self, files: &[(&str, &str)]) {
        let file = |(path, content): &(&str, &str)| File {
            path: PathBuf::from(path),
            content: content.as_bytes().to_vec(),
            mode: 0o644,
        };
        let files: Vec<File> = files.iter().map(file).collect();
        let state = &self.host.paths.state;
        Transaction::stage(&self.machine.root, state, &files, &[])
            .unwrap()
            .commit()
            .unwrap();
    }

    /// A unit is active.
    pub(crate) fn start(&self, unit: &str) {
        self.systemd.edit(unit, |state| {
            state.activity = Activity::Active;
            state.is_enabled = true;
            state.invocation = format!("run of {unit}");
        });
    }

    /// A unit of the project with one file, `/etc/systemd/system/FILE`.
    pub(crate) fn unit(&self, unit: &str, file: &str) {
        let path = format!("/etc/systemd/system/{file}");
        self.write(&path, &format!("{BANNER}[Unit]\nDescription={unit}\n"));
        self.systemd.set_files(unit, &[path.into()]);
    }

    /// Records that a unit runs with what is on disk.
    pub(crate) async fn record(&self, unit: &str) {
        let state = self
            .systemd
            .states(&[unit.to_owned()])
            .await
            .unwrap()
            .remove(unit)
            .unwrap();
        let record = Record {
            invocation: state.invocation.clone(),
            ..self.machine.inputs_of(&self.host, unit, &state).unwrap()
        };
        self.machine
            .records(&self.host)
            .unwrap()
            .set(unit, record)
            .unwrap();
    }

    /// Adds a release and selects it.
    pub(crate) fn select(&self, app: &str, release: &str) {
        let directory = self
            .machine
            .root
            .resolve(&self.host.app(app).unwrap().directory);
        std::fs::create_dir_all(directory.join("releases").join(release)).unwrap();
        self.machine
            .store(&self.host.app(app).unwrap().directory)
            .select(release)
            .unwrap();
    }

    /// A process whose link in /proc (`exe`, `cwd`) has this target.
    pub(crate) fn process(&self, pid: u32, link: &str, target: &str) {
        let process = self.machine.proc.join(pid.to_string());
        std::fs::create_dir_all(&process).unwrap();
        symlink(target, process.join(link)).unwrap();
    }

    /// Writes a file in the directory of a process in /proc.
    pub(crate) fn process_file(&self, pid: u32, name: &str, content: &str) {
        let process = self.machine.proc.join(pid.to_string());
        std::fs::create_dir_all(&process).unwrap();
        std::fs::write(process.join(name), content).unwrap();
    }
}
