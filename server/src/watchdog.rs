//! Watchdog pings: each is sent only after the runtime has run a new task and the
//! process has passed its own health check.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Empty;
use hyper::Request;
use tokio::time::{MissedTickBehavior, interval};

use crate::notify::Notifier;
use crate::routes::{BodilessRequest, Route, Routes};

/// Sends a watchdog ping every `period` while the health check passes.
pub(crate) async fn send_pings(notifier: Arc<Notifier>, routes: &'static Routes, period: Duration) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A dedicated task: a blocked runtime starts no new task.
        let check = tokio::spawn(async { routes.handle(Route::of("/health"), health_request()) });
        if let Ok(response) = check.await
            && response.status().is_success()
        {
            notifier.ping();
        }
    }
}

fn health_request() -> BodilessRequest {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = hyper::Uri::from_static("/health");
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Read};
    use std::os::unix::net::UnixStream;
    use std::thread::sleep;

    use crate::app::App;
    use crate::identity::{Identity, Role};
    use crate::log::Log;
    use crate::settings::LogFormat;

    const PERIOD: Duration = Duration::from_millis(2);

    #[test]
    fn blocked_runtime_sends_no_pings() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let app = App::new(Identity::read(Role::Single), Log::start(LogFormat::Text));
        let (mut receiver, channel) = UnixStream::pair().expect("a channel");
        let notifier = Arc::new(Notifier::Supervisor(channel.into()));
        runtime.spawn(send_pings(notifier, Routes::new(app), PERIOD));
        let mut pings = [0; 15];
        runtime.block_on(async {
            while has_fewer_bytes_than(&receiver, pings.len()) {
                tokio::time::sleep(PERIOD).await;
            }
        });
        receiver.read_exact(&mut pings).expect("pings");
        assert_eq!(&pings, b"ping\nping\nping\n");
        // The runtime is not polled from here on, as if a task had blocked it.
        receiver.set_nonblocking(true).expect("a mode");
        while receiver.read(&mut pings).is_ok() {}
        sleep(PERIOD * 20);
        let error = receiver.read(&mut pings).expect_err("no ping");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }

    fn has_fewer_bytes_than(receiver: &UnixStream, size: usize) -> bool {
        use rustix::net::{RecvFlags, recv};
        let mut buffer = [0; 64];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        recv(receiver, &mut buffer, flags).map_or(0, |(_, read)| read) < size
    }
}
