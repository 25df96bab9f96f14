//! A service manager in memory, for tests: a machine with units, jobs, and processes, on tokio's clock.
//!
//! With a paused clock (`start_paused`), a test that waits for minutes takes no time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::Endpoint;
use tokio::time::Instant as Time;

use super::{Activity, Error, Exit, States, Systemd, Transient, UnitState, Verb};

/// How a service behaves that is started.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Behavior {
    /// Time until it is active; `None`: it never is.
    pub(crate) active_after: Option<Duration>,
    /// Time until it exits with this status.
    pub(crate) exits: Option<(Duration, i32)>,
    /// Whether it passes health checks.
    pub(crate) is_healthy: bool,
}

impl Behavior {
    /// Active at once, and healthy.
    pub(crate) fn good() -> Self {
        Self {
            active_after: Some(Duration::ZERO),
            exits: None,
            is_healthy: true,
        }
    }
}

/// What happens to one request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// It is refused, and has no effect.
    Refused,
    /// It has its effect, and the reply is lost.
    ReplyLost,
    /// It has no effect, and never returns: the program is killed before it.
    KilledBefore,
    /// It has its effect, and never returns: the program is killed after it.
    KilledAfter,
}

type Choice = Box<dyn Fn(&str) -> Behavior + Send>;
type Hook = Box<dyn Fn(&str, u32) + Send>;

/// Units and what was requested of them.
pub(crate) struct FakeSystemd {
    machine: Mutex<Machine>,
}

impl std::fmt::Debug for FakeSystemd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeSystemd")
    }
}

struct Machine {
    units: BTreeMap<String, Unit>,
    behavior: Choice,
    started: Hook,
    requests: Vec<String>,
    killed: Vec<String>,
    exit_messages: Vec<(String, String, String)>,
    faults: BTreeMap<usize, Fault>,
    changes: usize,
    is_unreachable: bool,
    refuses_kill: bool,
    invocations: u32,
    transient: Vec<Transient>,
}

#[derive(Clone, Debug, Default)]
struct Unit {
    state: UnitState,
    behavior: Behavior,
    /// When the current run began.
    started: Option<Time>,
    start_us: Option<u64>,
    /// Whether the next request to start it keeps the number of restarts, as in systemd 252 between the
    /// end of a run and systemd's own start of the next one.
    keeps_restarts: bool,
}

impl Default for FakeSystemd {
    fn default() -> Self {
        Self {
            machine: Mutex::new(Machine {
                units: BTreeMap::new(),
                behavior: Box::new(|_| Behavior::good()),
                started: Box::new(|_, _| ()),
                requests: Vec::new(),
                killed: Vec::new(),
                exit_messages: Vec::new(),
                faults: BTreeMap::new(),
                changes: 0,
                is_unreachable: false,
                refuses_kill: false,
                invocations: 0,
                transient: Vec::new(),
            }),
        }
    }
}

