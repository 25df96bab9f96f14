//! A host in a temporary directory, whose services behave as the release that they start.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use model::HostSpec;
use tempfile::TempDir;

use super::super::{Options, Outcome, Selection, admit, change, run, select, undo};
use super::checker::FakeChecker;
use super::processes::{Processes, Program};
use super::spec::{self, APP};
use crate::execution::{Context, Failure, History};
use crate::files::Root;
use crate::host::Host;
use crate::observation::{Machine, Observation};
use crate::plan::{self, Move};
use crate::release::{Store, sha256_of};
use crate::systemd::Activity;
use crate::systemd::fake::{Behavior, FakeSystemd};

type Choice = Box<dyn Fn(&str) -> Behavior + Send>;
/// By unit, the release of its last process.
type Started = Arc<Mutex<BTreeMap<String, String>>>;
type Behaviors = Arc<Mutex<BTreeMap<String, Choice>>>;

/// A host.
pub(crate) struct Fixture {
    directory: TempDir,
    pub(crate) host: Host,
    pub(crate) machine: Machine,
    pub(crate) systemd: Arc<FakeSystemd>,
    pub(crate) checker: FakeChecker,
    behaviors: Behaviors,
    started: Started,
}

impl Fixture {
    /// A host with three fork instances and no release.
    pub(crate) fn new() -> Self {
        Self::with(spec::one_app(3), Processes::Shown)
    }

