//! Requests to the VM through the forwarded port.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use lab::{Error, Result, command};

/// Body of the response to a GET.
pub(crate) fn get(path: &str) -> Result<String> {
    let url = format!("http://localhost:8080{path}");
    let options = ["--silent", "--show-error", "--fail", "--max-time", "10"];
    command::capture(Command::new("curl").args(options).arg(url))?.success()
}

/// Sum of the values of a tally.
pub(crate) fn sum(tally: &str) -> Result<u64> {
    serde_json::from_str::<BTreeMap<String, u64>>(tally)
        .map(|values| values.values().sum())
        .map_err(|_| Error::Invalid {
            what: "invalid tally".to_owned(),
            text: tally.to_owned(),
        })
}

/// Requests a URL repeatedly, one request at a time, until it is stopped.
pub(crate) struct RequestLoop {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u32, Vec<String>)>,
}

impl RequestLoop {
    /// Starts the requests.
    pub(crate) fn start(path: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let is_stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let (mut succeeded, mut failed) = (0, Vec::new());
            while !is_stopped.load(Ordering::Relaxed) {
                match get(path) {
                    Ok(_) => succeeded += 1,
                    Err(error) => failed.push(error.to_string()),
                }
            }
            (succeeded, failed)
        });
        Self { stop, thread }
    }

    /// Stops the requests; returns the number of successes and the errors of the others.
    pub(crate) fn stop(self) -> (u32, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}