impl FakeSystemd {
    fn lock(&self) -> MutexGuard<'_, Machine> {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        machine.advance();
        machine
    }

    /// Starts a service, or starts it again, at this time on `CLOCK_MONOTONIC`.
    pub(crate) fn start(&self, service: &str, at_us: u64) {
        let mut machine = self.lock();
        machine.begin(service);
        machine.advance();
        let unit = machine.units.entry(service.to_owned()).or_default();
        unit.start_us = Some(at_us);
    }

    /// Stops a service.
    pub(crate) fn stop(&self, service: &str) {
        self.lock().units.remove(service);
    }

    /// Opens a socket, or moves it, to this address.
    pub(crate) fn bind(&self, socket: &str, endpoint: Endpoint) {
        let mut machine = self.lock();
        let unit = machine.units.entry(socket.to_owned()).or_default();
        unit.state.activity = Activity::Active;
        unit.state.listen = vec![endpoint];
    }

    /// From now on, each request fails, or none does.
    pub(crate) fn set_unreachable(&self, is_unreachable: bool) {
        self.lock().is_unreachable = is_unreachable;
    }

    /// From now on, each request to kill a service fails.
    pub(crate) fn refuse_kill(&self) {
        self.lock().refuses_kill = true;
    }

    /// Services that were killed since the last call.
    pub(crate) fn take_killed(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().killed)
    }

    /// Chooses how services behave that start from now on, by unit.
    pub(crate) fn set_behavior(&self, behavior: impl Fn(&str) -> Behavior + Send + 'static) {
        self.lock().behavior = Box::new(behavior);
    }

    /// Calls this with the unit and the PID of each process that starts from now on.
    pub(crate) fn set_started(&self, started: impl Fn(&str, u32) + Send + 'static) {
        self.lock().started = Box::new(started);
    }

    /// Lets the `nth` request that changes something fail, counted from 0.
    pub(crate) fn set_fault(&self, nth: usize, fault: Fault) {
        self.lock().faults.insert(nth, fault);
    }

    /// The number of requests that changed something, or tried to.
    pub(crate) fn changes(&self) -> usize {
        self.lock().changes
    }

    /// Requests since the last call: `restart a.service`.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().requests)
    }

    /// Transient units that were started.
    pub(crate) fn transient(&self) -> Vec<Transient> {
        self.lock().transient.clone()
    }

    /// Changes the state of a unit.
    pub(crate) fn edit(&self, unit: &str, edit: impl FnOnce(&mut UnitState)) {
        edit(&mut self.lock().units.entry(unit.to_owned()).or_default().state);
    }

    /// Sets the unit files of a unit.
    pub(crate) fn set_files(&self, unit: &str, files: &[PathBuf]) {
        self.edit(unit, |state| files.clone_into(&mut state.files));
    }

    /// Ends the run of a service with this exit status. systemd starts the next one.
    pub(crate) fn exit(&self, service: &str, status: i32) {
        let mut machine = self.lock();
        machine.exit(service, status);
        machine.advance();
    }

    /// Ends the run of a service. systemd waits before it starts the next one.
    pub(crate) fn crash(&self, service: &str) {
        let mut machine = self.lock();
        machine.end(service);
        let unit = machine.units.entry(service.to_owned()).or_default();
        unit.keeps_restarts = true;
        unit.state.activity = Activity::Activating;
        unit.state.sub_state = "auto-restart".to_owned();
    }

    /// Whether a service is active and passes health checks.
    pub(crate) fn is_healthy(&self, service: &str) -> bool {
        let machine = self.lock();
        let unit = machine.units.get(service);
        unit.is_some_and(|unit| unit.state.is_active() && unit.behavior.is_healthy)
    }

    /// The state of a unit.
    pub(crate) fn state(&self, unit: &str) -> UnitState {
        let machine = self.lock();
        machine
            .units
            .get(unit)
            .map(|unit| unit.state.clone())
            .unwrap_or_default()
    }

    fn query<T>(&self, request: &str, act: impl FnOnce(&mut Machine) -> T) -> Result<T, Error> {
        let mut machine = self.lock();
        if machine.is_unreachable {
            return Err(error(request, "connection reset"));
        }
        Ok(act(&mut machine))
    }

    /// A request that changes something, and may be faulty.
    async fn change(
        &self,
        request: String,
        act: impl FnOnce(&mut Machine) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        match self.change_now(&request, act) {
            Some(result) => result,
            None => std::future::pending().await,
        }
    }

    /// `None` if the request never returns.
    fn change_now(
        &self,
        request: &str,
        act: impl FnOnce(&mut Machine) -> Result<(), Error>,
    ) -> Option<Result<(), Error>> {
        let mut machine = self.lock();
        if machine.is_unreachable {
            return Some(Err(error(request, "connection reset")));
        }
        let nth = machine.changes;
        machine.changes += 1;
        let fault = machine.faults.get(&nth).copied();
        match fault {
            Some(Fault::Refused) => return Some(Err(error(request, "refused by the test"))),
            Some(Fault::KilledBefore) => return None,
            _ => {}
        }
        machine.requests.push(request.to_owned());
        let done = act(&mut machine);
        machine.advance();
        match fault {
            Some(Fault::KilledAfter) => None,
            Some(_) => Some(Err(error(request, "the reply was lost"))),
            None => Some(done),
        }
    }
}

