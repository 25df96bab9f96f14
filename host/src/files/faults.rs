//! Failures of file operations for tests.

use std::io;
use std::sync::{Arc, Mutex};

use super::error::Operation;

/// Which operations fail. Operations are counted from 0 since the fault was set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Fault {
    /// None.
    #[default]
    None,
    /// This one.
    Once(usize),
    /// This one and all after it, as if the process was killed before it.
    Kill(usize),
    /// All that need disk space.
    DiskFull,
}

#[derive(Debug, Default)]
struct State {
    fault: Fault,
    operations: Vec<Operation>,
    is_hit: bool,
}

/// The fault of a [`super::Root`] and its clones.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Arc<Mutex<State>>);

impl Faults {
    /// Sets the fault.
    pub(super) fn set(&self, fault: Fault) {
        *self.0.lock().unwrap() = State {
            fault,
            ..State::default()
        };
    }

    /// Whether an operation failed since the fault was set.
    pub(super) fn is_hit(&self) -> bool {
        self.0.lock().unwrap().is_hit
    }

    /// Operations since the fault was set.
    pub(super) fn operations(&self) -> Vec<Operation> {
        self.0.lock().unwrap().operations.clone()
    }

    /// Counts an operation. Fails if it is to fail.
    pub(super) fn check(&self, operation: Operation) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let number = state.operations.len();
        state.operations.push(operation);
        let fails = match state.fault {
            Fault::None => false,
            Fault::Once(failing) => number == failing,
            Fault::Kill(first) => number >= first,
            Fault::DiskFull => matches!(
                operation,
                Operation::Create | Operation::Write | Operation::Link | Operation::CreateDirectory
            ),
        };
        state.is_hit |= fails;
        if fails {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}
