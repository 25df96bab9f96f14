//! Large bodies and slow clients on a host with a small `/run`.

use std::io::Read as _;
use std::thread;
use std::time::Duration;

use crate::case::{Case, PLAIN, Setup, case};
use crate::client::{Client, request, send};
use crate::failure::{CheckResult, Context as _, ensure};

static DEFAULTS: Setup = PLAIN;
static LARGE: Setup = Setup {
    proxy: "max_body: 64MiB",
    ..PLAIN
};

const FILE: u64 = 30_000_000;

pub(crate) const CASES: &[Case] = &[
    case(
        "bodies: slow clients receive complete files of 30 MB",
        &DEFAULTS,
        |_| {
            let clients: Vec<_> = (0..4)
                .map(|at| thread::spawn(move || slow_client(at)))
                .collect();
            let mut failures = Vec::new();
            for client in clients {
                match client.join() {
                    Ok(outcome) => {
                        failures.extend(outcome.err().map(|failure| failure.to_string()));
                    }
                    Err(_) => failures.push("a client panicked".to_owned()),
                }
            }
            ensure!(failures.is_empty(), "{}", failures.join("; "));
            Ok(())
        },
    ),
    case("bodies: an upload of 20 MB arrives", &LARGE, |_| {
        let body = vec![b'x'; 20_000_000];
        let received = send("POST", "/upload", &body)?.expect(200)?.echoed()?;
        ensure!(
            received.length == 20_000_000,
            "{} bytes arrived",
            received.length
        );
        Ok(())
    }),
];

/// Pauses after the first bytes, until the proxy has read the rest from the application.
fn slow_client(at: usize) -> CheckResult {
    let mut download = Download::start(&format!("/file-{at}?do=body&type=zip&size={FILE}"))?;
    download.read(64 * 1024)?;
    thread::sleep(Duration::from_millis(2500));
    download.finish(FILE)
}

/// A response that is read in parts.
pub(crate) struct Download {
    client: Client,
    read: u64,
}

impl Download {
    pub(crate) fn start(url: &str) -> CheckResult<Self> {
        let mut client = Client::connect_small_buffer()?;
        client.send(request("GET", url, ""))?;
        let response = client.head()?;
        ensure!(response.status == 200, "the status is {}", response.status);
        Ok(Self { client, read: 0 })
    }

    /// Reads at most `size` bytes.
    pub(crate) fn read(&mut self, size: usize) -> CheckResult {
        let mut bytes = vec![0; size];
        let length = self
            .client
            .stream
            .read(&mut bytes)
            .context("reading a response")?;
        ensure!(length > 0, "the response ended after {} bytes", self.read);
        self.read += length as u64;
        Ok(())
    }

    /// Reads the rest of `size` bytes.
    pub(crate) fn finish(mut self, size: u64) -> CheckResult {
        while self.read < size {
            self.read(1024 * 1024)?;
        }
        Ok(())
    }
}