impl Machine {
    /// Begins a run of a service, or activates another unit.
    fn begin(&mut self, name: &str) {
        self.invocations += 1;
        let invocation = format!("run-{}", self.invocations);
        let is_service = name.ends_with(".service");
        let behavior = if is_service {
            (self.behavior)(name)
        } else {
            Behavior::good()
        };
        let unit = self.units.entry(name.to_owned()).or_default();
        unit.behavior = behavior;
        unit.started = Some(Time::now());
        unit.state.invocation = invocation;
        unit.state.activity = Activity::Activating;
        unit.state.sub_state = "start".to_owned();
        unit.keeps_restarts = false;
        unit.state.main_pid = 0;
        if is_service {
            unit.state.main_pid = 10_000 + self.invocations;
            (self.started)(name, unit.state.main_pid);
            self.open_sockets(name);
        }
    }

    /// Opens the sockets of a service, which it requires.
    fn open_sockets(&mut self, service: &str) {
        let is_closed = |unit: &Unit| {
            unit.state.activity != Activity::Active
                && unit.state.triggers.iter().any(|t| t == service)
        };
        let sockets = self.units.iter().filter(|(_, unit)| is_closed(unit));
        let closed: Vec<String> = sockets.map(|(name, _)| name.clone()).collect();
        for socket in closed {
            self.begin(&socket);
        }
    }

    /// Processes what has happened until now.
    fn advance(&mut self) {
        let now = Time::now();
        let due: Vec<(String, i32)> = self
            .units
            .iter()
            .filter_map(|(name, unit)| {
                let (after, status) = unit.behavior.exits?;
                (now >= unit.started? + after).then(|| (name.clone(), status))
            })
            .collect();
        for (name, status) in due {
            self.exit(&name, status);
        }
        for unit in self.units.values_mut() {
            let ready = unit.started.zip(unit.behavior.active_after);
            if unit.state.activity == Activity::Activating
                && ready.is_some_and(|(started, after)| now >= started + after)
            {
                unit.state.activity = Activity::Active;
                unit.state.sub_state = "running".to_owned();
            }
        }
    }

    fn exit(&mut self, name: &str, status: i32) {
        let Some(unit) = self.units.get_mut(name) else {
            return;
        };
        let invocation = unit.state.invocation.clone();
        let message = format!("Main process exited, code=exited, status={status}");
        self.exit_messages
            .push((name.to_owned(), invocation, message));
        let restarts = unit.state.restarts + 1;
        self.begin(name);
        let unit = self.units.entry(name.to_owned()).or_default();
        unit.state.restarts = restarts;
        unit.state.result = "exit-code".to_owned();
        unit.state.exit = Exit { code: 1, status };
    }

    fn end(&mut self, name: &str) {
        if let Some(unit) = self.units.get_mut(name) {
            unit.started = None;
            unit.behavior = Behavior::default();
            unit.state.activity = Activity::Inactive;
            unit.state.sub_state = "dead".to_owned();
            unit.state.main_pid = 0;
        }
    }

    fn execute(&mut self, verb: Verb, unit: &str) {
        match verb {
            Verb::Start => {
                if !self.units.get(unit).is_some_and(|u| u.state.is_active()) {
                    self.begin_again(unit);
                }
            }
            Verb::Restart => self.begin_again(unit),
            Verb::Stop | Verb::StopAlone => self.end(unit),
            Verb::Reload => {}
        }
    }

    /// Begins a run that was requested.
    fn begin_again(&mut self, unit: &str) {
        if !self.units.get(unit).is_some_and(|u| u.keeps_restarts) {
            self.reset(unit);
        }
        self.begin(unit);
    }

    fn reset(&mut self, unit: &str) {
        if let Some(unit) = self.units.get_mut(unit) {
            unit.state.restarts = 0;
            unit.state.result.clear();
            unit.state.exit = Exit::default();
        }
    }
}

fn error(request: &str, reason: &str) -> Error {
    Error {
        request: request.to_owned(),
        reason: reason.to_owned(),
    }
}

impl Systemd for FakeSystemd {
    async fn activity(&self, units: &[String]) -> Result<BTreeMap<String, Activity>, Error> {
        self.query("activity", |machine| {
            let activity = |unit: &String| {
                let known = machine.units.get(unit);
                known.map(|unit| unit.state.activity).unwrap_or_default()
            };
            units.iter().map(|u| (u.clone(), activity(u))).collect()
        })
    }

