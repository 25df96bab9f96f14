//! The URLs a reader opens, through the forwarded port.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use lab::{Error, Result, command};

/// What `curl` gets, or why it got nothing.
pub(crate) fn get(path: &str) -> Result<String> {
    let url = format!("http://localhost:8080{path}");
    let options = ["--silent", "--show-error", "--fail", "--max-time", "10"];
    command::finish(Command::new("curl").args(options).arg(url))?.success()
}

/// The sum of a tally's values.
pub(crate) fn sum(tally: &str) -> Result<u64> {
    serde_json::from_str::<BTreeMap<String, u64>>(tally)
        .map(|values| values.values().sum())
        .map_err(|_| Error::Unreadable {
            what: "a tally".to_owned(),
            text: tally.to_owned(),
        })
}

/// Asks one URL again and again, one request at a time, until it is stopped.
pub(crate) struct Asking {
    enough: Arc<AtomicBool>,
    thread: JoinHandle<(u32, Vec<String>)>,
}

impl Asking {
    /// Begins to ask.
    pub(crate) fn begin(path: &'static str) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&enough);
        let thread = thread::spawn(move || {
            let (mut answered, mut failed) = (0, Vec::new());
            while !told.load(Ordering::Relaxed) {
                match get(path) {
                    Ok(_) => answered += 1,
                    Err(error) => failed.push(error.to_string()),
                }
            }
            (answered, failed)
        });
        Self { enough, thread }
    }

    /// How many requests were answered, and what the others said.
    pub(crate) fn end(self) -> (u32, Vec<String>) {
        self.enough.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}
