//! Large bodies and slow clients, where `/run` is small.

use std::io::Read as _;
use std::thread;
use std::time::Duration;

use crate::client::{Client, request, send};
use crate::failure::{Checked, Context as _, ensure};
use crate::table::{Case, PLAIN, Setup, case};

static DEFAULTS: Setup = PLAIN;
static LARGE: Setup = Setup {
    proxy: "max_body: 64MiB",
    ..PLAIN
};

const FILE: u64 = 30_000_000;

pub(crate) const CASES: &[Case] = &[
    case(
        "storage: slow clients get files of 30 MB whole",
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
    case("storage: an upload of 20 MB arrives", &LARGE, |_| {
        let body = vec![b'x'; 20_000_000];
        let seen = send("POST", "/upload", &body)?.expect(200)?.echoed()?;
        ensure!(seen.length == 20_000_000, "{} bytes arrived", seen.length);
        Ok(())
    }),
];

/// Pauses after the first bytes, for as long as a proxy needs to take the rest from the application.
fn slow_client(at: usize) -> Checked {
    let mut download = Download::start(&format!("/file-{at}?do=body&type=zip&size={FILE}"))?;
    download.read(64 * 1024)?;
    thread::sleep(Duration::from_millis(2500));
    download.finish(FILE)
}

/// An answer that is read piece by piece.
pub(crate) struct Download {
    client: Client,
    read: u64,
}

impl Download {
    pub(crate) fn start(url: &str) -> Checked<Self> {
        let mut client = Client::connect_narrow()?;
        client.send(request("GET", url, ""))?;
        let answer = client.head()?;
        ensure!(answer.status == 200, "the status is {}", answer.status);
        Ok(Self { client, read: 0 })
    }

    /// Reads at most `size` bytes.
    pub(crate) fn read(&mut self, size: usize) -> Checked {
        let mut piece = vec![0; size];
        let length = self
            .client
            .stream
            .read(&mut piece)
            .doing("reading a piece")?;
        ensure!(length > 0, "the answer ended after {} bytes", self.read);
        self.read += length as u64;
        Ok(())
    }

    /// Reads on until all `size` bytes are there.
    pub(crate) fn finish(mut self, size: u64) -> Checked {
        while self.read < size {
            self.read(1024 * 1024)?;
        }
        Ok(())
    }
}