    /// The host of this spec.
    pub(crate) fn with(spec: HostSpec, processes: Processes) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (root, proc) = (directory.path().join("root"), directory.path().join("proc"));
        fs::create_dir_all(proc.join("net")).unwrap();
        for table in ["tcp", "unix"] {
            fs::write(proc.join("net").join(table), "header\n").unwrap();
        }
        let host = Host::new(spec, 1);
        let systemd = Arc::new(FakeSystemd::default());
        let behaviors = Behaviors::default();
        let (programs, started) = (Program::all(&host, &root), Started::default());
        let (all, chosen) = (programs.clone(), behaviors.clone());
        systemd.set_behavior(move |unit| {
            let release = all[unit].current();
            let behaviors = chosen.lock().unwrap();
            let choose = behaviors.get(&release);
            choose.map_or_else(Behavior::good, |choose| choose(unit))
        });
        let (entries, releases) = (proc.clone(), started.clone());
        systemd.set_started(move |unit, pid| {
            let program = &programs[unit];
            let mut releases = releases.lock().unwrap();
            releases.insert(unit.to_owned(), program.current());
            if processes == Processes::Shown {
                program.show(&entries.join(pid.to_string()));
            }
        });
        let fixture = Self {
            checker: FakeChecker::new(&host, &systemd),
            machine: Machine {
                root: Root::at(&root),
                proc,
            },
            directory,
            host,
            systemd,
            behaviors,
            started,
        };
        fixture.install();
        fixture
    }

    /// Installs and enables the units.
    fn install(&self) {
        for unit in self.host.units() {
            self.systemd.edit(&unit, |state| {
                state.is_enabled = true;
                if !unit.ends_with(".service") {
                    state.activity = Activity::Active;
                }
                state.notifies = unit.ends_with(".service");
            });
        }
        for instance in self.host.instances() {
            let file = unit_file(&instance.unit);
            self.write(&file, "[Service]\nExecStart=/bin/app\n");
            self.systemd.set_files(&instance.unit, &[file]);
            let Some(socket) = &instance.socket else {
                continue;
            };
            self.systemd.edit(socket, |state| {
                state.listen = vec![instance.endpoint.clone()];
                state.triggers.push(instance.unit.clone());
            });
        }
    }

    /// Writes a file of this host.
    pub(crate) fn write(&self, path: &Path, content: &str) {
        let path = self.machine.root.resolve(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn context(&self) -> Context<'_, FakeSystemd, FakeChecker> {
        Context {
            host: &self.host,
            machine: &self.machine,
            systemd: &self.systemd,
            checker: &self.checker,
        }
    }

    /// The releases of the first app.
    pub(crate) fn store(&self) -> Store {
        self.store_of(APP)
    }

    pub(crate) fn store_of(&self, app: &str) -> Store {
        self.machine.store(&self.host.app(app).unwrap().directory)
    }

    /// Uploads an artifact of the first app with this content; returns its release.
    pub(crate) fn admit(&self, content: &str) -> String {
        self.admit_to(APP, content)
    }

    pub(crate) fn admit_to(&self, app: &str, content: &str) -> String {
        let file = self.directory.path().join("upload");
        fs::write(&file, content).unwrap();
        let sha256 = sha256_of(&file).unwrap();
        admit(self.context(), app, &sha256, &file).unwrap()
    }

    /// A release whose services behave like this.
    pub(crate) fn admit_as(&self, content: &str, behavior: Behavior) -> String {
        let release = self.admit(content);
        self.set_behavior(&release, move |_| behavior.clone());
        release
    }

    /// From now on, services of a release behave like this, by unit.
    pub(crate) fn set_behavior(
        &self,
        release: &str,
        behavior: impl Fn(&str) -> Behavior + Send + 'static,
    ) {
        let mut behaviors = self.behaviors.lock().unwrap();
        behaviors.insert(release.to_owned(), Box::new(behavior));
    }

    /// Deploys a release of the first app.
    pub(crate) async fn deploy(&self, release: &str) -> Result<Outcome, Failure> {
        self.deploy_with(release, Options::default()).await
    }

    pub(crate) async fn deploy_with(
        &self,
        release: &str,
        options: Options,
    ) -> Result<Outcome, Failure> {
        let releases = BTreeMap::from([(APP.to_owned(), release.to_owned())]);
        let outcome = change(self.context(), &releases, options).await?;
        self.assert_converged().await;
        Ok(outcome)
    }

    /// Uploads and deploys a release of the first app.
    pub(crate) async fn deployed(&self, content: &str) -> String {
        let release = self.admit(content);
        self.deploy(&release).await.unwrap();
        release
    }

    /// What a rollback of all apps would select for the first one. `None`: there is nothing.
    pub(crate) fn selected(&self, release: Option<&str>, unfinished: &[Move]) -> Option<String> {
        match select(self.context(), release, &[], unfinished).unwrap() {
            Selection::Releases(releases) => releases[APP].clone(),
            Selection::Nothing(_) => None,
        }
    }

    /// Rolls the first app back to the previous release.
    pub(crate) async fn roll_back(&self, unfinished: &[Move]) -> Outcome {
        let release = self.selected(None, unfinished).unwrap();
        let options = Options {
            unfinished: unfinished.to_vec(),
            history: History::Keep,
            ..Options::default()
        };
        self.deploy_with(&release, options).await.unwrap()
    }

    /// Applies the desired state, as `site.yml` does.
    pub(crate) async fn apply(&self) -> Result<Outcome, Failure> {
        let steps = plan::instances(&self.host, &self.observe().await, &BTreeMap::new());
        let steps = steps.map_err(Failure::new)?;
        let outcome = run(self.context(), &steps, Options::default()).await?;
        self.assert_converged().await;
        Ok(outcome)
    }

    /// Undoes changes.
    pub(crate) async fn undo(&self, moves: &[Move]) -> String {
        undo(self.context(), moves).await.unwrap()
    }

    pub(crate) async fn observe(&self) -> Observation {
        self.machine
            .observe(&self.host, &*self.systemd)
            .await
            .unwrap()
    }

    /// What a plan for the current releases would change.
    pub(crate) async fn planned(&self) -> Vec<String> {
        let observation = self.observe().await;
        let steps = plan::instances(&self.host, &observation, &BTreeMap::new()).unwrap();
        steps
            .iter()
            .filter(|s| s.is_change())
            .map(ToString::to_string)
            .collect()
    }

    /// A second run has nothing to do.
    pub(crate) async fn assert_converged(&self) {
        assert_eq!(self.planned().await, Vec::<String>::new());
    }

    /// All instances of the first app are healthy on a release, which is recorded as such.
    pub(crate) fn assert_runs(&self, release: &str) {
        let expected = Some(release.to_owned());
        let store = self.store();
        let links = (store.current().unwrap(), store.proven().unwrap());
        assert_eq!(links, (expected.clone(), expected));
        let running = self.running();
        let running: BTreeSet<&str> = running.iter().map(String::as_str).collect();
        assert_eq!(running, BTreeSet::from([release]));
        for instance in self.host.instances_of(APP) {
            assert!(self.systemd.is_healthy(&instance.unit), "{}", instance.unit);
        }
    }

    /// The release that the last process of each instance of the first app was started with.
    pub(crate) fn running(&self) -> Vec<String> {
        let started = self.started.lock().unwrap();
        let instances = self.host.instances_of(APP).into_iter();
        instances.map(|i| started[&i.unit].clone()).collect()
    }

    /// Requests that changed units since the last call.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.systemd.take_requests()
    }
}

/// Path of the unit file of an instance.
pub(crate) fn unit_file(unit: &str) -> PathBuf {
    let stem = unit.split('@').next().unwrap_or(unit);
    Path::new("/etc/systemd/system").join(format!("{stem}@.service"))
}