    async fn started_at_us(&self, service: &str) -> Result<u64, Error> {
        self.query("started", |machine| {
            let unit = machine.units.get(service);
            unit.and_then(|unit| unit.start_us).unwrap_or_default()
        })
    }

    async fn listen(&self, socket: &str) -> Result<Option<Endpoint>, Error> {
        self.query("listen", |machine| {
            let unit = machine.units.get(socket);
            unit.and_then(|unit| unit.state.listen.first().cloned())
        })
    }

    async fn kill(&self, service: &str) -> Result<(), Error> {
        self.query("kill", |machine| {
            if machine.refuses_kill {
                return Err(error("KillUnit", "access denied"));
            }
            let unit = machine.units.entry(service.to_owned()).or_default();
            unit.state.activity = Activity::Activating;
            unit.behavior = Behavior::default();
            machine.killed.push(service.to_owned());
            Ok(())
        })?
    }

    async fn states(&self, units: &[String]) -> Result<States, Error> {
        self.query("states", |machine| {
            let state = |unit: &String| {
                let known = machine.units.get(unit);
                known.map(|unit| unit.state.clone()).unwrap_or_default()
            };
            units
                .iter()
                .map(|unit| (unit.clone(), state(unit)))
                .collect()
        })
    }

    async fn find(&self, patterns: &[String]) -> Result<BTreeSet<String>, Error> {
        self.query("find", |machine| {
            let matches = |unit: &&String| {
                let starts = |pattern: &String| unit.starts_with(pattern.trim_end_matches('*'));
                patterns.iter().any(starts)
            };
            machine.units.keys().filter(matches).cloned().collect()
        })
    }

    async fn run(&self, verb: Verb, units: &[String]) -> Result<(), Error> {
        self.request(verb, units).await
    }

    async fn request(&self, verb: Verb, units: &[String]) -> Result<(), Error> {
        self.change(format!("{verb} {}", units.join(" ")), |machine| {
            for unit in units {
                machine.execute(verb, unit);
            }
            Ok(())
        })
        .await
    }

    async fn enable(&self, units: &[String]) -> Result<(), Error> {
        self.change(format!("enable {}", units.join(" ")), |machine| {
            for unit in units {
                machine
                    .units
                    .entry(unit.clone())
                    .or_default()
                    .state
                    .is_enabled = true;
            }
            Ok(())
        })
        .await
    }

    async fn disable(&self, units: &[String]) -> Result<(), Error> {
        self.change(format!("disable {}", units.join(" ")), |machine| {
            for unit in units {
                machine
                    .units
                    .entry(unit.clone())
                    .or_default()
                    .state
                    .is_enabled = false;
            }
            Ok(())
        })
        .await
    }

    async fn reset_failed(&self, unit: &str) -> Result<(), Error> {
        self.change(format!("reset-failed {unit}"), |machine| {
            machine.reset(unit);
            if let Some(unit) = machine.units.get_mut(unit)
                && unit.state.activity == Activity::Failed
            {
                unit.state.activity = Activity::Inactive;
            }
            Ok(())
        })
        .await
    }

    async fn reload_manager(&self) -> Result<(), Error> {
        self.change("daemon-reload".to_owned(), |machine| {
            for unit in machine.units.values_mut() {
                unit.state.needs_reload = false;
            }
            Ok(())
        })
        .await
    }

    async fn start_transient(&self, unit: &Transient) -> Result<(), Error> {
        self.change(format!("run {}", unit.unit), |machine| {
            machine.transient.push(unit.clone());
            Ok(())
        })
        .await
    }

    async fn log(&self, unit: &str, _: &str, _: usize) -> Vec<String> {
        vec![format!("a log line of {unit}")]
    }

    async fn exit_message(&self, service: &str, _: u64, except: &str) -> Option<String> {
        let machine = self.lock();
        let mut messages = machine.exit_messages.iter().rev();
        let found = messages.find(|(unit, run, _)| unit == service && run != except);
        found.map(|(_, _, message)| message.clone())
    }
}
